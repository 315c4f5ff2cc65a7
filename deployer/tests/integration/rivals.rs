//! Others who act at the same time: whole rival runs, put in front of each changing call of a run that is held up there.
//!
//! With `CHAOS=all` in the environment every combination is tried, otherwise a sample of them.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::bed::Bed;
use crate::chaos::state::{of, with_roles_for_their_ids};
use crate::desk::{Desk, Ran};
use crate::proxy::{Proxy, When};
use crate::stack::{FILE, spec};

const APPLY: &str = "apply stack.yaml --yes";
const TEARDOWN: &str = "teardown stack.yaml --yes --force-delete-secret";

/// All that a first apply changes.
const CREATIONS: [&str; 10] = [
    "secretsmanager:CreateSecret",
    "iam:CreateRole",
    "iam:PutRolePolicy",
    "logs:CreateLogGroup",
    "logs:PutRetentionPolicy",
    "lambda:CreateFunction",
    "lambda:PutFunctionEventInvokeConfig",
    "scheduler:CreateScheduleGroup",
    "scheduler:CreateSchedule",
    "lambda:InvokeFunction",
];
/// All that an apply changes of a stack that has drifted as [`Seat::drift`] has it.
const MENDINGS: [&str; 9] = [
    "secretsmanager:UpdateSecret",
    "secretsmanager:TagResource",
    "iam:UpdateRoleDescription",
    "iam:TagRole",
    "logs:PutRetentionPolicy",
    "lambda:UpdateFunctionConfiguration",
    "lambda:TagResource",
    "scheduler:UpdateSchedule",
    "scheduler:UntagResource",
];
/// All that a teardown changes.
const DELETIONS: [&str; 7] = [
    "scheduler:DeleteSchedule",
    "scheduler:DeleteScheduleGroup",
    "lambda:DeleteFunction",
    "iam:DeleteRolePolicy",
    "iam:DeleteRole",
    "logs:DeleteLogGroup",
    "secretsmanager:DeleteSecret",
];

/// Whether every combination is tried.
fn all() -> bool {
    std::env::var("CHAOS").is_ok_and(|chaos| chaos == "all")
}

/// Works on the cases, four at a time: most of a case's time is spent waiting.
fn each<T: Sync>(cases: &[T], work: impl Fn(usize, &T) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some((at, case)) =
                    Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, cases.get(at)?)))
                {
                    work(at, case);
                }
            });
        }
    });
}

/// Somebody with a spec and a first value of their own, in an account with others.
struct Seat<'a> {
    bed: &'a Bed,
    desk: Desk,
    name: String,
    region: String,
}

impl<'a> Seat<'a> {
    fn new(bed: &'a Bed, name: &str, first: &str, change: impl FnOnce(&mut Value)) -> Self {
        let mut spec = spec(name);
        spec["secret"]["initial"] = json!({"env": "FIRST"});
        change(&mut spec);
        let mut desk = Desk::new(bed);
        desk.set("FIRST", first);
        desk.write(FILE, spec.to_string());
        let region = spec["region"].as_str().unwrap().to_owned();
        Self { bed, desk, name: name.to_owned(), region }
    }

    fn plain(bed: &'a Bed, name: &str, first: &str) -> Self {
        Self::new(bed, name, first, |_| {})
    }

    /// Runs a command to its end.
    fn run(&self, command: &str) -> Ran {
        calm(self.desk.deploy(command))
    }

    /// Runs a command whose first call of that name is held up while `rival` does what it does.
    fn held(&mut self, command: &str, call: &str, when: When, rival: impl FnOnce()) -> Ran {
        let direct = self.bed.endpoint.clone();
        let proxy = Proxy::of(self.bed);
        self.desk.set("AWS_ENDPOINT_URL", &proxy.endpoint);
        let held = proxy.hold(call, when);
        let running = self.desk.start(command);
        self.desk.set("AWS_ENDPOINT_URL", &direct);
        held.wait();
        rival();
        drop(held);
        calm(running.end())
    }

    fn call(&self, service: &str, method: &str, params: Value) {
        self.bed.call(service, method, params);
    }

    /// Changes something of every resource, behind the deployer's back.
    fn drift(&self) {
        let name = &self.name;
        let arn = |service: &str, what: &str| format!("arn:aws:{service}:us-east-1:123456789012:{what}");
        let secret = format!("{name}/password");
        self.call("secretsmanager", "update_secret", json!({"SecretId": secret, "Description": "other"}));
        for role in [format!("{name}-role"), format!("{name}-schedule-invoke")] {
            self.call("iam", "update_role_description", json!({"RoleName": role, "Description": "other"}));
        }
        let group = format!("/aws/lambda/{name}-function");
        self.call("logs", "put_retention_policy", json!({"logGroupName": group, "retentionInDays": 1}));
        let function = json!({"FunctionName": format!("{name}-function"), "MemorySize": 512});
        self.call("lambda", "update_function_configuration", function);
        let added = json!({"ResourceArn": arn("scheduler", &format!("schedule-group/{name}")), "Tags": [{"Key": "added", "Value": "x"}]});
        self.call("scheduler", "tag_resource", added);
        let it = json!({"Name": format!("{name}-schedule"), "GroupName": name});
        let mut schedule = self.bed.call("scheduler", "get_schedule", it);
        let fields = ["Name", "GroupName", "ScheduleExpression", "FlexibleTimeWindow", "Target"];
        schedule.as_object_mut().unwrap().retain(|field, _| fields.contains(&field.as_str()));
        schedule["State"] = json!("DISABLED");
        self.call("scheduler", "update_schedule", schedule);
    }

    /// The stack as anybody's would be: without its name, and without what is made up when it is made.
    fn state(&self) -> Value {
        masked(&with_roles_for_their_ids(&self.bed.inventory_of(&self.name)), &self.name)
    }

    /// What an application reads.
    fn value(&self) -> String {
        let secret = json!({"SecretId": format!("{}/password", self.name)});
        self.bed.call("secretsmanager", "get_secret_value", secret)["SecretString"].as_str().unwrap().to_owned()
    }

    /// An apply that says all is well is right about that; nobody may have done anything since.
    #[track_caller]
    fn is_as_told(&self, ran: &Ran, case: &str) {
        if ran.code() == Some(0) {
            let plan = self.run("plan stack.yaml --detailed-exitcode");
            assert_eq!(plan.code(), Some(0), "{case}: it said 0, and there is\n{}\nafter\n{}", plan.all(), ran.all());
        }
    }

    /// An invoked function of the emulator's makes itself a log group, which on AWS its role forbids.
    fn take_away_the_function_s_own_log_group(&self) {
        let name = format!("/aws/lambda/{}-function", self.name);
        let group = &self.bed.inventory_of(&self.name)["log_groups"][&name];
        if group.is_object() && group["tags"].get("deployer:stack").is_none() {
            self.call("logs", "delete_log_group", json!({"logGroupName": name}));
        }
    }

    /// One more apply leaves the stack as an undisturbed one leaves it, and its secret with the one value that it was given.
    #[track_caller]
    fn ends_as(&self, undisturbed: &Value, case: &str) {
        self.run(APPLY).expect(0);
        self.run("plan stack.yaml --detailed-exitcode").expect(0);
        assert_eq!(&self.state(), undisturbed, "{case}");
    }

    /// Nothing is left after one more teardown.
    #[track_caller]
    fn comes_down(&self, case: &str) {
        self.run(TEARDOWN).expect(0);
        assert_eq!(names(&self.bed.inventory_of(&self.name)), Vec::<String>::new(), "{case}");
    }
}

/// It ended by itself, and by none of its own faults.
#[track_caller]
fn calm(ran: Ran) -> Ran {
    assert!(ran.code().is_some() && !ran.all().contains("panicked"), "{}", ran.all());
    ran
}

fn names(inventory: &Value) -> Vec<String> {
    let kinds = inventory.as_object().unwrap().iter();
    kinds.flat_map(|(kind, all)| all.as_object().unwrap().keys().map(move |name| format!("{kind} {name}"))).collect()
}

/// Dates, and what is made up at a resource's creation.
const MADE_UP: [&str; 6] =
    ["CreateDate", "CreatedDate", "CreationDate", "creationTime", "SecretVersionsToStages", "Date"];

fn masked(value: &Value, name: &str) -> Value {
    let plain = |text: &str| {
        let text = match text.split_once(":secret:") {
            // Six characters after the name.
            Some((before, after)) => {
                format!("{before}:secret:{}", after.rsplit_once('-').map_or(after, |(name, _)| name))
            }
            None => text.to_owned(),
        };
        text.replace(name, "NAME")
    };
    match value {
        Value::Object(fields) => {
            let is_note = |of: &Value| of["Key"].as_str().is_some_and(|key| key.starts_with("deployer:applied"));
            let field = |(key, one): (&String, &Value)| {
                let shown = match key.as_str() {
                    made_up if MADE_UP.contains(&made_up) => json!("made up"),
                    note if note.starts_with("deployer:applied") => json!("noted"),
                    "Value" if is_note(value) => json!("noted"),
                    // Version ids are derived from names: the labels alone.
                    "VersionIdsToStages" => one.as_object().unwrap().values().cloned().collect(),
                    _ => masked(one, name),
                };
                (plain(key), shown)
            };
            Value::Object(fields.iter().map(field).collect())
        }
        Value::Array(all) => all.iter().map(|one| masked(one, name)).collect(),
        Value::String(text) => json!(plain(text)),
        other => other.clone(),
    }
}

/// What an apply that nobody disturbs makes.
fn undisturbed(bed: &Bed) -> Value {
    let seat = Seat::plain(bed, "undisturbed", "first");
    seat.run(APPLY).expect(0);
    let state = seat.state();
    assert_eq!(state["secrets"]["NAME/password"]["VersionIdsToStages"], json!([["AWSCURRENT"]]));
    seat.comes_down("undisturbed");
    state
}

/// What an apply says that it has done is there, and is its stack's own.
#[track_caller]
fn says_the_truth(seat: &Seat<'_>, ran: &Ran) {
    let json = ran.json();
    let Some(resources) = json["stacks"][0]["resources"].as_array() else {
        assert!(json["errors"][0]["message"].is_string() && ran.code() != Some(0), "{}", ran.all());
        return;
    };
    // Whatever its name: another stack's name may be claimed.
    let there = seat.bed.inventory();
    for one in resources.iter().filter(|one| one["outcome"] == "done") {
        let found = of(&there, one);
        assert!(found.is_object(), "{one} is not there: {:?}", names(&there));
        // A schedule has no tags: its group's are its own.
        if one["address"] != "schedule" {
            let tags = (tag(found, "deployer:stack"), tag(found, "deployer:region"));
            assert_eq!(
                tags,
                (Some(seat.name.as_str()), Some(seat.region.as_str())),
                "{one} is somebody else's: {found}"
            );
        }
    }
}

fn tag<'a>(resource: &'a Value, key: &str) -> Option<&'a str> {
    let tags = resource.get("Tags").or_else(|| resource.get("tags"))?;
    match tags {
        Value::Array(all) => all.iter().find(|tag| tag["Key"] == key)?["Value"].as_str(),
        of_a_map => of_a_map[key].as_str(),
    }
}

/// Both want the same of the function, and whoever comes second leaves it, and says so.
#[track_caller]
fn is_done_or_left(ran: &Ran, case: &str) {
    let is_left = ran.code() == Some(1) && ran.all().contains("somebody changed the function");
    assert!(ran.code() == Some(0) || is_left, "{case}: {}", ran.all());
}

#[test]
fn a_whole_rival_apply_of_the_same_stack_before_any_change_of_an_apply() {
    let bed = Bed::ministack();
    let expected = undisturbed(&bed);
    let whens: &[When] = if all() { &[When::Asked, When::Answered] } else { &[When::Asked] };
    let cases: Vec<_> = CREATIONS.into_iter().flat_map(|call| whens.iter().map(move |when| (call, *when))).collect();
    each(&cases, |at, (call, when)| {
        let name = format!("same-{at:02}");
        let (mut one, rival) =
            (Seat::plain(&bed, &name, "first of one"), Seat::plain(&bed, &name, "first of the rival"));
        let mut value = None;
        let ran = one.held(&format!("{APPLY} -o json"), call, *when, || {
            rival.run(APPLY).expect(0);
            value = Some(rival.value());
        });
        says_the_truth(&one, &ran);
        let ran = ran.expect(0);
        one.is_as_told(&ran, call);
        assert_eq!(Some(one.value()), value, "{call}: the loser wrote the secret's value");
        one.ends_as(&expected, call);
        one.comes_down(call);
    });
}

#[test]
fn a_whole_rival_apply_of_the_same_stack_before_any_mending_of_drift() {
    let bed = Bed::ministack();
    let expected = undisturbed(&bed);
    each(&MENDINGS, |at, call| {
        let name = format!("drift-{at:02}");
        let (mut one, rival) =
            (Seat::plain(&bed, &name, "first of one"), Seat::plain(&bed, &name, "first of the rival"));
        one.run(APPLY).expect(0);
        one.drift();
        let ran = one.held(APPLY, call, When::Asked, || {
            is_done_or_left(&rival.run(APPLY), call);
        });
        is_done_or_left(&ran, call);
        one.is_as_told(&ran, call);
        one.ends_as(&expected, call);
        assert!(one.value().contains("first of one"), "{call}");
        one.comes_down(call);
    });
}

#[test]
fn an_apply_that_is_overtaken_says_what_is_not_as_it_made_it() {
    let bed = Bed::ministack();
    let wishes = |description: &'static str, team: &'static str| {
        move |spec: &mut Value| {
            spec["secret"]["description"] = json!(description);
            spec["tags"] = json!({"team": team});
        }
    };
    each(&["by hand", "by a whole apply of another spec"], |at, how| {
        let name = format!("overtaken-{at}");
        Seat::plain(&bed, &name, "first").run(APPLY).expect(0);
        let mut one = Seat::new(&bed, &name, "first", wishes("the one's", "one"));
        let rival = Seat::new(&bed, &name, "first", wishes("the rival's", "rival"));
        // Of the two calls that change the secret one is done, and the other is not.
        let ran = one.held(APPLY, "secretsmanager:TagResource", When::Asked, || match *how {
            "by hand" => {
                let theirs = json!({"SecretId": format!("{name}/password"), "Description": "the rival's"});
                rival.call("secretsmanager", "update_secret", theirs);
            }
            _ => drop(rival.run(APPLY).expect(0)),
        });
        ran.expect(1).says("still different when read back: secret").says("everything was applied");
        let secret = &bed.inventory_of(&name)["secrets"][&format!("{name}/password")];
        assert_eq!((&secret["Description"], tag(secret, "team")), (&json!("the rival's"), Some("one")), "{how}");
        // Whoever applies once more has it their way.
        for seat in [&one, &rival] {
            seat.run("plan stack.yaml --detailed-exitcode").expect(2);
            seat.run(APPLY).expect(0);
            seat.run("plan stack.yaml --detailed-exitcode").expect(0);
        }
        one.comes_down(how);
    });
}

type Claim = (&'static str, &'static str, fn(&mut Value, &str));

/// The names that two stacks can claim both, and the call by which they are taken.
const CLAIMS: [Claim; 4] = [
    ("secret", "secretsmanager:CreateSecret", |rival, name| {
        rival["secret"]["name"] = json!(format!("{name}/password"));
    }),
    ("execution-role", "iam:CreateRole", |rival, name| rival["role"]["name"] = json!(format!("{name}-role"))),
    ("invoke-role", "iam:CreateRole", |rival, name| rival["schedule"]["name"] = json!(format!("{name}-schedule"))),
    ("function", "logs:CreateLogGroup", |rival, name| rival["function"]["name"] = json!(format!("{name}-function"))),
];

#[test]
fn a_whole_apply_of_another_stack_that_claims_a_name_before_any_change_of_an_apply() {
    let bed = Bed::ministack();
    let cases: Vec<_> = CLAIMS.iter().flat_map(|claim| CREATIONS.map(move |call| (claim, call))).collect();
    let is_sample = |(claim, call): &(&Claim, &str)| {
        *call == claim.1 || (*call == "lambda:CreateFunction" && claim.0 == "function")
    };
    let cases: Vec<_> = cases.into_iter().filter(|case| all() || is_sample(case)).collect();
    each(&cases, |at, ((claimed, _, claim), call)| {
        let (case, name) = (format!("{claimed} at {call}"), format!("claim-{at:02}"));
        let mut one = Seat::plain(&bed, &name, "first of one");
        let rival = Seat::new(&bed, &format!("{name}-rival"), "first of the rival", |rival| claim(rival, &name));
        let mut rivals = None;
        let ran = one.held(&format!("{APPLY} -o json"), call, When::Asked, || rivals = Some(rival.run(APPLY)));
        says_the_truth(&one, &ran);
        let rivals = rivals.unwrap();
        // One has the name, and the other says whose it is.
        let (winner, loser, told) = match (ran.code(), rivals.code()) {
            (Some(0), Some(3)) => (&one, &rival, rivals.all().contains(&format!("stack {name} in us-east-1"))),
            (Some(3), Some(0)) => (&rival, &one, ran.all().contains(&format!("stack {name}-rival in us-east-1"))),
            other => panic!("{case}: {other:?}\n{}\n{}", ran.all(), rivals.all()),
        };
        assert!(told, "{case}: the owner is not named");
        winner.run("plan stack.yaml --detailed-exitcode").expect(0);
        let before = bed.inventory_of(&name);
        loser.run(APPLY).expect(3);
        assert_eq!(bed.inventory_of(&name), before, "{case}: a refused apply changed something");
        loser.run(TEARDOWN).expect(3).says("left alone what is not this stack's");
        winner.run("plan stack.yaml --detailed-exitcode").expect(0);
        winner.run(TEARDOWN).expect(0);
        assert_eq!(names(&bed.inventory_of(&name)), Vec::<String>::new(), "{case}");
    });
}

#[test]
fn a_whole_apply_of_the_same_stack_in_another_region_before_any_change_of_an_apply() {
    let bed = Bed::ministack();
    let sample = ["secretsmanager:CreateSecret", "iam:CreateRole", "lambda:CreateFunction", "lambda:InvokeFunction"];
    let cases: Vec<&str> = CREATIONS.into_iter().filter(|call| all() || sample.contains(call)).collect();
    each(&cases, |at, call| {
        let name = format!("regions-{at:02}");
        let mut one = Seat::plain(&bed, &name, "first of one");
        let rival = Seat::new(&bed, &name, "first of the rival", |spec| spec["region"] = json!("eu-west-1"));
        let mut rivals = None;
        let ran = one.held(&format!("{APPLY} -o json"), call, When::Asked, || rivals = Some(rival.run(APPLY)));
        let rivals = rivals.unwrap();
        // Roles are the account's, whatever the region: one has them, and the other says whose they are.
        let (winner, loser, told, region) = match (ran.code(), rivals.code()) {
            (Some(0), Some(3)) => (&one, &rival, rivals.all(), "us-east-1"),
            (Some(3), Some(0)) => (&rival, &one, ran.all(), "eu-west-1"),
            other => panic!("{call}: {other:?}\n{}\n{}", ran.all(), rivals.all()),
        };
        assert!(told.contains(&format!("stack {name} in {region}")), "{call}: the owner is not named: {told}");
        loser.run(APPLY).expect(3);
        loser.run(TEARDOWN).expect(3).says("left alone what is not this stack's");
        winner.run("plan stack.yaml --detailed-exitcode").expect(0);
        winner.run(TEARDOWN).expect(0);
        loser.run(APPLY).expect(0);
        loser.run("plan stack.yaml --detailed-exitcode").expect(0);
        loser.comes_down(call);
    });
}

#[test]
fn a_whole_apply_before_any_deletion_of_a_teardown_and_a_whole_teardown() {
    let bed = Bed::ministack();
    let expected = undisturbed(&bed);
    let cases: Vec<_> = DELETIONS.into_iter().flat_map(|call| [(call, APPLY), (call, TEARDOWN)]).collect();
    let sample = ["scheduler:DeleteSchedule", "lambda:DeleteFunction", "secretsmanager:DeleteSecret"];
    let is_sample = |(call, command): &(&str, &str)| *command == TEARDOWN || sample.contains(call);
    let cases: Vec<_> = cases.into_iter().filter(|case| all() || is_sample(case)).collect();
    each(&cases, |at, (call, command)| {
        let (case, name) = (format!("{command} at {call}"), format!("down-{at:02}"));
        let mut one = Seat::plain(&bed, &name, "first");
        one.run(APPLY).expect(0);
        let rival = Seat::plain(&bed, &name, "first");
        // An apply may meet the rest of the teardown, which goes on, and then says what is missing.
        let ran = one.held(TEARDOWN, call, When::Asked, || {
            let ran = rival.run(command);
            assert!(ran.code() == Some(0) || ran.code() == Some(1) && *command == APPLY, "{case}: {}", ran.all());
        });
        if *command == TEARDOWN {
            assert_eq!((ran.code(), names(&bed.inventory_of(&name))), (Some(0), vec![]), "{case}: {}", ran.all());
        }
        // What it calls gone is gone; what an apply has made again is told as left over, or why it can't go.
        let there = names(&bed.inventory_of(&name));
        assert!(
            ran.code() == Some(0) && there.is_empty() || ran.code() == Some(1) && !there.is_empty(),
            "{case}: {there:?} {}",
            ran.all()
        );
        one.ends_as(&expected, &case);
        one.comes_down(&case);
    });
}

#[test]
fn a_whole_teardown_before_a_change_of_an_apply() {
    let bed = Bed::ministack();
    let expected = undisturbed(&bed);
    let sample = ["lambda:CreateFunction", "logs:PutRetentionPolicy", "iam:PutRolePolicy"];
    let cases: Vec<&str> = CREATIONS.into_iter().filter(|call| all() || sample.contains(call)).collect();
    each(&cases, |at, call| {
        let name = format!("undone-{at:02}");
        let (mut one, rival) =
            (Seat::plain(&bed, &name, "first of one"), Seat::plain(&bed, &name, "first of the rival"));
        let ran = one.held(APPLY, call, When::Asked, || drop(rival.run(TEARDOWN)));
        assert!(matches!(ran.code(), Some(0 | 1)), "{call}: {}", ran.all());
        one.is_as_told(&ran, call);
        one.take_away_the_function_s_own_log_group();
        one.ends_as(&expected, call);
        one.comes_down(call);
    });
}

#[test]
fn many_applies_at_once_on_nothing_on_half_a_stack_and_on_drift() {
    let bed = Bed::ministack();
    let expected = undisturbed(&bed);
    let starts = ["nothing", "half", "drift"];
    let cases: Vec<_> = starts.into_iter().flat_map(|start| [(start, 2), (start, 8)]).collect();
    for (at, (start, count)) in cases.into_iter().enumerate() {
        let (case, name) = (format!("{count} on {start}"), format!("many-{at:02}"));
        let seats: Vec<_> = (0..count).map(|n| Seat::plain(&bed, &name, &format!("first of {n}"))).collect();
        let one = &seats[0];
        if start != "nothing" {
            one.run(APPLY).expect(0);
        }
        match start {
            "half" => {
                let function = json!({"FunctionName": format!("{name}-function")});
                one.call("lambda", "delete_function", function);
                one.call("scheduler", "delete_schedule_group", json!({"Name": name}));
            }
            "drift" => one.drift(),
            _ => {}
        }
        let running: Vec<_> = seats.iter().map(|seat| seat.desk.start(&format!("{APPLY} -o json"))).collect();
        let ran: Vec<Ran> = running.into_iter().map(|one| calm(one.end())).collect();
        for ran in &ran {
            says_the_truth(one, ran);
            is_done_or_left(ran, &case);
            one.is_as_told(ran, &case);
        }
        assert!(ran.iter().any(|ran| ran.code() == Some(0)), "{case}: none of them came to its end");
        one.ends_as(&expected, &case);
        one.comes_down(&case);
    }
}

#[test]
fn a_rotation_during_an_apply_and_during_a_teardown() {
    let bed = Bed::ministack();
    let mut one = Seat::plain(&bed, "turning", "first");
    one.run(APPLY).expect(0);
    for call in ["secretsmanager:UpdateSecret", "lambda:UpdateFunctionConfiguration", "lambda:TagResource"] {
        one.drift();
        let other = Seat::plain(&bed, "turning", "first");
        let before = one.value();
        one.held(APPLY, call, When::Asked, || drop(other.run("rotate stack.yaml").expect(0))).expect(0);
        one.run("plan stack.yaml --detailed-exitcode").expect(0);
        assert_ne!(one.value(), before, "{call}: the rotation was lost");
        let labels = one.state()["secrets"]["NAME/password"]["VersionIdsToStages"].to_string();
        assert_eq!(labels.matches("AWSCURRENT").count(), 1, "{call}: {labels}");
    }
    let other = Seat::plain(&bed, "turning", "first");
    let teardown = "teardown stack.yaml --yes";
    // As long as the function is there it rotates, and afterwards it says what is missing.
    let down =
        one.held(teardown, "lambda:DeleteFunction", When::Asked, || drop(other.run("rotate stack.yaml").expect(0)));
    down.expect(0);
    other.run("rotate stack.yaml").expect(1);
    assert_eq!(names(&bed.inventory_of("turning")), ["secrets turning/password"]);
    one.run(APPLY).expect(0);
    other.run("rotate stack.yaml").expect(0);
}
