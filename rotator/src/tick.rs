//! One tick, one token, one version.

use aws_sdk_secretsmanager::primitives::{DateTime, DateTimeFormat};
use uuid::Uuid;

/// The namespace of all tokens; changing it would make a second version of a tick that is being retried.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f0b_5d0e_8d3c_4a53_9c1e_2b7a_54d1_e0c7);

/// How long before its scheduled time a request may come, as clocks differ.
const EARLY: i64 = 60;
/// How long after it: a flexible window and the retries of Scheduler and Lambda take a day each at most.
const LATE: i64 = 3 * 24 * 3600;

/// What a request says of itself. Whoever may invoke the function writes it.
pub struct Request<'a> {
    /// The schedule that it is of, or the run of a person's.
    pub schedule_arn: Option<&'a str>,
    /// The time for which it was scheduled, or at which a person asked.
    pub scheduled_time: Option<&'a str>,
    /// Lambda's id of the request, which its own retries keep.
    pub request_id: &'a str,
}

/// The version id that a request makes: the same for every delivery and attempt of one scheduled time.
///
/// A time counts as scheduled only if it is of the stack's own schedule, and near `now`, in seconds since 1970: whoever may
/// invoke the function could else spend future rotations by naming their times. All else is a request by hand, with an id
/// of its own from what it says of itself, or from its request's id where that is nothing.
#[must_use]
pub fn token(secret_arn: &str, own_schedule: Option<&str>, request: &Request<'_>, now: i64) -> String {
    let time = request.scheduled_time.and_then(|text| {
        let time = DateTime::from_str(text, DateTimeFormat::DateTimeWithOffset).ok()?;
        Some((text, time.secs()))
    });
    // No part can hold a line break, so no two requests can spell the same name.
    let name = match (request.schedule_arn, time) {
        (Some(arn), Some((text, secs))) if own_schedule == Some(arn) && (now - LATE..=now + EARLY).contains(&secs) => {
            format!("{secret_arn}\n{arn}\n{text}")
        }
        (Some(arn), Some((text, _))) if arn.starts_with("arn:") && !arn.contains('\n') => {
            format!("{secret_arn}\nby-hand\n{arn}\n{text}")
        }
        _ => format!("{secret_arn}\nrequest\n{}", request.request_id),
    };
    Uuid::new_v5(&NAMESPACE, name.as_bytes()).to_string()
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
    const NOW: i64 = 1_795_413_605;

    fn id(schedule_arn: Option<&str>, scheduled_time: Option<&str>, request_id: &str) -> String {
        token(SECRET, Some(SCHEDULE), &Request { schedule_arn, scheduled_time, request_id }, NOW)
    }

    #[test]
    fn a_scheduled_time_gives_one_token_whatever_the_request() {
        let first = id(Some(SCHEDULE), Some(TIME), "request-1");
        assert_eq!(first, id(Some(SCHEDULE), Some(TIME), "request-2"));
        assert_eq!(first, "17f7026f-1713-5f0f-988f-b181d4654c58");
        assert_eq!(first.len(), 36);
    }

    #[test]
    fn another_secret_schedule_or_time_gives_another_token() {
        let other = Request { schedule_arn: Some(SCHEDULE), scheduled_time: Some(TIME), request_id: "r" };
        let tokens = [
            id(Some(SCHEDULE), Some(TIME), "r"),
            token("arn:other", Some(SCHEDULE), &other, NOW),
            id(Some("arn:other"), Some(TIME), "r"),
            id(Some(SCHEDULE), Some("2026-11-23T06:00:05Z"), "r"),
            id(None, None, "r"),
        ];
        assert_eq!(std::collections::BTreeSet::from(tokens).len(), 5);
    }

    #[test]
    fn whoever_may_only_invoke_spends_no_scheduled_time() {
        let at = |now, own| {
            let request = Request { schedule_arn: Some(SCHEDULE), scheduled_time: Some(TIME), request_id: "r" };
            token(SECRET, own, &request, now)
        };
        let scheduled = at(NOW, Some(SCHEDULE));
        let time = NOW - 5;
        for now in [time - EARLY, time, time + LATE] {
            assert_eq!(at(now, Some(SCHEDULE)), scheduled, "{}", now - time);
        }
        for now in [time - EARLY - 1, time - 24 * 3600, time + LATE + 1, 0, i64::from(u32::MAX)] {
            assert_ne!(at(now, Some(SCHEDULE)), scheduled, "{}", now - time);
        }
        for own in [None, Some("arn:aws:scheduler:us-east-1:000000000000:schedule/g/other")] {
            assert_ne!(at(NOW, own), scheduled);
        }
    }

    #[test]
    fn a_person_s_request_counts_once_whatever_the_clock_says() {
        let run = "arn:aws:lambda:us-east-1:000000000000:function:f:by-hand-7";
        let at = |now, request_id| {
            let request = Request { schedule_arn: Some(run), scheduled_time: Some(TIME), request_id };
            token(SECRET, Some(SCHEDULE), &request, now)
        };
        assert_eq!(at(NOW, "1"), at(NOW + 90 * 24 * 3600, "2"));
    }

    #[test]
    fn without_a_true_schedule_and_time_the_request_counts() {
        let asked = id(None, None, "r");
        for (schedule, time) in [
            (Some(PLACEHOLDER_SCHEDULE_ARN), Some(PLACEHOLDER_SCHEDULED_TIME)),
            (Some(PLACEHOLDER_SCHEDULE_ARN), Some(TIME)),
            (Some(SCHEDULE), Some(PLACEHOLDER_SCHEDULED_TIME)),
            (Some("arn:a\nb"), Some(TIME)),
            (Some(SCHEDULE), None),
            (None, Some(TIME)),
            (Some(SCHEDULE), Some("noon")),
        ] {
            assert_eq!(asked, id(schedule, time, "r"), "{schedule:?} {time:?}");
            assert_ne!(asked, id(schedule, time, "other"), "{schedule:?} {time:?}");
        }
    }
}
