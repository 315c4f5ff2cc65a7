//! Specs at the limits of what the services take, and right beyond them.
#![allow(dead_code, reason = "each test binary takes what it needs")]

use plan::naming::PARTITIONS;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

/// A spec, and whether some value of it is one beyond a limit.
#[derive(Debug, Clone)]
pub struct Edge {
    pub spec: Value,
    pub is_over: bool,
}

impl Edge {
    /// As YAML, which JSON is.
    pub fn text(&self) -> String {
        self.spec.to_string()
    }
}

/// A text of that many characters, of the alphabet in turn; it begins and ends with the first.
fn text(alphabet: &str, length: usize) -> String {
    let mut text: Vec<char> = alphabet.chars().cycle().take(length).collect();
    if let (Some(last), Some(first)) = (text.last_mut(), alphabet.chars().next()) {
        *last = first;
    }
    text.into_iter().collect()
}

/// Some part of a spec: how it edits the spec, and whether it is over.
type Part = (Value, bool);

/// A length of these, the last of which is over.
fn lengths(lengths: &'static [usize]) -> impl Strategy<Value = (usize, bool)> {
    let last = *lengths.last().unwrap_or(&0);
    select(lengths).prop_map(move |length| (length, length == last))
}

/// `is_managed`: no schedule has a name of its own then.
fn names(is_managed: bool) -> impl Strategy<Value = Part> {
    let lengths = [
        lengths(&[1, 56, 64, 65]).boxed(),
        lengths(&[1, 64, 65]).boxed(),
        lengths(&[1, 64, 65]).boxed(),
        lengths(&[1, 57, 58]).boxed(),
    ];
    let given = [any::<bool>(), any::<bool>(), any::<bool>()];
    (lengths, given).prop_map(move |([stack, function, role, schedule], [has_function, has_role, has_schedule])| {
        let has_schedule = has_schedule && !is_managed;
        let mut spec = json!({"name": text("aZ09-_.", stack.0), "function": {}, "role": {}, "schedule": {}});
        let mut is_over = stack.1;
        // A dot of the stack's name may not be in a function's.
        spec["name"] = if has_function { spec["name"].clone() } else { json!(text("aZ09-_", stack.0)) };
        let function = if has_function {
            spec["function"]["name"] = json!(text("fZ09-_", function.0));
            is_over |= function.1;
            function.0
        } else {
            stack.0 + "-rotator".len()
        };
        if has_role {
            spec["role"]["name"] = json!(text("rZ09_+=,.@-", role.0));
        }
        is_over |= function > 64 || if has_role { role.1 } else { function + "-role".len() > 64 };
        if has_schedule {
            spec["schedule"]["name"] = json!(text("sZ09-_.", schedule.0));
        }
        is_over |= if has_schedule { schedule.1 } else { stack.0 + "-invoke".len() > 64 };
        (spec, is_over)
    })
}

fn secret() -> impl Strategy<Value = Part> {
    let name = lengths(&[1, 237, 238, 511, 512, 513]);
    let description = lengths(&[0, 1, 2048, 2049]);
    let key = prop_oneof![
        Just(("alias/aws/secretsmanager".to_owned(), false)),
        Just(("12345678-1234-1234-1234-123456789012".to_owned(), false)),
        lengths(&[7, 256, 257]).prop_map(|(length, is_over)| (format!("alias/{}", text("k/-_9", length - 6)), is_over)),
    ];
    let window = select(vec![(json!("keep"), false), (json!({"recovery_window_days": 7}), false)]);
    (name, description, key, window).prop_map(|(name, description, key, window)| {
        let spec = json!({"secret": {
            "name": text("s/_+=.@9", name.0), "description": text("dé日 ", description.0), "kms_key": key.0,
            "on_teardown": window.0,
        }});
        (spec, name.1 || description.1 || key.1 || window.1)
    })
}

/// `may_be_empty`: whether a tag's value may.
fn tags(may_be_empty: bool) -> impl Strategy<Value = Part> {
    let count = lengths(&[0, 1, 39, 40, 41]);
    let key = lengths(&[4, 127, 128, 129]);
    let value = lengths(&[0, 1, 255, 256, 257]);
    let stray = select(vec!["", "", "", "", ";", "#", "\u{24b6}", "\u{93f}", "\t", "\""]);
    (count, key, value, stray).prop_map(move |(count, key, value, stray)| {
        let tag = |number: usize| {
            let key = format!("{number:03}{}", text("aé日 _.:/=+-@", key.0 - 3));
            let value = text("vé日 _.:/=+-@", value.0);
            (key, if number == 0 && !stray.is_empty() { stray.to_owned() } else { value })
        };
        let tags: serde_json::Map<String, Value> = (0..count.0).map(tag).map(|(k, v)| (k, json!(v))).collect();
        let first = if stray.is_empty() { value.0 == 0 && !may_be_empty } else { true };
        let others = value.1 || (value.0 == 0 && !may_be_empty);
        let is_over = count.1 || (count.0 > 0 && (key.1 || first || (stray.is_empty() && value.1)));
        (json!({"tags": tags}), is_over || (count.0 > 1 && others))
    })
}

fn role(partition: &'static str) -> impl Strategy<Value = Part> {
    let path = prop_oneof![
        Just(("/".to_owned(), false)),
        Just(("/team/a+b=c,d.e@f_g-h/".to_owned(), false)),
        lengths(&[3, 511, 512, 513]).prop_map(|(length, is_over)| (format!("/{}/", text("p/", length - 2)), is_over)),
        select(vec![":", "!", "(", "~", "*", "?", " ", "é"]).prop_map(|stray| (format!("/team{stray}/"), true)),
    ];
    let boundary = prop_oneof![
        Just((None, false)),
        Just((Some(format!("arn:{partition}:iam::aws:policy/PowerUserAccess")), false)),
        Just((Some("arn:aws-elsewhere:iam::123456789012:policy/b".to_owned()), true)),
        Just((Some(format!("arn:{partition}:iam::210987654321:policy/b")), true)),
        lengths(&[150, 2047, 2048, 2049]).prop_map(move |(length, is_over)| {
            let start = format!("arn:{partition}:iam::123456789012:policy/");
            let path = text("b/", length - start.len() - 64) + "/";
            (Some(format!("{start}{path}{}", "n".repeat(length - start.len() - path.len()))), is_over)
        }),
    ];
    (path, boundary).prop_map(|(path, boundary)| {
        let spec = json!({"role": {"path": path.0, "permissions_boundary": boundary.0}});
        (spec, path.1 || boundary.1)
    })
}

fn function() -> impl Strategy<Value = Part> {
    let subnets = lengths(&[1, 15, 16, 17]);
    let groups = lengths(&[1, 4, 5, 6]);
    let numbers = select(vec![(128, 1, 1), (10_240, 900, 3653), (10_240, 900, 14)]);
    (any::<bool>(), subnets, groups, numbers).prop_map(|(has_vpc, subnets, groups, (memory, timeout, days))| {
        let ids = |prefix: &str, count| (0..count).map(|n| format!("{prefix}{n:017x}")).collect::<Vec<_>>();
        let vpc = json!({"subnets": ids("subnet-", subnets.0), "security_groups": ids("sg-", groups.0)});
        let function = json!({"memory": memory, "timeout": timeout, "log_retention_days": days});
        let mut spec = json!({ "function": function });
        if has_vpc {
            spec["function"]["vpc"] = vpc;
        }
        (spec, has_vpc && (subnets.1 || groups.1))
    })
}

fn schedule(partition: &'static str, region: &'static str) -> impl Strategy<Value = Part> {
    let queue = prop_oneof![
        Just((None, false)),
        lengths(&[1, 79, 80, 81]).prop_map(move |(length, is_over)| {
            (Some(format!("arn:{partition}:sqs:{region}:210987654321:{}", text("q9-_", length))), is_over)
        }),
        Just((Some(format!("arn:aws-elsewhere:sqs:{region}:123456789012:q")), true)),
    ];
    let numbers = select(vec![(0, 0, 1), (1, 185, 1440), (1440, 2, 60)]);
    let expression = prop_oneof![
        Just(("rate(30 days)".to_owned(), false)),
        lengths(&[24, 254, 258]).prop_map(|(length, is_over)| {
            let minutes = (length - "cron(0 0 1 * ? *)".len()).div_ceil(2);
            (format!("cron({}0 0 1 * ? *)", "0,".repeat(minutes)), is_over)
        }),
    ];
    (queue, numbers, expression).prop_map(|(queue, (window, attempts, age), expression)| {
        let spec = json!({"schedule": {
            "expression": expression.0, "timezone": "America/Argentina/ComodRivadavia", "dead_letter_queue": queue.0,
            "flexible_window_minutes": window, "retry": {"attempts": attempts, "max_age_minutes": age},
        }});
        (spec, queue.1 || expression.1)
    })
}

fn managed() -> impl Strategy<Value = Part> {
    select(vec![
        (json!({"every_days": 1}), false),
        (json!({"every_days": 1000}), false),
        (json!({"expression": "rate(999 days)"}), false),
        (json!({"expression": "rate(1000 days)"}), true),
        (json!({"expression": "cron(0 0/12 ? JAN-DEC MON,TUE#1 *)"}), true),
        (json!({"expression": "cron(0 8/8 * * ? *)", "duration": "8h"}), false),
        (json!({"every_days": 1, "duration": "24h"}), false),
        (json!({"every_days": 1, "duration": "25h"}), true),
    ])
    .prop_map(|(rules, is_over)| (json!({"trigger": {"managed": rules}}), is_over))
}

/// What goes into the function's environment, of a size from nothing to beyond what Lambda takes.
fn environment() -> impl Strategy<Value = Value> {
    (0..4000_usize, any::<bool>()).prop_map(|(length, quoted)| {
        let filler = if quoted { text("q\"", length / 2) } else { text("f", length) };
        json!({"secret": {"derived": {"url": format!("{{password|percent}}{filler}")}}})
    })
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

/// Specs in every partition, by either trigger. Of most, all values are within their limits.
pub fn edges() -> impl Strategy<Value = Edge> {
    let places = PARTITIONS.iter().flat_map(|one| one.regions.iter().map(|region| (one.id, *region)));
    (select(places.collect::<Vec<_>>()), any::<bool>()).prop_flat_map(|((partition, region), is_managed)| {
        let trigger = if is_managed { managed().boxed() } else { schedule(partition, region).boxed() };
        let parts = (names(is_managed), secret(), tags(is_managed), role(partition), function(), trigger);
        let calm = (0..8_usize, any::<bool>());
        (parts, environment(), calm).prop_map(move |((a, b, c, d, e, f), environment, (only, has_environment))| {
            let mut spec = json!({"account": "123456789012", "region": region, "name": "n", "secret": {"name": "s"}});
            let mut is_over = false;
            // All at once would nearly always be over; so each part comes alone, or with those that are within.
            for (index, (part, is_part_over)) in [a, b, c, d, e, f].into_iter().enumerate() {
                if index == 5 || index == only || !is_part_over {
                    merge(&mut spec, part);
                    is_over |= is_part_over;
                }
            }
            if has_environment && !is_over {
                merge(&mut spec, environment);
            }
            if is_managed {
                spec.as_object_mut().map(|spec| spec.remove("schedule"));
            }
            Edge { spec, is_over }
        })
    })
}
