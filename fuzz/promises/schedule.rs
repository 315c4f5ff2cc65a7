//! What holds for any text that is given as a schedule's expression; a time zone may stand on the second line.

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use plan::spec::schedule::{Expression, Fault, managed};

/// Seconds since 1970: a day before the clocks change in New York, a day before they change back, and long ago.
const TIMES: [i64; 3] = [1_772_870_400, 1_793_404_800, -1_000_000];
const COUNT: usize = 5;

pub fn hold(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (text, zone) = text.split_once('\n').unwrap_or((text, "UTC"));
    let zone = TimeZoneDatabase::bundled().get(zone).unwrap_or(TimeZone::UTC);
    match Expression::parse(text) {
        Err(fault) => {
            points_into(text, &fault);
            assert_eq!(managed::check(text).err(), Some(fault));
        }
        Ok(expression) => {
            let told = expression.describe();
            assert!(!told.is_empty() && !told.contains(char::is_control), "{told:?}");
            for time in TIMES {
                fires(&expression, Timestamp::from_second(time).expect("in range"), &zone);
            }
            is_regular(&expression, text);
        }
    }
}

fn points_into(text: &str, fault: &Fault) {
    assert!(text.get(fault.span.clone()).is_some(), "{fault:?} in {text:?}");
    assert!(!fault.message.is_empty() && !fault.help.is_empty());
}

/// Firings are in order, after the time that is asked about, and the last one of a time is followed by the next.
fn fires(expression: &Expression, now: Timestamp, zone: &TimeZone) {
    let next = expression.next(now, zone, COUNT);
    assert!(next.len() <= COUNT);
    assert!(next.first().is_none_or(|first| first.timestamp() > now));
    assert!(next.windows(2).all(|pair| pair[0].timestamp() < pair[1].timestamp()), "{next:?}");
    let previous = expression.previous(None, now, zone);
    assert!(previous.is_none_or(|time| time.timestamp() <= now));
    let anchored = expression.previous(Some(now), now, zone);
    assert!(anchored.is_none_or(|time| time.timestamp() <= now));
    // What is the last firing now was the next one before it.
    if let Some(last) = next.last() {
        let previous = expression.previous(Some(now), last.timestamp(), zone);
        assert_eq!(previous.map(|time| time.timestamp()), Some(last.timestamp()));
    }
}

fn is_regular(expression: &Expression, text: &str) {
    let interval = expression.interval();
    assert!(interval.is_none_or(|interval| interval.is_positive()));
    assert!(!expression.is_one_time() || interval.is_none());
    if let Err(fault) = managed::check(text) {
        points_into(text, &fault);
    }
    // A window that fits leaves room for each shorter one.
    let fits = [1, 4, 12, 24].map(|hours| managed::window_fits(text, hours).is_ok());
    assert!(fits.is_sorted_by(|wider, narrower| wider >= narrower), "{fits:?}");
}
