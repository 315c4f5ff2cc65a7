//! Tags, and what of them has to be written or taken away.

use plan::attribute::{Change, Value};
use plan::ownership::Tags;

/// What a plan's changes of `tags` come to: entries to write and keys to take away.
pub fn changed(changes: &[Change]) -> (Tags, Vec<String>) {
    let (mut written, mut taken) = (Tags::new(), Vec::new());
    for change in changes.iter().filter(|change| change.attribute.name == "tags") {
        let Some(key) = change.attribute.key.clone() else { continue };
        match &change.after {
            Some(Value::Known(serde_json::Value::String(value))) => drop(written.insert(key, value.clone())),
            _ => taken.push(key),
        }
    }
    (written, taken)
}

/// Defines a function that turns [`Tags`] into a service's own list.
macro_rules! sdk_tags {
    ($name:ident, $sdk:ident, required) => {
        pub fn $name(tags: &Tags) -> Result<Vec<$sdk::types::Tag>, Error> {
            let tag = |(key, value): (&String, &String)| $sdk::types::Tag::builder().key(key).value(value).build();
            tags.iter().map(tag).collect::<Result<_, _>>().map_err(|e| Error::outcome("tags", e.to_string()))
        }
    };
    ($name:ident, $sdk:ident) => {
        pub fn $name(tags: &Tags) -> Vec<$sdk::types::Tag> {
            tags.iter().map(|(key, value)| $sdk::types::Tag::builder().key(key).value(value).build()).collect()
        }
    };
}

use super::error::Error;

sdk_tags!(iam, aws_sdk_iam, required);
sdk_tags!(scheduler, aws_sdk_scheduler, required);
sdk_tags!(secrets, aws_sdk_secretsmanager);
