//! The stack itself: name, account, region and tags.

use std::collections::BTreeMap;

use super::{Context, DOTTED, is_account};
use crate::limits::is_region;
use crate::naming::{PARTITIONS, partition};
use crate::spec::suggest::nearest;

/// Tags that a stack may add; AWS takes 50 a resource, and the ownership tags want some.
const MAX_TAGS: usize = 40;
/// The schedule group that each account has.
/// <https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-group.html>
const DEFAULT_GROUP: &str = "default";
/// The tags that say whose a resource is.
const OWN_PREFIX: &str = "deployer:";

pub(super) fn check(cx: &mut Context<'_>) {
    let name = &cx.spec.name;
    let sound = cx.name("name", &[], name, &DOTTED);
    if sound && cx.place("name").is_some() && !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        let span = cx.part("name", name, 0..1);
        cx.error("stack-name", span, "`name` must begin with a letter or a digit", "not at the begin", "remove it");
    }
    if name == DEFAULT_GROUP && cx.place("name").is_some() {
        let message = format!("`{DEFAULT_GROUP}` is EventBridge Scheduler's own group, which nobody may delete");
        cx.error("stack-name", cx.first_place(&["name"]), message, "reserved", "give the stack a name of its own");
    }
    account(cx);
    region(cx);
    tags(cx);
}

fn account(cx: &mut Context<'_>) {
    let account = &cx.spec.account;
    let Some(span) = cx.place("account") else { return };
    if is_account(account) {
        return;
    }
    let digits: String = account.chars().filter(char::is_ascii_digit).collect();
    let help = if digits.len() == 12 {
        format!("write `account: \"{digits}\"`")
    } else {
        "`aws sts get-caller-identity` shows it".to_owned()
    };
    cx.error("account", span, "`account` must be 12 digits", "not 12 digits", help);
}

fn region(cx: &mut Context<'_>) {
    let region = &cx.spec.region;
    let Some(span) = cx.place("region") else { return };
    let near = nearest(region, known());
    let help = near.map_or_else(
        || "write for example `region: us-east-1`".to_owned(),
        |near| format!("did you mean `region: {near}`?"),
    );
    if !is_region(region) {
        cx.error("region", span, format!("`{region}` is no region"), "not like `us-east-1`", help);
    } else if is_isolated(region) && partition(region) == "aws" {
        let message = format!("`{region}` is in a partition of AWS that this version does not know");
        let help = "every ARN begins with the partition: use a version that knows it";
        cx.error("region", span, message, "not known", help);
    } else if !known().any(|known| known == region) {
        let help = if near.is_some() { help } else { "if it is a new one, all is well".to_owned() };
        cx.warn("region-unknown", span, format!("region `{region}` is not known to this version"), "not known", help);
    }
}

/// To see a typing error: a region that is missing there is only a warning.
fn known() -> impl Iterator<Item = &'static str> {
    PARTITIONS.iter().flat_map(|partition| partition.regions).copied()
}

/// Those that are cut off from the internet have partitions of their own, and `iso` in their names.
fn is_isolated(region: &str) -> bool {
    region.split('-').nth(1).is_some_and(|word| word.starts_with("iso"))
}

fn tags(cx: &mut Context<'_>) {
    let Some(place) = cx.places.get("tags") else { return };
    let tags = &cx.spec.tags;
    if tags.len() > MAX_TAGS {
        let message = format!("{} tags are given, and a stack may add {MAX_TAGS}", tags.len());
        cx.error(
            "tag",
            place.key.clone(),
            message,
            "too many",
            "remove some: AWS takes 50 a resource, the deployer's included",
        );
    }
    let mut folded: BTreeMap<String, &str> = BTreeMap::new();
    for (key, value) in tags {
        tag(cx, key, value);
        if let Some(other) = folded.insert(key.to_lowercase(), key) {
            let span = tag_key(cx, key);
            let message = format!("the tags `{other}` and `{key}` differ only in case, which IAM does not tell apart");
            cx.error("tag-case", span, message, "the same to IAM", "remove one of them");
        }
    }
}

fn tag_key(cx: &Context<'_>, key: &str) -> std::ops::Range<usize> {
    cx.places.get(&format!("tags.{key}")).map_or(0..0, |place| place.key.clone())
}

/// What belongs to others; the services' limits tell the rest.
///
/// Secrets Manager asks to keep `aws:` out of values, too.
/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_TagResource.html>
fn tag(cx: &mut Context<'_>, key: &str, value: &str) {
    let reserved = ["aws:", OWN_PREFIX].into_iter().find(|prefix| key.to_lowercase().starts_with(prefix));
    if key.is_empty() {
        cx.error("tag", tag_key(cx, key), "a tag's key must not be empty", "empty", "give it a name");
    } else if let Some(prefix) = reserved {
        let whose = if prefix == OWN_PREFIX { "the deployer" } else { "AWS" };
        let message = format!("tags that begin with `{prefix}` belong to {whose}");
        cx.error("tag", tag_key(cx, key), message, "reserved", "use another key");
    } else if value.to_lowercase().starts_with("aws:") {
        let span = cx.first_place(&[&format!("tags.{key}")]);
        let message = format!("the value of tag `{key}` begins with `aws:`, which belongs to AWS");
        cx.error("tag", span, message, "reserved", "use another value");
    }
}
