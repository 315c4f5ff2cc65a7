//! KMS: what a key's spelling stands for.

use super::client::Clients;
use super::error::{Class, Result, failed};

/// Keys of that prefix are AWS's own; their ARNs are not needed, and not every account has them yet.
const MANAGED: &str = "alias/aws/";

/// The ARN of the key that an id, alias or ARN stands for; `None` for AWS's own.
///
/// # Errors
/// A key that is not there, or that the caller may not describe.
pub async fn resolve(clients: &Clients, key: &str) -> Result<Option<String>> {
    if key.contains(MANAGED) {
        return Ok(None);
    }
    let answer = clients.kms.describe_key().key_id(key).send().await.map_err(failed("kms:DescribeKey"));
    let answer = answer.map_err(|error| match error.class {
        Class::NotFound => error.hint(format!("create the key {key}, or correct `secret.kms_key`")),
        _ => error,
    })?;
    Ok(answer.key_metadata().and_then(|key| key.arn()).map(str::to_owned))
}
