//! The network that the function is attached to.

use std::collections::BTreeSet;

use super::Context;

/// What Lambda takes.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_VpcConfig.html>
const MAX_SUBNETS: usize = 16;
const MAX_SECURITY_GROUPS: usize = 5;

pub(super) fn check(cx: &mut Context<'_>) {
    let Some(vpc) = &cx.spec.function.vpc else { return };
    ids(cx, "function.vpc.subnets", "subnet-", &vpc.subnets, MAX_SUBNETS);
    ids(cx, "function.vpc.security_groups", "sg-", &vpc.security_groups, MAX_SECURITY_GROUPS);
}

fn ids(cx: &mut Context<'_>, path: &str, prefix: &str, sound: &BTreeSet<String>, max: usize) {
    let Some(list) = cx.places.get(path).cloned() else { return };
    let (example, what) = (format!("{prefix}0123456789abcdef0"), prefix.trim_end_matches('-'));
    if sound.is_empty() {
        cx.error("vpc", list.key, format!("`{path}` must not be empty"), "empty", format!("write `[{example}]`"));
        return;
    }
    if sound.len() > max {
        let message = format!("{} are given, and Lambda takes {max}", sound.len());
        cx.error("vpc", list.key, message, "too many", "remove some");
    }
    let mut seen = BTreeSet::new();
    for place in (0..).map_while(|index| cx.places.get(&format!("{path}[{index}]")).cloned()) {
        let written = cx.text[place.value.clone()].trim_matches(['"', '\'']).to_owned();
        if !is_id(&written, prefix) {
            let message = format!("`{written}` is no id of a {what}");
            let help = format!("it is like `{example}`: {prefix} and 8 or 17 digits, 0 to 9 and a to f");
            cx.error("vpc", place.value, message, "not an id", help);
        } else if !seen.insert(written.clone()) {
            cx.error("vpc", place.value, format!("`{written}` is given twice"), "the second one", "remove one");
        }
    }
}

fn is_id(text: &str, prefix: &str) -> bool {
    let digits = text.strip_prefix(prefix).unwrap_or_default();
    matches!(digits.len(), 8 | 17) && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}
