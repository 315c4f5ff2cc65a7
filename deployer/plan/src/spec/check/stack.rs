//! The stack itself: name, account, region and tags.

use std::collections::BTreeMap;

use super::{Context, DOTTED, is_account};
use crate::spec::suggest::nearest;

/// Tags that a stack may add; AWS takes 50 a resource, and the ownership tags want some.
const MAX_TAGS: usize = 40;
const MAX_TAG_KEY: usize = 128;
const MAX_TAG_VALUE: usize = 256;
/// The tags that say whose a resource is.
const OWN_PREFIX: &str = "deployer:";

/// To see a typing error: a region that is missing here is only a warning.
const REGIONS: [&str; 39] = [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eusc-de-east-1",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-west-1",
    "us-west-2",
];

pub(super) fn check(cx: &mut Context<'_>) {
    let name = &cx.spec.name;
    let sound = cx.name("name", &[], name, &DOTTED);
    if sound && cx.place("name").is_some() && !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        let span = cx.part("name", name, 0..1);
        cx.error("stack-name", span, "`name` must begin with a letter or a digit", "not at the begin", "remove it");
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
    let near = nearest(region, REGIONS);
    let help = near.map_or_else(
        || "write for example `region: us-east-1`".to_owned(),
        |near| format!("did you mean `region: {near}`?"),
    );
    if !is_region(region) {
        cx.error("region", span, format!("`{region}` is no region"), "not like `us-east-1`", help);
    } else if !REGIONS.contains(&region.as_str()) {
        let help = if near.is_some() { help } else { "if it is a new one, all is well".to_owned() };
        cx.warn("region-unknown", span, format!("region `{region}` is not known to this version"), "not known", help);
    }
}

/// Two or more words and one digit, hyphens between them.
fn is_region(text: &str) -> bool {
    let word = |word: &&str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
    let parts: Vec<&str> = text.split('-').collect();
    match &parts[..] {
        [first, middle @ .., number] if !middle.is_empty() => {
            first.len() >= 2
                && word(first)
                && middle.iter().all(word)
                && number.len() == 1
                && number.as_bytes()[0].is_ascii_digit()
        }
        _ => false,
    }
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

fn tag(cx: &mut Context<'_>, key: &str, value: &str) {
    let path = format!("tags.{key}");
    let key_span = tag_key(cx, key);
    let reserved = ["aws:", OWN_PREFIX].into_iter().find(|prefix| key.to_lowercase().starts_with(prefix));
    if key.is_empty() {
        cx.error("tag", key_span, "a tag's key must not be empty", "empty", "give it a name");
    } else if let Some(prefix) = reserved {
        let whose = if prefix == OWN_PREFIX { "the deployer" } else { "AWS" };
        cx.error(
            "tag",
            key_span,
            format!("tags that begin with `{prefix}` belong to {whose}"),
            "reserved",
            "use another key",
        );
    } else if let Some(bad) = key.chars().find(|c| !tag_allows(*c)) {
        cx.error("tag", key_span, format!("tag key `{key}` has `{bad}`"), "not allowed", TAG_CHARSET);
    } else if key.chars().count() > MAX_TAG_KEY {
        cx.error(
            "tag",
            key_span,
            format!("a tag's key has at most {MAX_TAG_KEY} characters"),
            "too long",
            "shorten it",
        );
    }
    if let Some(bad) = value.char_indices().find(|(_, c)| !tag_allows(*c)) {
        let span = cx.character(&path, value, bad);
        cx.error("tag", span, format!("the value of tag `{key}` has `{}`", bad.1), "not allowed", TAG_CHARSET);
    } else if value.chars().count() > MAX_TAG_VALUE {
        let span = cx.first_place(&[&path]);
        cx.error(
            "tag",
            span,
            format!("a tag's value has at most {MAX_TAG_VALUE} characters"),
            "too long",
            "shorten it",
        );
    }
}

const TAG_CHARSET: &str = "tags may have letters, digits, spaces and `_ . : / = + - @`";

fn tag_allows(c: char) -> bool {
    c.is_alphanumeric() || (c.is_whitespace() && !c.is_control()) || "_.:/=+-@".contains(c)
}
