//! Which build of the function is live, as the account and the deployer's notes tell it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod stack;

use plan::ownership::{CODE_TAG, NOTE_TAGS, VERSION_TAG};
use plan::package::{LiveCode, Package};
use plan::render::{Palette, live_code};
use plan::resource::Kind;
use serde_json::json;

/// The hash of other code.
const OTHER: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

/// What is live where the function has that code, with those notes of it, and this deployer carries [`stack::CODE`].
fn live(code: &str, noted: Option<(&str, &str)>) -> LiveCode {
    let mut live = stack::applied(&stack::spec());
    code.clone_into(&mut live.function.as_mut().unwrap().settings.code_sha256);
    let tags = stack::tags_mut(&mut live, Kind::Function);
    tags.retain(|key, _| key != VERSION_TAG && key != CODE_TAG);
    if let Some((version, hash)) = noted {
        tags.extend([(VERSION_TAG.to_owned(), version.to_owned()), (CODE_TAG.to_owned(), hash.to_owned())]);
    }
    LiveCode::of(live.function.as_ref().unwrap(), Some(stack::package()))
}

fn told(code: &LiveCode) -> String {
    live_code("", code, &Palette::plain()).to_string()
}

#[test]
fn notes_are_no_settings_and_of_the_characters_that_lambda_takes() {
    let package = Package { deployer: "1.2.3-rc.1+build.7".to_owned(), ..stack::package() };
    let notes = package.notes();
    assert_eq!(notes.keys().collect::<Vec<_>>(), [CODE_TAG, VERSION_TAG]);
    for (key, value) in &notes {
        assert!(NOTE_TAGS.contains(&key.as_str()), "{key} is compared");
        let is_taken = |c: char| c.is_ascii_alphanumeric() || " _.:/=+-@".contains(c);
        assert!(value.chars().all(is_taken) && value.len() <= 256, "{value}");
    }
}

#[test]
fn the_build_that_this_deployer_carries_is_told_in_one_line() {
    let code = live(stack::CODE, Some((stack::VERSION, stack::CODE)));
    insta::assert_snapshot!(told(&code), @"n4bQgYhMfWWa…  put there by deploy 1.2.3");
    assert!(!code.is_outdated && !code.is_altered);
    let code = live(stack::CODE, Some(("1.0.0", stack::CODE)));
    insta::assert_snapshot!(told(&code), @"n4bQgYhMfWWa…  put there by deploy 1.0.0");
}

#[test]
fn an_older_build_says_that_the_next_apply_would_change_it() {
    let code = live(OTHER, Some(("1.0.0", OTHER)));
    insta::assert_snapshot!(told(&code), @"
    47DEQpj8HBSa…  put there by deploy 1.0.0
    the next apply would change it to n4bQgYhMfWWa…, by deploy 1.2.3
    ");
    assert!(code.is_outdated && !code.is_altered);
}

#[test]
fn code_that_somebody_else_put_there_is_not_taken_for_what_is_noted() {
    let code = live(OTHER, Some(("1.0.0", stack::CODE)));
    insta::assert_snapshot!(told(&code), @"
    47DEQpj8HBSa…
    not the n4bQgYhMfWWa… that deploy 1.0.0 put there: somebody else has put other code there since
    the next apply would change it to n4bQgYhMfWWa…, by deploy 1.2.3
    ");
    assert!(code.is_outdated && code.is_altered);
}

#[test]
fn an_apply_that_was_killed_before_its_note_accuses_nobody() {
    let code = live(stack::CODE, Some(("1.0.0", OTHER)));
    insta::assert_snapshot!(told(&code), @"
    n4bQgYhMfWWa…
    not the 47DEQpj8HBSa… that deploy 1.0.0 noted, but what deploy 1.2.3 carries
    ");
    assert!(!code.is_outdated && code.is_altered);
}

#[test]
fn a_function_without_notes_shows_its_hash_alone() {
    let code = live(stack::CODE, None);
    insta::assert_snapshot!(told(&code), @"n4bQgYhMfWWa…");
    assert!(!code.is_outdated && !code.is_altered);
    insta::assert_snapshot!(told(&live(OTHER, None)), @"
    47DEQpj8HBSa…
    the next apply would change it to n4bQgYhMfWWa…, by deploy 1.2.3
    ");
}

#[test]
fn a_deployer_without_a_package_tells_what_is_live_and_no_more() {
    let code = live(OTHER, Some(("1.0.0", OTHER)));
    let code = LiveCode { carried: None, is_outdated: false, ..code };
    insta::assert_snapshot!(told(&code), @"47DEQpj8HBSa…  put there by deploy 1.0.0");
}

#[test]
fn a_note_can_not_break_the_line_or_speak_to_the_terminal() {
    for code in [live(OTHER, Some(("1\u{1b}[2J\n", OTHER))), live(OTHER, Some(("1\n", "\u{1b}[2J\n")))] {
        let told = told(&code);
        assert!(told.lines().count() <= 3 && told.lines().all(|line| !line.contains(char::is_control)), "{told:?}");
    }
}

#[test]
fn a_program_reads_the_live_code_with_all_of_each_hash() {
    let package = json!({"deploy": "1.2.3", "code_sha256": stack::CODE, "origin": "embedded"});
    let noted = json!({"deploy": "1.0.0", "code_sha256": OTHER});
    let whole = json!({
        "code_sha256": OTHER, "noted": noted, "carried": package, "outdated": true, "altered": false,
    });
    assert_eq!(json!(live(OTHER, Some(("1.0.0", OTHER)))), whole);
    assert_eq!(json!(live(OTHER, None))["noted"], json!(null));
}
