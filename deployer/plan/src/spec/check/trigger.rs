//! Secrets Manager's own rotation rules.

use super::Context;
use crate::spec::model::{Every, Managed};
use crate::spec::schedule::managed::{check as check_expression, window_fits};

const SECTION: &str = "trigger.managed";
const DURATION: &str = "trigger.managed.duration";
/// Hours.
const MAX_DURATION: u8 = 24;

pub(super) fn check(cx: &mut Context<'_>, managed: &Managed) {
    let schedule = cx.places.iter().find(|(path, _)| *path == "schedule" || path.starts_with("schedule."));
    if let Some(span) = schedule.map(|(_, place)| place.key.clone()) {
        let help = "remove `schedule:`, or write `trigger: schedule`";
        cx.error("trigger", span, "Secrets Manager starts the rotation, and not a schedule", "a second trigger", help);
    }
    let given = ["every_days", "expression"].map(|key| cx.place(&format!("{SECTION}.{key}")));
    match given {
        [Some(_), Some(span)] => {
            let message = "Secrets Manager takes `every_days` or `expression`, not both";
            cx.error("trigger", span, message, "the second one", "remove one of them");
        }
        [None, None] => {
            if let Some(place) = cx.places.get(SECTION).cloned() {
                let message = format!("`{SECTION}` says how often by `every_days` or by `expression`");
                cx.error("trigger", place.key, message, "neither", "write for example `{every_days: 30}`");
            }
        }
        _ => {}
    }
    let expression = expression(cx, managed);
    duration(cx, managed, expression);
}

/// The expression, where it is valid.
fn expression<'a>(cx: &mut Context<'_>, managed: &'a Managed) -> Option<&'a str> {
    const PATH: &str = "trigger.managed.expression";
    let Every::Expression(text) = &managed.every else { return None };
    cx.place(PATH)?;
    let fault = check_expression(text).err();
    if let Some(fault) = fault {
        let span = cx.part(PATH, text, fault.span);
        cx.error("trigger-expression", span, fault.message, "here", fault.help);
        return None;
    }
    Some(text)
}

fn duration(cx: &mut Context<'_>, managed: &Managed, expression: Option<&str>) {
    let Some(span) = cx.place(DURATION) else { return };
    let Some(hours) = managed.duration_hours.filter(|hours| (1..=MAX_DURATION).contains(hours)) else {
        let message = format!("`{DURATION}` must be 1h to {MAX_DURATION}h");
        cx.error("trigger-duration", span, message, "not so", "write for example `duration: 3h`");
        return;
    };
    if let Some(why) = expression.and_then(|text| window_fits(text, hours).err()) {
        cx.error("trigger-duration", span, why, "too long", "shorten it");
    }
}
