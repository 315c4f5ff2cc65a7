#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::cron::FIRST;
use super::field::Item;
use super::{Expression, Kind};

fn parse(text: &str) -> Expression {
    Expression::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault}; {}", fault.help))
}

/// The next `n` firings, in local time.
fn next(text: &str, after: &str, zone: &str, n: usize) -> Vec<String> {
    let after: Timestamp = after.parse().unwrap();
    let times = parse(text).next(after, &TimeZone::get(zone).unwrap(), n);
    times.iter().map(|time| time.strftime("%Y-%m-%d %H:%M %Z").to_string()).collect()
}

#[test]
fn every_form_is_described() {
    let cases = [
        ("rate(1 hour)", "every hour"),
        ("rate(30 days)", "every 30 days"),
        ("at(2030-01-31T03:00:00)", "once, on 2030-01-31 at 03:00:00"),
        ("cron(* * * * ? *)", "every minute"),
        ("cron(0/5 * * * ? *)", "every 5 minutes"),
        ("cron(*/5 * * * ? *)", "every 5 minutes"),
        ("cron(3/15 * ? * * *)", "every 15 minutes, from minute 3 on"),
        ("cron(0/7 * * * ? *)", "every hour at minute every 7 from 0"),
        ("cron(30 * * * ? *)", "every hour at minute 30"),
        ("cron(0 3 * * ? *)", "at 03:00 every day"),
        ("cron(0 9,17 ? * MON-FRI *)", "at 09:00 and 17:00 on Monday to Friday"),
        ("cron(0 0 1 * ? *)", "at 00:00 on day 1 of the month"),
        ("cron(0 0 L * ? *)", "at 00:00 on the last day of the month"),
        ("cron(0 0 LW * ? *)", "at 00:00 on the last weekday of the month"),
        ("cron(0 0 15W * ? *)", "at 00:00 on the weekday nearest to day 15 of the month"),
        ("cron(0 0 ? * 6L *)", "at 00:00 on the last Friday of the month"),
        ("cron(0 0 ? * TUE#2 *)", "at 00:00 on the second Tuesday of the month"),
        ("cron(0 0 ? * L *)", "at 00:00 on Saturday"),
        ("cron(0 0 1 JAN,JUL ? 2027-2029)", "at 00:00 on day 1 of the month in January and July in 2027 to 2029"),
        ("cron(0/10 8-18 * * ? *)", "at minute every 10 from 0 of hour 8 to 18 every day"),
    ];
    for (text, described) in cases {
        assert_eq!(parse(text).describe(), described, "{text}");
    }
}

#[test]
fn a_fault_is_shown_at_its_place() {
    let cases = [
        ("", ""),
        ("cron", "cron"),
        ("cron (0 3 * * ? *)", "cron "),
        ("CRON(0 3 * * ? *)", "CRON"),
        ("cron(0 3 * * ? *) ", " "),
        ("cron()", ""),
        ("cron(60 3 * * ? *)", "60"),
        ("cron(0 3 32 * ? *)", "32"),
        ("cron(0 3 0 * ? *)", "0"),
        ("cron(0 3 * 13 ? *)", "13"),
        ("cron(0 3 * FOO ? *)", "FOO"),
        ("cron(0 3 ? * 8 *)", "8"),
        ("cron(0 3 ? * MON/2 *)", "/2"),
        ("cron(0 3 ? * MON#6 *)", "MON#6"),
        ("cron(0 3 ? * 3#1,6#3 *)", "3#1,6#3"),
        ("cron(0 3 1,L * ? *)", "1,L"),
        ("cron(0 3 * * ? 1969)", "1969"),
        ("cron(0 3 * * ? 2200)", "2200"),
        ("cron(0/0 3 * * ? *)", "/0"),
        ("cron(0/60 3 * * ? *)", "/60"),
        ("cron(? 3 * * ? *)", "?"),
        ("cron(0,,5 3 * * ? *)", ""),
        ("cron(0 3 L-3 * ? *)", "L"),
        ("cron(-5 3 * * ? *)", ""),
        ("cron(5- 3 * * ? *)", ""),
        ("cron(0 3 é * ? *)", "é"),
        ("rate()", ""),
        ("rate(five minutes)", "five"),
        ("rate(0 minutes)", "0"),
        ("rate(-5 minutes)", "-5"),
        ("rate(+5 minutes)", "+5"),
        ("rate(1.5 hours)", "1.5"),
        ("rate(5)", "5"),
        ("rate(1 minutes)", "minutes"),
        ("rate(2 Hours)", "Hours"),
        ("rate(1 month)", "month"),
        ("rate( 10 minutes )", " "),
        ("rate(10  minutes)", " "),
        ("rate(10\tminutes)", "\t"),
        ("rate(10\u{a0}minutes)", "\u{a0}"),
        ("rate(10 minutes \n)", " \n"),
        ("rate(010 minutes)", "010"),
        ("rate(00 minutes)", "00"),
        ("cron( 0 3 * * ? *)", " "),
        ("cron(0 3 * * ? * )", " "),
        ("cron(0 3   * * ? *)", "  "),
        ("cron(0 3 *\t* ? *)", "\t"),
        ("cron(00 3 * * ? *)", "00"),
        ("cron(0 03 * * ? *)", "03"),
        ("cron(0/05 3 * * ? *)", "05"),
        ("cron(0 3 1-07 * ? *)", "07"),
        ("cron(0 3 015W * ? *)", "015"),
        ("cron(0 3 ? * 6#03 *)", "03"),
        ("cron(0 3 ? * 06L *)", "06"),
        ("rate(99999999999 days)", "99999999999"),
        ("at(2030-01-01)", "2030-01-01"),
        ("at(2030-13-01T00:00:00)", "2030-13-01T00:00:00"),
        ("at(2030-01-01T24:00:00)", "2030-01-01T24:00:00"),
        ("at(2030-01-01T23:59:60)", "2030-01-01T23:59:60"),
        ("at(2030-01-01T00:00:00 )", "2030-01-01T00:00:00 "),
    ];
    for (text, place) in cases {
        let fault = Expression::parse(text).expect_err(text);
        assert_eq!(&text[fault.span.clone()], place, "{text}: {fault}");
        assert!(!fault.help.is_empty(), "{text}");
    }
}

/// What EventBridge Scheduler refused, recorded in 2025.
/// Source: <https://github.com/localstack/localstack>, `tests/aws/services/scheduler/test_scheduler.snapshot.json`
const REFUSED_BY_SCHEDULER: [&str; 17] = [
    "cron(0 1 * * * *)",
    "cron(7 20 * * NOT *)",
    "cron(INVALID)",
    "cron(0 dummy ? * MON-FRI *)",
    "cron(71 8 1 * ? *)",
    "cron()",
    "rate(10 seconds)",
    "rate(10 years)",
    "rate()",
    "rate(10)",
    "rate(10 minutess)",
    "rate(foo minutes)",
    "rate(-10 minutes)",
    "rate( 10 minutes )",
    " rate(10 minutes)",
    "at(2021-12-31T23:59:59Z)",
    "at(2021-12-31)",
];

/// What it took, recorded in 2023 to 2026. Source: the same, and `resource_providers/test_scheduler.snapshot.json` there.
const TAKEN_BY_SCHEDULER: [&str; 10] = [
    "cron(0-15/1 8-8 ? * 2,3,4,5,6,7 *)",
    "cron(30-30 13-13 ? * 2,4,6 *)",
    "cron(1-31/30 1-1 ? * 1,7 *)",
    "cron(0 18 ? * MON-FRI *)",
    "cron(*/15 * * * ? *)",
    "cron(0-59/10 0-23/2 ? * * *)",
    "cron(0 0 * * ? *)",
    "rate(1 minute)",
    "rate(2 minute)",
    "at(2022-12-31T23:59:59)",
];

/// What EventBridge's rules refused and took, whose cron is the same. Of rates they differ: they refuse `rate(10 minute)`.
/// Source: <https://github.com/localstack/localstack>, `tests/aws/services/events/test_events_schedule.py`.
const REFUSED_BY_RULES: [&str; 14] = [
    "rate(10 seconds)",
    "rate(10 years)",
    "rate(1 minutes)",
    "rate(1 hours)",
    "rate(1 days)",
    "rate()",
    "rate(10)",
    "rate(10 minutess)",
    "rate(foo minutes)",
    "rate(0 minutes)",
    "rate(-10 minutes)",
    "rate(10 MINUTES)",
    "cron(0 1 * * * *)",
    "cron(7 20 * * NOT *)",
];
const TAKEN_BY_RULES: [&str; 16] = [
    "cron(0 2 ? * SAT *)",
    "cron(0 12 * * ? *)",
    "cron(5,35 14 * * ? *)",
    "cron(15 10 ? * 6L 2002-2005)",
    "cron(0 2 ? * SAT#3 *)",
    "cron(* * ? * SAT#3 *)",
    "cron(0/5 5 ? JAN 1-5 2022)",
    "cron(0 10 * * ? *)",
    "cron(15 12 * * ? *)",
    "cron(0 18 ? * MON-FRI *)",
    "cron(0 8 1 * ? *)",
    "cron(0/15 * * * ? *)",
    "cron(0/10 * ? * MON-FRI *)",
    "cron(0/5 8-17 ? * MON-FRI *)",
    "cron(0/30 20-23 ? * MON-FRI *)",
    "cron(0/30 0-2 ? * MON-FRI *)",
];

#[test]
fn what_aws_was_seen_to_refuse_is_refused_and_what_it_took_is_taken() {
    for text in REFUSED_BY_SCHEDULER.into_iter().chain(REFUSED_BY_RULES) {
        assert!(Expression::parse(text).is_err(), "{text}");
        assert!(super::managed::check(text).is_err(), "{text}");
    }
    for text in TAKEN_BY_SCHEDULER.into_iter().chain(TAKEN_BY_RULES) {
        assert!(Expression::parse(text).is_ok(), "{text}");
    }
}

#[test]
fn a_unit_in_the_singular_is_the_schedulers_alone() {
    for (text, told) in [("rate(24 hour)", "every 24 hours"), ("rate(2 day)", "every 2 days")] {
        assert_eq!(parse(text).describe(), told);
        assert_eq!(super::managed::check(text).unwrap_err().span, 0..text.len(), "{text}");
    }
    assert_eq!(super::managed::check("rate(1 day)"), Ok(()));
}

#[test]
fn an_expression_has_256_characters_at_most() {
    let long = |minutes: usize| format!("cron({}0 * * * ? *)", "0,".repeat(minutes));
    assert_eq!(long(119).len(), 255);
    assert!(Expression::parse(&long(119)).is_ok());
    let fault = Expression::parse(&long(120)).unwrap_err();
    assert_eq!((fault.message.as_str(), fault.span), ("the expression has 257 characters, and AWS takes 256", 0..257));
}

#[test]
fn weekdays_count_from_sunday() {
    let expected = ["2026-11-29 03:00 UTC", "2026-12-06 03:00 UTC"];
    assert_eq!(next("cron(0 3 ? * 1 *)", "2026-11-23T00:00:00Z", "UTC", 2), expected);
    assert_eq!(next("cron(0 3 ? * SUN *)", "2026-11-23T00:00:00Z", "UTC", 2), expected);
}

#[test]
fn a_step_begins_where_it_says() {
    let expected = ["2026-11-23 00:20 UTC", "2026-11-23 00:40 UTC", "2026-11-23 01:20 UTC"];
    assert_eq!(next("cron(20/20 * * * ? *)", "2026-11-23T00:00:00Z", "UTC", 3), expected);
    // Years count from 1970, so these are the even ones.
    let expected = ["2028-01-01 00:00 UTC", "2030-01-01 00:00 UTC"];
    assert_eq!(next("cron(0 0 1 1 ? */2)", "2026-11-23T00:00:00Z", "UTC", 2), expected);
}

#[test]
fn last_nearest_and_nth_days() {
    let after = "2027-01-01T12:00:00Z";
    assert_eq!(next("cron(0 0 L 2 ? *)", after, "UTC", 2), ["2027-02-28 00:00 UTC", "2028-02-29 00:00 UTC"]);
    // The 15th is a Friday, then Monday twice; the 13th a Saturday in February.
    assert_eq!(next("cron(0 0 13W 2 ? *)", after, "UTC", 1), ["2027-02-12 00:00 UTC"]);
    assert_eq!(next("cron(0 0 LW 2 ? *)", after, "UTC", 1), ["2027-02-26 00:00 UTC"]);
    assert_eq!(next("cron(0 0 ? * 6#3 *)", after, "UTC", 1), ["2027-01-15 00:00 UTC"]);
    assert_eq!(next("cron(0 0 ? * FRIL *)", after, "UTC", 1), ["2027-01-29 00:00 UTC"]);
}

#[test]
fn what_the_clocks_skip_is_skipped() {
    // On 2027-03-28 in Berlin 02:00 is followed by 03:00.
    let expected = ["2027-03-27 02:30 CET", "2027-03-29 02:30 CEST"];
    assert_eq!(next("cron(30 2 * * ? *)", "2027-03-27T00:00:00Z", "Europe/Berlin", 2), expected);
    assert_eq!(next("at(2027-03-28T02:30:00)", "2027-03-01T00:00:00Z", "Europe/Berlin", 1), [""; 0]);
}

#[test]
fn what_the_clocks_repeat_runs_once() {
    // On 2027-10-31 in Berlin 02:00 to 03:00 comes twice, first as summer time.
    let expected = ["2027-10-31 02:30 CEST", "2027-11-01 02:30 CET"];
    assert_eq!(next("cron(30 2 * * ? *)", "2027-10-30T12:00:00Z", "Europe/Berlin", 2), expected);
    // Asked in the second half of the repeated hour.
    assert_eq!(next("cron(30 2 * * ? *)", "2027-10-31T01:10:00Z", "Europe/Berlin", 1), ["2027-11-01 02:30 CET"]);
}

#[test]
fn a_rate_counts_from_its_anchor() {
    let zone = TimeZone::UTC;
    let rate = parse("rate(2 hours)");
    let after: Timestamp = "2026-11-23T05:00:00Z".parse().unwrap();
    let anchor: Timestamp = "2026-11-20T00:30:00Z".parse().unwrap();
    let told = |times: Vec<jiff::Zoned>| times.iter().map(|t| t.timestamp().to_string()).collect::<Vec<_>>();
    assert_eq!(told(rate.next(after, &zone, 2)), ["2026-11-23T07:00:00Z", "2026-11-23T09:00:00Z"]);
    let anchored = told(rate.next_anchored(Some(anchor), after, &zone, 2));
    assert_eq!(anchored, ["2026-11-23T06:30:00Z", "2026-11-23T08:30:00Z"]);
}

#[test]
fn the_last_firing_is_found_however_rare() {
    let anchor: Timestamp = "2026-11-20T09:00:00Z".parse().unwrap();
    let cases = [
        ("cron(0/5 * * * ? *)", "UTC", Some(("2026-11-23T10:07:00Z", "2026-11-23 10:05"))),
        ("cron(0/5 * * * ? *)", "UTC", Some(("2026-11-23T10:05:00Z", "2026-11-23 10:05"))),
        ("cron(0 3 * * ? *)", "Europe/Berlin", Some(("2026-11-23T01:59:00Z", "2026-11-22 03:00"))),
        ("cron(30 2 * * ? *)", "Europe/Berlin", Some(("2026-03-29T10:00:00Z", "2026-03-28 02:30"))),
        ("cron(0 0 29 2 ? *)", "UTC", Some(("2026-11-23T10:00:00Z", "2024-02-29 00:00"))),
        ("rate(2 days)", "UTC", Some(("2026-11-23T10:00:00Z", "2026-11-22 09:00"))),
        ("at(2026-11-23T10:00:00)", "UTC", Some(("2026-11-23T10:00:00Z", "2026-11-23 10:00"))),
        ("at(2026-11-23T10:00:01)", "UTC", None),
        ("cron(0 0 1 1 ? 2027)", "UTC", None),
    ];
    for (text, zone, expected) in cases {
        let latest = expected.map_or("2026-11-23T10:00:00Z", |(latest, _)| latest).parse().unwrap();
        let found = parse(text).previous(Some(anchor), latest, &TimeZone::get(zone).unwrap());
        let found = found.map(|time| time.strftime("%Y-%m-%d %H:%M").to_string());
        assert_eq!(found.as_deref(), expected.map(|(_, time)| time), "{text}");
    }
    let latest: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
    let unknown = parse("rate(2 days)").previous(None, latest, &TimeZone::UTC).unwrap();
    assert_eq!(unknown.timestamp(), latest - SignedDuration::from_hours(48));
}

#[test]
fn the_interval_is_the_shortest_gap() {
    let cases = [
        ("rate(5 minutes)", Some(5)),
        ("cron(0/5 * * * ? *)", Some(5)),
        ("cron(0/7 * * * ? *)", Some(4)),
        ("cron(0 9,17 * * ? *)", Some(8 * 60)),
        ("cron(0 0 29 2 ? *)", Some(4 * 366 * 24 * 60 - 3 * 24 * 60)),
        ("cron(0 0 1 1 ? 2199)", None),
        ("cron(0 0 31 2 ? *)", None),
        ("at(2030-01-31T03:00:00)", None),
    ];
    for (text, minutes) in cases {
        assert_eq!(parse(text).interval(), minutes.map(SignedDuration::from_mins), "{text}");
    }
}

/// Whether a time is one that a field asks for, by its values alone.
fn lists(field: &[Item], value: i16) -> bool {
    field.iter().any(|item| match *item {
        Item::Values { from, to, step } => {
            (from..=to).step_by(step.into()).any(|one| i32::from(one) == i32::from(value))
        }
        _ => true,
    })
}

fn fires_at(expression: &Expression, time: DateTime) -> bool {
    let Kind::Cron(cron) = &expression.0 else { return false };
    let weekday = i16::from(time.weekday().to_sunday_one_offset());
    let values = [time.minute(), time.hour(), time.day(), time.month()].map(i16::from);
    let [minute, hour, day, month] = values;
    let all = [minute, hour, day, month, weekday, time.year()];
    time.second() == 0 && cron.fields.iter().zip(all).all(|(field, value)| lists(field, value))
}

fn field(min: u16, max: u16, steps: bool) -> impl Strategy<Value = String> {
    let one = (min..=max, min..=max, 1..=max.max(1), 0..5).prop_map(move |(a, b, step, form)| match form {
        0 => "*".to_owned(),
        1 => a.to_string(),
        2 => format!("{}-{}", a.min(b), a.max(b)),
        3 if steps => format!("{a}/{step}"),
        4 if steps => format!("{}-{}/{step}", a.min(b), a.max(b)),
        _ => b.to_string(),
    });
    proptest::collection::vec(one, 1..3).prop_map(|items| items.join(","))
}

proptest! {
    #[test]
    fn what_is_accepted_fires_when_it_says(
        minute in field(0, 59, true), hour in field(0, 23, true), day in field(1, 28, true),
        month in field(1, 12, true), weekday in field(1, 7, false), by_week in any::<bool>(),
    ) {
        let days = if by_week { format!("? {month} {weekday}") } else { format!("{day} {month} ?") };
        let expression = parse(&format!("cron({minute} {hour} {days} *)"));
        let after: Timestamp = "2026-11-23T06:00:00Z".parse().unwrap();
        let times = expression.next(after, &TimeZone::UTC, 5);
        prop_assert_eq!(times.len(), 5);
        prop_assert!(times.windows(2).all(|pair| pair[0] < pair[1]));
        for time in times {
            prop_assert!(time.timestamp() > after && fires_at(&expression, time.datetime()), "{}", time);
        }
    }

    #[test]
    fn any_text_is_refused_in_place_or_fires(text in "(cron|rate|at)?\\(?[0-9A-Z*?/,#LW: é-]{0,24}\\)?") {
        match Expression::parse(&text) {
            Ok(expression) => {
                prop_assert!(!expression.describe().is_empty());
                prop_assert!(expression.interval().is_none_or(|interval| interval.is_positive()));
            }
            Err(fault) => prop_assert!(text.get(fault.span.clone()).is_some(), "{:?} in {}", fault, text),
        }
    }
}

#[test]
fn the_sample_begins_with_the_first_minute() {
    let Kind::Cron(cron) = parse("cron(* * * * ? *)").0 else { panic!("no cron") };
    assert_eq!(cron.times_after(FIRST).next().unwrap().to_string(), "1970-01-01T00:00:00");
}

#[test]
fn a_schedule_that_is_over_or_never_comes_is_gone_through_in_bounded_time() {
    let (now, started): (Timestamp, _) = ("2026-11-23T10:00:00Z".parse().unwrap(), std::time::Instant::now());
    let last = parse("cron(* * * * ? 2020)").previous(None, now, &TimeZone::UTC).unwrap();
    assert_eq!(last.strftime("%Y-%m-%d %H:%M").to_string(), "2020-12-31 23:59");
    let never = parse("cron(0 0 31 2 ? *)");
    assert_eq!(never.previous(None, now, &TimeZone::UTC), None);
    assert!(never.next(now, &TimeZone::UTC, 1).is_empty() && never.interval().is_none());
    assert!(started.elapsed() < std::time::Duration::from_secs(4), "{:?}", started.elapsed());
}
