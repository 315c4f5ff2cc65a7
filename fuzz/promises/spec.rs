//! What holds for any bytes that are given as a spec file, and for all that follows offline from a spec that loads.

use std::collections::BTreeSet;

use plan::actions::Command;
use plan::live::Live;
use plan::plan::{TeardownOptions, Verb};
use plan::render::{self, Palette};
use plan::resource::Kind;
use plan::spec::schedule::Expression;
use plan::spec::{self, Diagnostic, Every, Severity, Spec, Trigger};

#[path = "../../deployer/plan/tests/stack/mod.rs"]
mod stack;

const FILE: &str = "any.yaml";

pub fn hold(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match spec::load(FILE, text) {
        Ok(loaded) => {
            assert!(loaded.warnings.iter().all(|one| one.severity == Severity::Warning));
            are_told(text, &loaded.warnings);
            comes_to_a_stack(&loaded.spec);
        }
        Err(found) => {
            assert!(found.iter().any(|one| one.severity == Severity::Error));
            are_told(text, &found);
        }
    }
}

/// Diagnostics lie in the text and can be shown.
fn are_told(text: &str, diagnostics: &[Diagnostic]) {
    let lines = text.matches('\n').count() + 1;
    for one in diagnostics {
        assert!(text.get(one.span.clone()).is_some(), "{}: {:?} of {} bytes", one.code, one.span, text.len());
        assert_ne!(one.code, "schema", "the schema and the model are one");
        let place = one.locate(FILE, text);
        assert!((1..=lines).contains(&place.line) && place.column >= 1, "{place:?}");
        is_printable(&[place.message, place.label, place.help.unwrap_or_default()].concat());
    }
    let told = spec::render(FILE, text, diagnostics, false);
    assert_eq!(told.as_str().is_empty(), diagnostics.is_empty());
    is_printable(told.as_str());
    let _ = spec::render(FILE, text, diagnostics, true);
}

/// Nothing of a file can speak to the terminal.
fn is_printable(told: &str) {
    let other = told.chars().find(|c| !render::is_plain(*c) && *c != '\n');
    assert!(other.is_none(), "{other:?} in {told:?}");
}

/// A spec that loads can be planned: an empty account gets everything, and after that there is nothing to do.
fn comes_to_a_stack(spec: &Spec) {
    let wanted = stack::kinds(spec);
    let before = stack::plan(spec, &Live::default());
    assert!(before.refusals.is_empty());
    assert!(before.actions.iter().map(|action| action.kind).eq(wanted.iter().copied()));
    assert!(before.actions.iter().all(|action| action.verb == Verb::Create && !action.name.is_empty()));
    let shown = render::plan(&before, &Palette::plain());
    is_printable(shown.as_str());
    is_printable(render::markdown(&before).as_str());
    let _ = render::plan(&before, &Palette::colored());

    let live = stack::applied(spec);
    let after = stack::plan(spec, &live);
    assert!(after.is_empty() && after.refusals.is_empty(), "{after:#?}");
    let gone = plan::teardown::teardown(spec, &stack::desired(spec, &live), &live, TeardownOptions::default());
    assert_eq!(gone.actions.iter().map(|action| action.kind).collect::<BTreeSet<Kind>>(), wanted.into_iter().collect());
    is_printable(render::teardown(&gone, &Palette::plain()).as_str());

    for command in [Command::Plan, Command::Apply, Command::Teardown, Command::Doctor] {
        plan::actions::policy([spec], command);
    }
    fires(spec);
}

/// What `validate` shows of a schedule.
fn fires(spec: &Spec) {
    let text = match &spec.trigger {
        Trigger::Schedule => &spec.schedule.expression,
        Trigger::Managed(managed) => match &managed.every {
            Every::Days(days) => return assert!((1..=1000).contains(days)),
            Every::Expression(text) => text,
        },
    };
    let expression = Expression::parse(text).expect("a spec that loads has a valid expression");
    is_printable(&expression.describe());
    let zone = jiff::tz::TimeZoneDatabase::bundled().get(&spec.schedule.timezone).expect("and a known zone");
    let now = jiff::Timestamp::from_second(1_795_000_000).expect("a time of this century");
    assert!(expression.next(now, &zone, 3).iter().all(|time| time.timestamp() > now));
}
