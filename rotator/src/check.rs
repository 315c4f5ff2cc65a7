use contract::{Check, PasswordPolicy};

use crate::error::{Error, Kind, Step};
use crate::password::NoPassword;
use crate::store::{CURRENT, PENDING, Store};
use crate::value;

/// Reads all that a rotation reads, changes nothing, and says what was found: the current version's id, and findings.
///
/// # Errors
/// The first thing that would keep a rotation from being done.
pub async fn self_check(
    store: &impl Store,
    field: Option<&str>,
    policy: &PasswordPolicy,
) -> Result<(Option<String>, Vec<Check>), Error> {
    let found = |name: &str, finding: String| Check { name: name.to_owned(), finding };
    let fail = |kind: Kind| kind.at(Step::Check);
    policy.check().map_err(|why| fail(NoPassword::Policy(why).into()))?;
    let (labels, current) = tokio::join!(store.labels(), store.current());
    let labels = labels.map_err(fail)?;
    let current = current.map_err(fail)?;
    if let Some(current) = &current {
        value::check(&current.value, field).map_err(|unfit| fail(unfit.into()))?;
    }

    let value = match (&current, field) {
        (None, _) => "none yet; the first rotation makes it",
        (Some(_), Some(_)) => "a JSON object with the field that rotates",
        (Some(_), None) => "text, all of which rotates",
    };
    let pending = match labels.holder(PENDING) {
        None => "no rotation is pending",
        Some(id) if labels.has(id, CURRENT) => "a label was left behind; the next rotation removes it",
        Some(_) => "a rotation is pending; its own next delivery finishes it, or the next tick drops it",
    };
    let password = format!("{} characters out of {}", policy.length, policy.alphabet().len());
    let checks = vec![
        found("secret", format!("readable, {} labelled versions", labels.0.len())),
        found("value", value.to_owned()),
        found("pending", pending.to_owned()),
        found("password", password),
    ];
    Ok((current.map(|current| current.id), checks))
}
