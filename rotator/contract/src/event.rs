use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// `EventBridge` Scheduler puts the schedule's ARN here.
pub const PLACEHOLDER_SCHEDULE_ARN: &str = "<aws.scheduler.schedule-arn>";
/// `EventBridge` Scheduler puts the time here for which the invocation was scheduled; all attempts of one time carry the same.
pub const PLACEHOLDER_SCHEDULED_TIME: &str = "<aws.scheduler.scheduled-time>";

/// What the function is asked to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Event {
    /// One tick: make one new version of the secret.
    Rotate {
        /// The secret that the sender means; another than the function's own is refused. Absent: the function's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        secret_arn: Option<String>,
        /// The schedule that fired; absent where a person asks.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        schedule_arn: Option<String>,
        /// The time for which it was scheduled; absent where a person asks.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scheduled_time: Option<String>,
    },
    /// Read everything that a rotation reads, change nothing, and say whether a rotation could be done.
    SelfCheck {
        /// As in [`Event::Rotate`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        secret_arn: Option<String>,
    },
}

/// What became of a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// This tick's version is AWSCURRENT, and this invocation made it so.
    Rotated,
    /// This tick had been done before; nothing changed.
    AlreadyRotated,
    /// A later tick or a manual change has since replaced this tick's version; nothing changed.
    Superseded,
    /// The self-check passed.
    Healthy,
    /// One step of Secrets Manager's own rotation is done.
    StepDone,
}

/// An event of Secrets Manager's own rotation.
/// <https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html>
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ManagedEvent {
    /// Which step is due.
    pub step: ManagedStep,
    /// The secret's ARN.
    pub secret_id: String,
    /// The id of the version that is to become current.
    pub client_request_token: String,
    /// To be handed on with a new value, where it is given; it is a secret itself.
    #[serde(default)]
    pub rotation_token: Option<String>,
}

/// A step of Secrets Manager's own rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ManagedStep {
    /// Store a new value as AWSPENDING.
    #[serde(alias = "create_secret")]
    CreateSecret,
    /// Tell the target.
    #[serde(alias = "set_secret")]
    SetSecret,
    /// Try the new value at the target.
    #[serde(alias = "test_secret")]
    TestSecret,
    /// Move AWSCURRENT.
    #[serde(alias = "finish_secret")]
    FinishSecret,
}

/// What the target says to a secret's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LoginCheck {
    /// It opens the target.
    Opens,
    /// The target refuses it.
    Refused,
    /// The target could not be asked.
    Unreachable,
}

/// One finding of the self-check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What was looked at.
    pub name: String,
    /// What was found, without any value.
    pub finding: String,
}

/// The function's answer: never a value, never a part of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// The function's own secret.
    pub secret_arn: String,
    /// The tick's version; for a self-check the one that is AWSCURRENT, absent where the secret has no value yet.
    pub version_id: Option<String>,
    /// What became of the event.
    pub outcome: Outcome,
    /// The self-check's findings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
    /// What the target says to the secret's values, by staging label, and to the admin's under `admin`; a self-check's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub logins: BTreeMap<String, LoginCheck>,
}
