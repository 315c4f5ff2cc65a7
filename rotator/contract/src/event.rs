use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

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
        /// The schedule that fired, or the run by which a person asks.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        schedule_arn: Option<String>,
        /// The time for which it was scheduled, or at which a person asked. With the former it tells one tick from another:
        /// whatever carries both is done once.
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

/// An event of the deployer's own, or of Secrets Manager.
pub enum Asked {
    /// The deployer's, its schedule's, or a person's.
    Own(Event),
    /// A step of Secrets Manager's own rotation.
    Managed(ManagedEvent),
}

/// The event is none that the function knows. What it holds is never told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownEvent;

impl Asked {
    /// Reads an event.
    ///
    /// # Errors
    /// It is none that the function knows, whatever is wrong with it.
    pub fn parse(event: Value) -> Result<Self, UnknownEvent> {
        // Of a list serde would take the items for the fields in their order.
        let asked = match event.as_object().ok_or(UnknownEvent)? {
            fields if fields.contains_key("Step") => ManagedEvent::deserialize(event).map(Self::Managed),
            _ => Event::deserialize(event).map(Self::Own),
        };
        asked.map_err(|_| UnknownEvent)
    }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_scheduler_s_and_a_person_s_events_are_understood() {
        assert!(matches!(Asked::parse(json!({"action": "rotate"})), Ok(Asked::Own(Event::Rotate { .. }))));
        let self_check = Asked::parse(json!({"action": "self-check"}));
        assert!(matches!(self_check, Ok(Asked::Own(Event::SelfCheck { secret_arn: None }))));
        let full = json!({"action": "rotate", "secretArn": "a", "scheduleArn": "b", "scheduledTime": "c"});
        assert!(matches!(
            Asked::parse(full),
            Ok(Asked::Own(Event::Rotate { secret_arn: Some(_), schedule_arn: Some(_), scheduled_time: Some(_) }))
        ));
    }

    #[test]
    fn secrets_manager_s_own_events_are_understood_in_both_spellings() {
        for (step, expected) in [
            ("createSecret", ManagedStep::CreateSecret),
            ("create_secret", ManagedStep::CreateSecret),
            ("setSecret", ManagedStep::SetSecret),
            ("test_secret", ManagedStep::TestSecret),
            ("finishSecret", ManagedStep::FinishSecret),
        ] {
            let event = json!({"Step": step, "SecretId": "a", "ClientRequestToken": "t", "RotationToken": "r"});
            let Ok(Asked::Managed(event)) = Asked::parse(event) else { panic!("{step}") };
            assert_eq!((event.step, event.rotation_token.as_deref()), (expected, Some("r")));
        }
    }

    #[test]
    fn an_event_that_is_not_understood_is_never_quoted() {
        for event in [
            json!({}),
            json!(null),
            json!("canary"),
            json!(["rotate"]),
            json!(["self-check", "canary"]),
            json!({"action": "canary"}),
            json!({"action": "rotate", "secretArn": 7}),
            json!({"Step": "canary", "SecretId": "a", "ClientRequestToken": "t"}),
            json!({"Step": "createSecret", "SecretId": "canary"}),
        ] {
            let error = Asked::parse(event).err().unwrap();
            assert_eq!(error, UnknownEvent);
        }
    }
}
