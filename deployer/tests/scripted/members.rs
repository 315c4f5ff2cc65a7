//! Every member of every answer that is read: compared, or named in `docs/drift.md` with the reason why it may differ. The
//! SDK's own answer types say which there are, so that a new one is noticed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use plan::plan::Plan;
use serde_json::{Value as Json, json};

use crate::reads::observe;
use crate::stage::Stage;
use crate::wire::ok;
use crate::{stack, world};

/// An answer, the SDK's type of what of it is a resource, and where that stands in it.
struct Answer {
    operation: &'static str,
    of: &'static str,
    within: &'static str,
}

const fn answer(operation: &'static str, of: &'static str, within: &'static str) -> Answer {
    Answer { operation, of, within }
}

/// The answers that tell what a resource is.
const ANSWERS: [Answer; 9] = [
    answer("lambda:GetFunction", "GetFunctionOutput", ""),
    answer("lambda:GetFunctionEventInvokeConfig", "GetFunctionEventInvokeConfigOutput", ""),
    answer("lambda:GetFunctionConcurrency", "GetFunctionConcurrencyOutput", ""),
    answer("lambda:GetPolicy", "GetPolicyOutput", ""),
    answer("iam:GetRole", "Role", ""),
    answer("secretsmanager:DescribeSecret", "DescribeSecretOutput", ""),
    answer("logs:DescribeLogGroups", "LogGroup", "/logGroups/0"),
    answer("scheduler:GetScheduleGroup", "GetScheduleGroupOutput", ""),
    answer("scheduler:GetSchedule", "GetScheduleOutput", ""),
];

/// The source of one of the SDK's crates, of the version that is locked.
struct Sdk {
    /// By type.
    files: BTreeMap<String, String>,
    /// The members' names on the wire, by the SDK's.
    names: BTreeMap<String, String>,
}

impl Sdk {
    fn of(service: &str, packages: &Json) -> Self {
        let name = if service == "logs" { "cloudwatchlogs" } else { service };
        let name = format!("aws-sdk-{name}");
        let package = packages.as_array().unwrap().iter().find(|package| package["name"] == name.as_str());
        let manifest = PathBuf::from(package.unwrap()["manifest_path"].as_str().unwrap());
        let source = manifest.parent().unwrap().join("src");
        let (mut files, mut names) = (BTreeMap::new(), BTreeMap::new());
        for text in texts(&source.join("types")).into_iter().chain(texts(&source.join("operation"))) {
            for kind in ["pub struct ", "pub enum "] {
                if let Some((name, _)) = text.split_once(kind).and_then(|(_, rest)| rest.split_once(" {")) {
                    files.entry(name.to_owned()).or_insert_with(|| text.clone());
                }
            }
        }
        for text in texts(&source.join("protocol_serde")) {
            // `"MemberName" => { builder = builder.set_member_name(`, or in XML `s.matches("MemberName")` and more before it.
            let words: Vec<&str> = text.split('"').collect();
            for (at, word) in words.iter().enumerate().filter(|(_, word)| is_name(word)) {
                let set = words[at + 1..].iter().take(3).find_map(|rest| rest.split_once(".set_")?.1.split('(').next());
                if let Some(member) = set.filter(|member| folded(member) == folded(word)) {
                    names.insert(member.to_owned(), (*word).to_owned());
                }
            }
        }
        Self { files, names }
    }

    fn is_struct(&self, name: &str) -> bool {
        self.files.get(name).is_some_and(|text| text.contains(&format!("pub struct {name} {{")))
    }

    /// The members of a type with their types.
    fn members(&self, of: &str) -> Vec<(String, String)> {
        let text = self.files.get(of).unwrap_or_else(|| panic!("the SDK has no {of}"));
        let body = text.split_once(&format!("pub struct {of} {{\n")).unwrap().1.split_once("\n}").unwrap().0;
        let lines = body.lines().map(str::trim).filter_map(|line| line.strip_prefix("pub "));
        let member = |line: &str| {
            let (name, kind) = line.trim_end_matches(',').split_once(": ").unwrap();
            let kind = ["::std::option::Option<", "::std::vec::Vec<"].iter().fold(kind.to_owned(), |kind, _| {
                kind.strip_prefix("::std::option::Option<")
                    .map_or(kind.clone(), |inner| inner[..inner.len() - 1].to_owned())
            });
            (name.trim_start_matches("r#").trim_end_matches('_').to_owned(), kind)
        };
        lines.map(member).collect()
    }

    /// All that has no members of its own, by its path on the wire: lists and maps are one member each.
    fn leaves(&self, of: &str) -> Vec<(String, String)> {
        let mut leaves = Vec::new();
        for (name, kind) in self.members(of) {
            let name = self.names.get(&name).cloned().unwrap_or_else(|| panic!("{of} has {name}, which is never read"));
            let inner = kind.rsplit("::").next().unwrap_or(&kind);
            if kind.starts_with("crate::types::") && self.is_struct(inner) {
                leaves.extend(self.leaves(inner).into_iter().map(|(path, kind)| (format!("{name}.{path}"), kind)));
            } else {
                leaves.push((name, kind));
            }
        }
        leaves
    }

    /// A value of a type that no answer here has.
    fn other(&self, kind: &str) -> Json {
        let inner = |kind: &str| kind[kind.find('<').unwrap() + 1..kind.len() - 1].to_owned();
        match kind {
            "::std::string::String" => json!("other"),
            "bool" => json!(true),
            "i32" | "i64" | "f64" => json!(7),
            "::aws_smithy_types::DateTime" => json!(1_000_000_000),
            list if list.starts_with("::std::vec::Vec<") => json!([self.other(&inner(list))]),
            map if map.starts_with("::std::collections::HashMap<") => {
                json!({"other": self.other(inner(map).split_once(", ").unwrap().1)})
            }
            named => {
                let name = named.rsplit("::").next().unwrap();
                if !self.is_struct(name) {
                    return json!("other");
                }
                let mut all = json!({});
                for (path, kind) in self.leaves(name) {
                    set(&mut all, &path, self.other(&kind));
                }
                all
            }
        }
    }
}

fn is_name(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric())
}

fn folded(name: &str) -> String {
    name.replace('_', "").to_lowercase()
}

fn texts(folder: &Path) -> Vec<String> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(texts(&path));
        } else {
            all.push(fs::read_to_string(&path).unwrap());
        }
    }
    all
}

/// The packages that are locked, as Cargo has them on this machine.
fn packages() -> Json {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    serde_json::from_slice::<Json>(&metadata.stdout).unwrap()["packages"].take()
}

/// Puts a value at a path; a list gets it before what it has, and a map besides.
fn set(all: &mut Json, path: &str, value: Json) {
    let mut at = all;
    for name in path.split('.') {
        at = &mut at[name];
    }
    match (at, value) {
        (Json::Array(items), Json::Array(more)) => drop(items.splice(0..0, more)),
        (Json::Object(entries), Json::Object(more)) => entries.extend(more),
        (at, value) => *at = value,
    }
}

/// One row of the list: a member and all below it.
struct Row {
    operation: String,
    member: String,
    /// The attribute or resource as which it is compared; `None` where it may differ.
    compared: Option<String>,
    /// Whether it may not be there at all.
    is_error: bool,
}

fn rows() -> Vec<Row> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/drift.md")).unwrap();
    let code = |cell: &str| cell.strip_prefix('`')?.strip_suffix('`').filter(|it| !it.contains('`')).map(str::to_owned);
    let row = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [operation, member, meaning] = cells[..] else { return None };
        assert!(!meaning.is_empty(), "{line}");
        Some(Row {
            operation: code(operation)?,
            member: code(member)?,
            compared: code(meaning),
            is_error: meaning.starts_with("an error"),
        })
    };
    text.lines().filter(|line| line.starts_with('|')).filter_map(row).collect()
}

/// The row that speaks of a member: the longest.
fn row_of<'a>(rows: &'a [Row], operation: &str, path: &str) -> Option<&'a Row> {
    let below = |row: &&Row| path == row.member || path.starts_with(&format!("{}.", row.member));
    rows.iter().filter(|row| row.operation == operation).filter(below).max_by_key(|row| row.member.len())
}

#[test]
fn every_member_of_every_answer_is_in_the_list_and_the_list_has_none_too_many() {
    let (packages, rows) = (packages(), rows());
    let (mut missing, mut used) = (Vec::new(), BTreeSet::new());
    for Answer { operation, of, .. } in ANSWERS {
        let sdk = Sdk::of(operation.split(':').next().unwrap(), &packages);
        for (path, _) in sdk.leaves(of) {
            match row_of(&rows, operation, &path) {
                Some(row) => drop(used.insert((row.operation.clone(), row.member.clone()))),
                None => missing.push(format!("{operation} {path}")),
            }
        }
    }
    assert!(missing.is_empty(), "compare them, or say in docs/drift.md why they may differ:\n{}", missing.join("\n"));
    let all: BTreeSet<_> = rows.iter().map(|row| (row.operation.clone(), row.member.clone())).collect();
    assert_eq!(all.len(), rows.len(), "a member is listed twice");
    assert_eq!(all.difference(&used).collect::<Vec<_>>(), [] as [&(String, String); 0], "no answer has these");
}

#[test]
fn both_answers_that_have_a_function_s_configuration_have_the_same() {
    let sdk = Sdk::of("lambda", &packages());
    let (one, other) = (sdk.members("GetFunctionConfigurationOutput"), sdk.members("FunctionConfiguration"));
    assert_eq!(one, other);
}

/// What an answer says of the stack as it was applied.
fn applied(stage: &Stage, operation: &str) -> Json {
    let live = &stage.live;
    match operation {
        "lambda:GetFunction" => {
            world::function_body(live.function.as_ref().unwrap(), Some("Active"), Some("Successful"))
        }
        "lambda:GetFunctionEventInvokeConfig" => {
            let it = live.function.as_ref().unwrap().async_invoke.unwrap();
            json!({"MaximumRetryAttempts": it.retries, "MaximumEventAgeInSeconds": it.max_age_seconds})
        }
        "secretsmanager:DescribeSecret" => world::secret_body(live.secret.as_ref().unwrap()),
        "logs:DescribeLogGroups" => {
            let days = live.log_group.as_ref().unwrap().retention_days;
            json!({"logGroups": [{"logGroupName": "/aws/lambda/RotatePasswordFunction", "retentionInDays": days}]})
        }
        "scheduler:GetScheduleGroup" => world::group_body("ACTIVE"),
        "scheduler:GetSchedule" => world::schedule_body(live.schedule.as_ref().unwrap()),
        _ => json!({}),
    }
}

/// The attributes and resources of which a plan speaks.
fn spoken_of(plan: &Plan) -> BTreeSet<String> {
    let refused = plan.refusals.iter().map(|refusal| (refusal.kind, &refusal.changes));
    let pending = plan.actions.iter().filter(|action| action.is_pending()).map(|action| (action.kind, &action.changes));
    let told = pending.chain(refused).flat_map(|(kind, changes)| {
        let names = changes.iter().map(|change| change.attribute.name.to_owned());
        names.chain([kind.address().to_owned()]).collect::<Vec<_>>()
    });
    told.collect()
}

/// What only a value of its own shows: a document, and numbers of which most mean nothing.
fn special(path: &str) -> Option<Json> {
    Some(match path {
        "Policy" => json!(r#"{"Statement": [{"Sid": "deployer-rotation-left", "Effect": "Allow"}]}"#),
        "Concurrency.ReservedConcurrentExecutions" => json!(0),
        _ => return None,
    })
}

#[tokio::test(start_paused = true)]
async fn plan_speaks_of_every_member_that_is_compared_and_of_no_other() {
    let (packages, rows) = (packages(), rows());
    let mut tried = 0;
    for Answer { operation, of, within } in ANSWERS.into_iter().filter(|answer| answer.operation != "iam:GetRole") {
        let sdk = Sdk::of(operation.split(':').next().unwrap(), &packages);
        for (path, kind) in sdk.leaves(of) {
            let row = row_of(&rows, operation, &path).unwrap();
            let stage = Stage::applied();
            let mut body = applied(&stage, operation);
            let value = special(&path).unwrap_or_else(|| sdk.other(&kind));
            set(body.pointer_mut(within).unwrap(), &path, value.clone());
            let key = json!({"KeyMetadata": {"Arn": "arn:aws:kms:us-east-1:123456789012:key/other"}});
            stage.wire.always(operation, ok(body)).always("kms:DescribeKey", ok(key));
            let spoken_of = match observe(&stage).await {
                Ok(observed) => spoken_of(&stack::plan(&stage.spec, &observed.live)),
                Err((_, errors)) => {
                    assert!(row.is_error, "{operation} {path} {value}: {errors:?}");
                    continue;
                }
            };
            match &row.compared {
                Some(name) => assert!(spoken_of.contains(name), "{operation} {path} {value}: {spoken_of:?}"),
                None => assert!(spoken_of.is_empty(), "{operation} {path} {value} is compared: {spoken_of:?}"),
            }
            tried += 1;
        }
    }
    println!("{tried} members were changed");
    assert!(tried > 120, "{tried}");
}

#[tokio::test(start_paused = true)]
async fn plan_speaks_of_every_member_of_a_role_that_is_compared_and_of_no_other() {
    let (sdk, rows) = (Sdk::of("iam", &packages()), rows());
    let text = |kind: &str| match kind {
        "::aws_smithy_types::DateTime" => "2001-09-09T01:46:40Z",
        "i32" => "7200",
        list if list.contains("Tag") => "<member><Key>other</Key><Value>x</Value></member>",
        _ => "other",
    };
    for (path, kind) in sdk.leaves("Role") {
        let row = row_of(&rows, "iam:GetRole", &path).unwrap();
        let stage = Stage::applied();
        let role = world::role_body(stage.live.execution_role.as_ref().unwrap());
        let body = with_element(&role, &path, text(&kind));
        stage.wire.always("iam:GetRole", ok(body));
        let live = observe(&stage).await.unwrap().live;
        let mut alone = stage.live.clone();
        alone.execution_role = live.execution_role;
        let spoken_of = spoken_of(&stack::plan(&stage.spec, &alone));
        match &row.compared {
            Some(name) => assert!(spoken_of.contains(name), "{path}: {spoken_of:?}"),
            None => assert!(spoken_of.is_empty(), "{path} is compared: {spoken_of:?}"),
        }
    }
}

/// A role with an element of that path and text, in place of the one that it has.
fn with_element(role: &str, path: &str, text: &str) -> String {
    let (outer, rest) = path.split_once('.').map_or((path, None), |(outer, rest)| (outer, Some(rest)));
    let element = match rest {
        Some(inner) => format!("<{outer}><{inner}>{text}</{inner}></{outer}>"),
        None => format!("<{outer}>{text}</{outer}>"),
    };
    let (open, close) = (format!("<{outer}>"), format!("</{outer}>"));
    match (role.find(&open), role.find(&close)) {
        (Some(from), Some(to)) => format!("{}{element}{}", &role[..from], &role[to + close.len()..]),
        _ => role.replace("</Role>", &format!("{element}</Role>")),
    }
}
