//! The function and its role.

use super::{Arn, Context, NameRule, is_account, no_path};
use crate::naming::{Names, partition};

const FUNCTION_NAME: NameRule = NameRule {
    code: "function-name",
    max: 64,
    allows: |c| c.is_ascii_alphanumeric() || "-_".contains(c),
    told: "letters, digits, `-` and `_`",
};
const ROLE_NAME: NameRule = NameRule {
    code: "role-name",
    max: 64,
    allows: |c| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c),
    told: "letters, digits and `_ + = , . @ -`",
};
const MAX_PATH: usize = 512;
/// Where IAM has the roles of services and of its Identity Center, and lets nobody else make any.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/using-service-linked-roles.html>
const RESERVED_PATHS: [&str; 2] = ["/aws-service-role/", "/aws-reserved/"];

pub(super) fn check(cx: &mut Context<'_>) {
    let spec = cx.spec;
    let sound = cx.name("function.name", &["name"], &spec.function.name, &FUNCTION_NAME);
    // A default that follows from a name at fault would only say the same again.
    if sound || cx.place("role.name").is_some() {
        cx.name("role.name", &["function.name", "name"], &spec.role.name, &ROLE_NAME);
    }
    if let Some(label) = spec.function.package.as_deref().and_then(no_path) {
        let span = cx.first_place(&["function.package"]);
        let help = "write a path, or `package: null` for the rotator that the deployer carries";
        cx.error("function-package", span, "`function.package` must be a path", label, help);
    }
    one_role_for_both(cx);
    role_path(cx);
    boundary(cx);
}

/// The function's role and the schedule's must be two; IAM tells no names apart that differ in case alone.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html>
fn one_role_for_both(cx: &mut Context<'_>) {
    let (name, invoke) = (&cx.spec.role.name, Names::of(cx.spec).invoke_role());
    if name.eq_ignore_ascii_case(&invoke) {
        let span = cx.first_place(&["role.name", "function.name", "schedule.name", "name"]);
        let message = format!("the function's role `{name}` and the schedule's role `{invoke}` would be one to IAM");
        cx.error("role-name", span, message, "the same role", "set `role.name` to another name");
    }
}

/// IAM takes more in a path than Lambda and EventBridge Scheduler take in a role's ARN; and `*` or `?` would make a pattern
/// of the ARN in a policy.
fn role_path(cx: &mut Context<'_>) {
    let path = &cx.spec.role.path;
    let allows = |c: char| (ROLE_NAME.allows)(c) || c == '/';
    let sound = path.starts_with('/') && path.ends_with('/') && path != "//" && path.len() <= MAX_PATH;
    let Some(span) = cx.place("role.path") else { return };
    if !sound || !path.chars().all(allows) {
        let mended = format!("/{}/", path.trim_matches('/').replace(|c: char| !allows(c), "-"));
        let mended = if mended == "//" { "/".to_owned() } else { mended };
        let message = format!(
            "`role.path` must begin and end in `/`, and have {} or `/` between, {MAX_PATH} characters at most",
            ROLE_NAME.told
        );
        let help = if mended.len() > MAX_PATH { "shorten it".to_owned() } else { format!("write `path: {mended}`") };
        cx.error("role-path", span, message, "no path of a role", help);
    } else if RESERVED_PATHS.iter().any(|reserved| path.starts_with(reserved)) {
        let message = format!("`{path}` is for the roles that AWS makes itself");
        cx.error("role-path", span, message, "reserved", "write another, for example `path: /`");
    }
}

/// A boundary is a policy of the role's own account, or one of AWS's.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePermissionsBoundary.html>
fn boundary(cx: &mut Context<'_>) {
    const PATH: &str = "role.permissions_boundary";
    const CODE: &str = "permissions-boundary";
    let Some(text) = &cx.spec.role.permissions_boundary else { return };
    let own = Some(cx.spec.account.as_str()).filter(|account| is_account(account));
    let Some(arn) = Arn::parse(text).filter(is_policy) else {
        let name = if text.contains(':') { "NAME" } else { text.as_str() };
        let (partition, account) = (partition(&cx.spec.region), own.unwrap_or("ACCOUNT"));
        let help = format!("write `permissions_boundary: arn:{partition}:iam::{account}:policy/{name}`");
        let span = cx.first_place(&[PATH]);
        cx.error(CODE, span, format!("`{PATH}` must be the ARN of an IAM policy"), "no policy's ARN", help);
        return;
    };
    if !cx.is_of_partition(CODE, PATH, text, &arn) || arn.account == "aws" {
        return;
    }
    if let Some(own) = own.filter(|own| *own != arn.account) {
        let [.., (start, other)] = arn.places();
        let span = cx.part(PATH, text, start..start + other.len());
        let message = format!("`{PATH}` is a policy of account {other}, and the stack's is {own}");
        let help = format!("write `permissions_boundary: arn:{}:iam::{own}:{}`", arn.partition, arn.resource);
        cx.error(CODE, span, message, "another account", help);
    }
}

fn is_policy(arn: &Arn<'_>) -> bool {
    let resource = arn.resource.strip_prefix("policy/").unwrap_or_default();
    let (path, name) = resource.rsplit_once('/').unwrap_or(("", resource));
    arn.service == "iam"
        && arn.region.is_empty()
        && (arn.account == "aws" || is_account(arn.account))
        && !name.is_empty()
        && name.chars().all(ROLE_NAME.allows)
        && path.bytes().all(|b| b.is_ascii_graphic())
}
