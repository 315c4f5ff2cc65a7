//! The function and its role.

use super::{Context, NameRule, is_account, no_path};
use crate::naming::Names;

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

fn role_path(cx: &mut Context<'_>) {
    let path = &cx.spec.role.path;
    let sound = path.starts_with('/') && path.ends_with('/') && path.bytes().all(|b| (b'!'..=b'~').contains(&b));
    let Some(span) = cx.place("role.path").filter(|_| !sound || path == "//" || path.len() > MAX_PATH) else {
        return;
    };
    let mended = format!("/{}/", path.trim_matches('/').replace(|c: char| !c.is_ascii_graphic(), "-"));
    let mended = if mended == "//" { "/".to_owned() } else { mended };
    let message = format!("`role.path` must begin and end in `/`, without blanks, {MAX_PATH} characters at most");
    let help = if mended.len() > MAX_PATH { "shorten it".to_owned() } else { format!("write `path: {mended}`") };
    cx.error("role-path", span, message, "no IAM path", help);
}

fn boundary(cx: &mut Context<'_>) {
    let Some(arn) = &cx.spec.role.permissions_boundary else {
        return;
    };
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let sound = match parts[..] {
        ["arn", partition, "iam", "", account, resource] => {
            let owner = account == "aws" || is_account(account);
            let name = resource.strip_prefix("policy/").unwrap_or_default();
            owner
                && partition.starts_with("aws")
                && !name.is_empty()
                && name.bytes().all(|b| (b'!'..=b'~').contains(&b))
        }
        _ => false,
    };
    if !sound {
        let span = cx.first_place(&["role.permissions_boundary"]);
        let account = Some(cx.spec.account.as_str()).filter(|account| is_account(account)).unwrap_or("ACCOUNT");
        let name = if arn.contains(':') { "NAME" } else { arn.as_str() };
        let help = format!("write `permissions_boundary: arn:aws:iam::{account}:policy/{name}`");
        cx.error(
            "permissions-boundary",
            span,
            "`role.permissions_boundary` must be the ARN of an IAM policy",
            "no policy's ARN",
            help,
        );
    }
}
