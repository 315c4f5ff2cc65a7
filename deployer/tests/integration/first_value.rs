//! A first value is the same whichever source it comes from, and is refused the same.

use serde_json::json;

use crate::stack::{FILE, Stack};

/// The ways to give a first value, each with what the spec says of it.
const SOURCES: [&str; 4] = ["variable", "file", "pipe", "prompt"];

/// Applies a stack whose first value is `given`, through each source in turn.
fn from_each(given: &str, check: impl Fn(&str, &Stack, crate::desk::Ran)) {
    for source in SOURCES {
        let mut stack = Stack::new();
        let initial = match source {
            "variable" => json!({"env": "FIRST"}),
            "file" => json!({"file": "first"}),
            "pipe" => json!({"file": "/dev/stdin"}),
            _ => json!({"prompt": true}),
        };
        stack.edit(|spec| spec["secret"]["initial"] = initial);
        stack.desk.write("given", given);
        let apply = format!("apply {FILE} --yes --skip-self-check");
        let ran = match source {
            "variable" => {
                stack.desk.set("FIRST", given);
                stack.desk.deploy(&apply)
            }
            "file" => {
                stack.desk.write("first", given);
                stack.desk.deploy(&apply)
            }
            "pipe" => stack.desk.shell(&format!("cat given | $DEPLOY {apply}")).end(),
            _ => {
                let typed = given.trim_end_matches(['\r', '\n']);
                stack.desk.at_terminal(&apply, "First value of", &format!("{typed}\\n"))
            }
        };
        check(source, &stack, ran);
    }
}

#[test]
fn a_line_break_at_the_end_is_no_part_of_the_value_whatever_its_source() {
    from_each("Tr0ub4dor&3\r\n", |source, stack, ran| {
        ran.expect(0);
        assert_eq!(stack.value(), r#"{"password":"Tr0ub4dor&3"}"#, "{source}");
    });
}

#[test]
fn a_torn_document_is_refused_by_its_place_and_nothing_is_made_whatever_its_source() {
    from_each("{\"password\": \"hunter22\"\n", |source, stack, ran| {
        let ran = ran.expect(1).says("is not valid JSON at line 1, column 24").says("nothing was changed");
        assert!(!ran.all().contains("hunter22"), "{source}: {}", ran.all());
        assert_eq!(stack.bed.names(), Vec::<String>::new(), "{source}");
    });
}
