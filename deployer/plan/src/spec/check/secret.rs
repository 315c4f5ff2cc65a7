//! The secret: its name, its key and where its first value comes from.

use super::{Arn, Context, NameRule, is_account, no_path};
use crate::naming::partition;
use crate::resource::secret::DEFAULT_KEY;
use crate::spec::diagnostic::Diagnostic;
use crate::spec::model::Initial;
use crate::spec::privacy;
use crate::spec::suggest::nearest;

/// What Secrets Manager adds to a name in the ARN: a hyphen and so many characters.
const SUFFIX: usize = 6;

const NAME: NameRule = NameRule {
    code: "secret-name",
    max: 512,
    allows: |c| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c),
    told: "letters, digits and `/ _ + = . @ -`",
};

pub(super) fn check(cx: &mut Context<'_>) {
    secret_name(cx, "secret.name", &cx.spec.secret.name, &NAME);
    let secret = &cx.spec.secret;
    if secret.field.as_deref() == Some("") {
        let span = cx.first_place(&["secret.field"]);
        let help = "write `field: null` to rotate the whole value, or remove the key for `field: password`";
        cx.error("secret-field", span, "`secret.field` must not be empty", "empty", help);
    }
    initial(cx);
    kms_key(cx);
}

/// Those that RDS makes for its master users have a `!` besides, which no one else may use.
pub(super) const ANY_NAME: NameRule =
    NameRule { allows: |c| (NAME.allows)(c) || c == '!', told: "letters, digits and `/ _ + = . @ - !`", ..NAME };

/// Whether a secret's name is sound: the stack's own or the admin's.
///
/// One that ends as ARNs do is. Only who looks it up by its ARN without AWS's own six characters finds nothing, and neither
/// the deployer nor the function does so.
/// <https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot.html#ARN_secretnamehyphen>
pub(super) fn secret_name(cx: &mut Context<'_>, path: &str, name: &str, rule: &NameRule) -> bool {
    if !cx.name(path, &[], name, rule) {
        return false;
    }
    let Some((stem, suffix)) = name.rsplit_once('-') else { return true };
    if suffix.len() == SUFFIX && suffix.bytes().all(|b| b.is_ascii_alphanumeric()) {
        let span = cx.part(path, name, stem.len()..name.len());
        let message = format!("`{path}` ends in a hyphen and six characters, as the ARNs of secrets do");
        let help = format!(
            "AWS takes an ARN that ends in `{name}` for the secret `{stem}`, and finds nothing: elsewhere use the name, or \
             the full ARN with AWS's own six characters behind it"
        );
        cx.warn("secret-name", span, message, "like the end of an ARN", help);
    }
    true
}

fn initial(cx: &mut Context<'_>) {
    let (path, fault, help) = match &cx.spec.secret.initial {
        Initial::Env(name) if !is_variable(name) => (
            "secret.initial.env",
            "`secret.initial.env` must be the name of an environment variable",
            "write for example `initial: {env: DB_PASSWORD}`",
        ),
        Initial::File(path) if no_path(path).is_some() => (
            "secret.initial.file",
            "`secret.initial.file` must be a path",
            "write for example `initial: {file: ./first-value}`",
        ),
        _ => return,
    };
    let Some(place) = cx.places.get(path) else { return };
    let (span, secret) = (place.value.clone(), privacy::behind(cx.text, &place.key, &place.value));
    // It may be the value itself.
    cx.found.push(Diagnostic::error("secret-initial", fault, span).labelled("not shown").help(help).redacting(secret));
}

fn is_variable(name: &str) -> bool {
    let first = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    first && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// A key may be another account's, but of the stack's region.
/// <https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_examples_cross.html>
fn kms_key(cx: &mut Context<'_>) {
    const PATH: &str = "secret.kms_key";
    let key = &cx.spec.secret.kms_key;
    let Some(span) = cx.place(PATH) else { return };
    if let Some(arn) = Arn::parse(key).filter(|arn| arn.service == "kms") {
        let sound = arn.resource.strip_prefix("key/").map_or_else(|| is_alias(arn.resource), is_key_id);
        if !sound || !is_account(arn.account) {
            let partition = partition(&cx.spec.region);
            let help = format!("write `arn:{partition}:kms:REGION:ACCOUNT:key/ID`, or `alias/NAME`");
            cx.error("kms-key", span, "`secret.kms_key` is no ARN of a key or an alias", "not a key's ARN", help);
        } else if cx.is_of_partition("kms-key", PATH, key, &arn) {
            region_of_key(cx, PATH, key, &arn);
            aws_own_key(cx, arn.resource, Some(arn.account));
        }
    } else if is_alias(key) {
        aws_own_key(cx, key, None);
    } else if !is_key_id(key) {
        let name = key
            .split_once(['/', ':'])
            .filter(|(head, _)| nearest(head, ["alias"]).is_some())
            .map_or(key.as_str(), |(_, name)| name);
        let alias = format!("alias/{name}");
        let help = if is_alias(&alias) {
            format!("did you mean `kms_key: {alias}`?")
        } else {
            "write a key id, a key ARN, `alias/NAME` or an alias ARN".to_owned()
        };
        cx.error("kms-key", span, "`secret.kms_key` is no key id, key ARN, alias or alias ARN", "not a key", help);
    }
}

fn region_of_key(cx: &mut Context<'_>, path: &str, key: &str, arn: &Arn<'_>) {
    if cx.place("region").is_some() && arn.region != cx.spec.region {
        let [_, (start, region), _] = arn.places();
        let place = cx.part(path, key, start..start + region.len());
        let message = format!("the key is in {region}, and the secret in {}", cx.spec.region);
        cx.error("kms-region", place, message, "another region", "use a key of the stack's region");
    }
}

/// Of the keys that AWS manages in each account, a secret can have that account's own for Secrets Manager alone.
/// <https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#aws-managed-cmk>
fn aws_own_key(cx: &mut Context<'_>, alias: &str, account: Option<&str>) {
    if !alias.starts_with("alias/aws/") {
        return;
    }
    let is_elsewhere = is_account(&cx.spec.account) && account.is_some_and(|account| account != cx.spec.account);
    let message = match alias {
        DEFAULT_KEY if is_elsewhere => format!("`{alias}` of another account is for that account alone"),
        DEFAULT_KEY => return,
        _ => format!("`{alias}` is AWS's key for another service, and Secrets Manager can't use it"),
    };
    let span = cx.first_place(&["secret.kms_key"]);
    let help = format!("write `kms_key: {DEFAULT_KEY}`, or name a key of your own");
    cx.error("kms-key", span, message, "not for this secret", help);
}

fn is_alias(text: &str) -> bool {
    let name = text.strip_prefix("alias/").unwrap_or_default();
    !name.is_empty() && text.len() <= 256 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_-".contains(&b))
}

/// A UUID, or `mrk-` and 32 hexadecimal digits.
fn is_key_id(text: &str) -> bool {
    let hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
    if let Some(id) = text.strip_prefix("mrk-") {
        return id.len() == 32 && hex(id);
    }
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12]) && groups.into_iter().all(hex)
}
