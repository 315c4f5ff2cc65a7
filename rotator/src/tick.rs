//! One tick, one token, one version.

use aws_sdk_secretsmanager::primitives::{DateTime, DateTimeFormat};
use uuid::Uuid;

/// The namespace of all tokens; changing it would make a second version of a tick that is being retried.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f0b_5d0e_8d3c_4a53_9c1e_2b7a_54d1_e0c7);

/// The version id that a tick makes: the same for every delivery and attempt of one scheduled time.
///
/// Where the event names no schedule and time, or still has the scheduler's placeholders, it is the same for every
/// attempt of one request, whose id Lambda's own retries keep.
#[must_use]
pub fn token(secret_arn: &str, schedule_arn: Option<&str>, scheduled_time: Option<&str>, request_id: &str) -> String {
    let schedule = schedule_arn.filter(|arn| arn.starts_with("arn:"));
    let time = scheduled_time.filter(|time| DateTime::from_str(time, DateTimeFormat::DateTimeWithOffset).is_ok());
    let (what, when) = schedule.zip(time).unwrap_or(("request", request_id));
    // No part can hold a line break, so no two ticks can spell the same name.
    Uuid::new_v5(&NAMESPACE, format!("{secret_arn}\n{what}\n{when}").as_bytes()).to_string()
}

/// The id of a version that takes the place of one that the target refused, the `number`th of the tick.
#[must_use]
pub fn another(token: &str, number: u32) -> String {
    Uuid::new_v5(&NAMESPACE, format!("{token}\nvalue\n{number}").as_bytes()).to_string()
}

#[cfg(test)]
mod tests {
    use contract::{PLACEHOLDER_SCHEDULE_ARN, PLACEHOLDER_SCHEDULED_TIME};

    use super::*;

    const SECRET: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:a-AbCdEf";
    const SCHEDULE: &str = "arn:aws:scheduler:us-east-1:000000000000:schedule/g/s";
    const TIME: &str = "2026-11-23T06:00:00Z";

    #[test]
    fn a_scheduled_time_gives_one_token_whatever_the_request() {
        let first = token(SECRET, Some(SCHEDULE), Some(TIME), "request-1");
        assert_eq!(first, token(SECRET, Some(SCHEDULE), Some(TIME), "request-2"));
        assert_eq!(first, "17f7026f-1713-5f0f-988f-b181d4654c58");
        assert_eq!(first.len(), 36);
    }

    #[test]
    fn another_secret_schedule_or_time_gives_another_token() {
        let tokens = [
            token(SECRET, Some(SCHEDULE), Some(TIME), "r"),
            token("arn:other", Some(SCHEDULE), Some(TIME), "r"),
            token(SECRET, Some("arn:other"), Some(TIME), "r"),
            token(SECRET, Some(SCHEDULE), Some("2026-11-23T06:05:00Z"), "r"),
            token(SECRET, None, None, "r"),
        ];
        assert_eq!(std::collections::BTreeSet::from(tokens).len(), 5);
    }

    #[test]
    fn without_a_true_schedule_and_time_the_request_counts() {
        let asked = token(SECRET, None, None, "r");
        for (schedule, time) in [
            (Some(PLACEHOLDER_SCHEDULE_ARN), Some(PLACEHOLDER_SCHEDULED_TIME)),
            (Some(PLACEHOLDER_SCHEDULE_ARN), Some(TIME)),
            (Some(SCHEDULE), Some(PLACEHOLDER_SCHEDULED_TIME)),
            (Some(SCHEDULE), None),
            (None, Some(TIME)),
            (Some(SCHEDULE), Some("noon")),
        ] {
            assert_eq!(asked, token(SECRET, schedule, time, "r"), "{schedule:?} {time:?}");
            assert_ne!(asked, token(SECRET, schedule, time, "other"), "{schedule:?} {time:?}");
        }
    }
}
