//! What the deployer leaves as Lambda makes it: where somebody has set it, it is drift, and taken away.

use std::collections::BTreeMap;

use crate::attribute::{Attributes, Value};

/// What somebody has set. Nothing is in it that is as Lambda makes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unset {
    /// ARN of a customer-managed key for the environment: without it the function can't start.
    pub environment_key: Option<String>,
    /// Why Lambda can't read the environment, such as a key that is gone.
    pub environment_error: Option<String>,
    /// ARN of a customer-managed key for the package.
    pub code_key: Option<String>,
    /// ARN of what gets events that failed for good.
    pub dead_letter_target: Option<String>,
    /// ARN of what gets the outcome of asynchronous invocations that went well.
    pub async_on_success: Option<String>,
    /// ARN of what gets the others.
    pub async_on_failure: Option<String>,
    /// Mode of tracing.
    pub tracing: Option<String>,
    /// Where the function writes its log to, in place of its own log group.
    pub log_destination: Option<String>,
    /// Format of the log, which `deploy logs` and `doctor` read as text.
    pub log_format: Option<String>,
    /// The least level that is logged, of the function's lines and of Lambda's.
    pub log_levels: BTreeMap<String, String>,
    /// File systems: ARNs of access points, and where they are mounted.
    pub file_systems: BTreeMap<String, String>,
    /// MB of temporary storage.
    pub ephemeral_storage: Option<u32>,
    /// When snapshots are made.
    pub snap_start: Option<String>,
    /// Whether it uses IPv6 in its VPC.
    pub ipv6: bool,
    /// How many invocations may run at a time, where that is none at all.
    pub reserved_concurrency: Option<u32>,
    /// What no update takes away: the package's kind, tenants, a capacity provider, durable executions.
    pub fixed: BTreeMap<&'static str, String>,
}

impl Unset {
    /// Adds what is set; desired is that nothing is.
    pub(super) fn add_to(&self, attributes: Attributes) -> Attributes {
        let Self {
            environment_key,
            environment_error,
            code_key,
            dead_letter_target,
            async_on_success,
            async_on_failure,
            tracing,
            log_destination,
            log_format,
            log_levels,
            file_systems,
            ephemeral_storage,
            snap_start,
            ipv6,
            reserved_concurrency,
            fixed,
        } = self;
        let attributes = attributes
            .with_optional("environment_key", environment_key.as_deref())
            .with_optional("environment_error", environment_error.as_deref())
            .with_optional("code_key", code_key.as_deref())
            .with_optional("dead_letter_target", dead_letter_target.as_deref())
            .with_optional("async_on_success", async_on_success.as_deref())
            .with_optional("async_on_failure", async_on_failure.as_deref())
            .with_optional("tracing", tracing.as_deref())
            .with_optional("log_destination", log_destination.as_deref())
            .with_optional("log_format", log_format.as_deref())
            .with_map("log_level", log_levels)
            .with_optional("ephemeral_storage", *ephemeral_storage)
            .with_optional("snap_start", snap_start.as_deref())
            .with_optional("vpc.ipv6", ipv6.then_some(true))
            .with_optional("reserved_concurrency", *reserved_concurrency);
        let attributes = file_systems.iter().fold(attributes, |all, (arn, path)| {
            all.with_entry("file_system", arn, Value::Known(path.as_str().into()))
        });
        fixed.iter().fold(attributes, |all, (name, value)| all.with_fixed(name, value.as_str()))
    }
}
