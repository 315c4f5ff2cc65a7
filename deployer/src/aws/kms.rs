//! KMS: what a key's spelling stands for, and whether it can be used.

use aws_sdk_kms::types::{KeyManagerType, KeyMetadata, KeySpec, KeyState, KeyUsageType};
use plan::precondition::Key;

use super::client::Clients;
use super::error::{Class, Error, Result, failed};
use super::secret::date;

/// Keys of that prefix are AWS's own; their ARNs are not needed, and not every account has them yet.
const MANAGED: &str = "alias/aws/";

/// The key that an id, alias or ARN stands for; `None` for AWS's own.
///
/// # Errors
/// A key that is not there, or that the caller may not describe.
pub async fn describe(clients: &Clients, key: &str) -> Result<Option<Key>> {
    if key.contains(MANAGED) {
        return Ok(None);
    }
    let answer = clients.kms.describe_key().key_id(key).send().await.map_err(failed("kms:DescribeKey"))?;
    Ok(answer.key_metadata().map(read))
}

/// The same of the spec's own key.
///
/// # Errors
/// As [`describe`].
pub async fn resolve(clients: &Clients, key: &str) -> Result<Option<Key>> {
    describe(clients, key).await.map_err(|error| match error.class {
        Class::NotFound => absent(error, key),
        _ => error,
    })
}

fn absent(error: Error, key: &str) -> Error {
    error.hint(format!("create the key {key}, or correct `secret.kms_key`"))
}

fn read(key: &KeyMetadata) -> Key {
    Key {
        arn: key.arn().unwrap_or_default().to_owned(),
        state: key.key_state().map(KeyState::as_str).unwrap_or_default().to_owned(),
        usage: key.key_usage().map(KeyUsageType::as_str).unwrap_or_default().to_owned(),
        spec: key.key_spec().map(KeySpec::as_str).unwrap_or_default().to_owned(),
        deletion: key.deletion_date().map(date),
        is_aws_own: key.key_manager() == Some(&KeyManagerType::Aws),
    }
}
