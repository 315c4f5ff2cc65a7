//! Whatever others wrote, a person, a CI log and a comment get it escaped: a text that forges lines, commands, escapes and
//! markup is put into every field that AWS, a function or a spec fills, one struct taken apart after the other.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod stack;

use std::collections::{BTreeMap, BTreeSet};

use contract::{Answer, Check, LoginCheck, Outcome};
use plan::doctor::{Concurrency, End, Evidence, Health, Invocation, Queue, SelfCheck, Version, examine};
use plan::live::Live;
use plan::ownership::{Tags, VERSION_TAG};
use plan::package::LiveCode;
use plan::plan::{Plan, TeardownOptions};
use plan::precondition::Unmet;
use plan::render::{self, Page, Palette, is_plain};
use plan::resource::{Kind, function, log_group, permission, role, rotation, schedule, schedule_group, secret};
use plan::resource_policy::ResourcePolicy;
use plan::saved::{Saved, SpecFile};
use plan::spec::{self, Every, Initial, Spec};
use serde_json::{Value as Json, json};

const FORGED: [&str; 4] = ["Plan: 0 to create", "::set-output", "  + forged", "### forged"];

/// What somebody may write.
fn text() -> String {
    let ends = ["\n", "\r\n", "\r", "\u{85}", "\u{2028}", "\u{2029}", "\u{b}", "\u{c}"];
    let lines = "Plan: 0 to create, 0 to update, 0 to delete.\n::set-output name=a::b\n  ::add-mask::x\n  + forged\n### forged\n";
    let signs =
        "\u{1b}[2J\u{1b}[32m\u{1b}]0;x\u{7}\u{9b}2J\u{7f}\0\u{202e}\u{2066}\u{200b}\u{200f}\u{feff}\u{ad}\u{e0041}";
    let markup = "``````` | <img src=x> @all [a](javascript:b) ##[set-env name=a]b %0A::error::c \"q\" \\ ";
    format!("{}{lines}{signs}{markup}end", ends.map(|end| format!("x{end}")).concat())
}

fn texts() -> BTreeSet<String> {
    [text()].into()
}

fn named<T>(value: T) -> BTreeMap<String, T> {
    [(text(), value)].into()
}

fn document() -> Json {
    let text = text();
    json!({"Version": text, "Statement": [{"Effect": text, "Action": [text], "Principal": {"Service": text, &text: [text]},
        "Resource": text, &text: {"x": text}, "Condition": {&text: {&text: [text]}}}]})
}

/// Tags of ours, and theirs beside and in them.
fn tags(tags: Tags) -> Tags {
    let notes = tags.into_iter().map(|(key, value)| {
        let is_owner = key == plan::ownership::STACK_TAG || key == plan::ownership::REGION_TAG;
        (key, if is_owner { value } else { text() })
    });
    notes.chain(named(text())).chain([(VERSION_TAG.to_owned(), text())]).collect()
}

fn role(live: role::Live) -> role::Live {
    let role::Live { arn: _, id: _, path: _, description: _, trust: _, boundary: _, policies, attached: _, tags: own } =
        live;
    let policies = policies.into_keys().map(|name| (name, document())).chain(named(document())).collect();
    role::Live {
        arn: text(),
        id: text(),
        path: text(),
        description: text(),
        trust: document(),
        boundary: Some(text()),
        policies,
        attached: texts(),
        tags: tags(own),
    }
}

fn function(live: function::Live) -> function::Live {
    let function::Live {
        mut settings,
        environment,
        async_invoke,
        layers: _,
        unset: _,
        tags: own,
        revision_id: _,
        state: _,
        last_update: _,
    } = live;
    settings.description = text();
    settings.runtime = text();
    settings.handler = text();
    settings.code_sha256 = text();
    settings.role_arn = text();
    settings.vpc = Some(spec::Vpc { subnets: texts(), security_groups: texts() });
    let environment = environment.into_keys().map(|name| (name, text())).chain(named(text())).collect();
    function::Live {
        settings,
        environment,
        async_invoke,
        layers: vec![text()],
        unset: unset(),
        tags: tags(own),
        revision_id: Some(text()),
        state: Some(text()),
        last_update: Some(text()),
    }
}

fn unset() -> function::Unset {
    function::Unset {
        environment_key: Some(text()),
        environment_error: Some(text()),
        code_key: Some(text()),
        dead_letter_target: Some(text()),
        async_on_success: Some(text()),
        async_on_failure: Some(text()),
        tracing: Some(text()),
        log_destination: Some(text()),
        log_format: Some(text()),
        log_levels: named(text()),
        file_systems: named(text()),
        ephemeral_storage: None,
        snap_start: Some(text()),
        ipv6: true,
        reserved_concurrency: None,
        fixed: [("package_type", text())].into(),
    }
}

fn schedule(live: schedule::Live) -> schedule::Live {
    let schedule::Live { mut settings, start_date: _, end_date: _, after_completion: _, kms_key_arn: _ } = live;
    settings.expression = text();
    settings.timezone = text();
    settings.description = text();
    settings.target_arn = text();
    settings.role_arn = text();
    settings.input = json!({&text(): text()});
    settings.dead_letter_arn = Some(text());
    schedule::Live {
        settings,
        start_date: Some(text()),
        end_date: Some(text()),
        after_completion: Some(text()),
        kms_key_arn: Some(text()),
    }
}

/// Every field of every resource. A new one breaks the build until it is filled too.
fn hostile(live: Live) -> Live {
    let Live {
        secret,
        execution_role,
        log_group,
        function: live_function,
        schedule_group,
        invoke_role,
        schedule: live_schedule,
        permission,
        rotation,
        schedules_in_group,
    } = live;
    Live {
        secret: secret.map(
            |secret::Live {
                 tags: own,
                 versions: _,
                 arn: _,
                 description: _,
                 kms_key_arn: _,
                 deleted: _,
                 changed: _,
                 replicas: _,
                 primary_region: _,
                 owning_service: _,
             }| {
                secret::Live {
                    arn: text(),
                    description: text(),
                    kms_key_arn: Some(text()),
                    tags: tags(own),
                    deleted: Some(text()),
                    changed: Some(text()),
                    replicas: vec![text()],
                    primary_region: Some(text()),
                    owning_service: Some(text()),
                    versions: named(vec![text()]),
                }
            },
        ),
        execution_role: execution_role.map(role),
        log_group: log_group.map(
            |log_group::Live { retention_days: _, retention_policy: _, is_protected: _, tags: own }| log_group::Live {
                retention_days: None,
                retention_policy: Some(text()),
                is_protected: true,
                tags: tags(own),
            },
        ),
        function: live_function.map(function),
        schedule_group: schedule_group
            .map(|schedule_group::Live { deleting, tags: own }| schedule_group::Live { deleting, tags: tags(own) }),
        invoke_role: invoke_role.map(role),
        schedule: live_schedule.map(schedule),
        permission: permission
            .map(|permission::Live { statements: _ }| permission::Live { statements: named(document()) }),
        rotation: rotation.map(|rotation::Live { mut settings, last: _, next: _ }| {
            settings.function_arn = text();
            settings.every = Some(Every::Expression(text()));
            settings.duration = Some(text());
            rotation::Live { settings, last: Some(text()), next: Some(text()) }
        }),
        schedules_in_group: schedules_in_group.into_iter().chain([text()]).collect(),
    }
}

/// Accounts: as it is, with each resource alone, and with other owners' tags.
fn accounts(spec: &Spec) -> Vec<Live> {
    let all = hostile(stack::applied(spec));
    let mut foreign = all.clone();
    for kind in stack::kinds(spec) {
        let tags = stack::tags_mut(&mut foreign, kind);
        *tags = tags.keys().map(|key| (key.clone(), text())).collect();
    }
    let mut restored = all.clone();
    restored.secret.as_mut().unwrap().deleted = None;
    let lacking = stack::kinds(spec).into_iter().map(|kind| stack::without(restored.clone(), kind));
    lacking.chain([all, foreign, restored.clone()]).collect()
}

/// The page shows text alone, and each of its lines is one of ours.
#[track_caller]
fn is_safe(plain: &Page, colored: &Page) {
    let told = plain.as_str();
    let other = told.chars().find(|c| !is_plain(*c) && *c != '\n');
    assert!(other.is_none(), "{other:?} in {told:?}");
    assert!(!told.contains("##["), "{told}");
    let text = text();
    let forged: BTreeSet<&str> = text.lines().filter(|line| line.len() > 1).collect();
    for line in told.lines() {
        assert!(!line.trim_start().starts_with("::"), "{line:?} in {told}");
        assert!(!forged.contains(line), "{line:?} in {told}");
    }
    let mut without = colored.as_str().to_owned();
    for style in ["[32m", "[33m", "[31m", "[1m", "[2m", "[0m"] {
        without = without.replace(&format!("\u{1b}{style}"), "");
    }
    assert_eq!(without, told, "the colours are ours alone");
}

fn plan_is_safe(plan: &Plan) {
    for shown in [render::plan, render::teardown] {
        is_safe(&shown(plan, &Palette::plain()), &shown(plan, &Palette::colored()));
    }
    let markdown = render::markdown(plan);
    is_safe(&markdown, &markdown);
    let fences: Vec<&str> = markdown.as_str().lines().filter(|line| line.starts_with("```")).collect();
    let [open, close] = fences[..] else { panic!("{fences:?}") };
    assert_eq!(open, format!("{close}text"));
    assert!(
        !markdown.as_str().lines().any(|line| line.trim_start().starts_with(close) && line != open && line != close)
    );
    let json = Page::json(plan);
    is_safe(&json, &json);
    assert_eq!(serde_json::from_str::<Json>(json.as_str()).unwrap(), json!(plan));
}

fn specs() -> [Spec; 2] {
    [stack::spec(), stack::managed()]
}

#[test]
fn no_field_of_a_live_stack_speaks_in_a_plan_or_a_teardown() {
    for spec in specs() {
        let policies = [ResourcePolicy::Document(document()), ResourcePolicy::Unread(text()), ResourcePolicy::None];
        for (number, live) in accounts(&spec).into_iter().enumerate() {
            let policy = &policies[number % policies.len()];
            for adopt in [&[][..], &Kind::ALL] {
                plan_is_safe(&stack::plan_adopting(&spec, &live, adopt).with_resource_policy(&spec, policy));
            }
            let desired = stack::desired(&spec, &live);
            plan_is_safe(&plan::teardown::teardown(&spec, &desired, &live, TeardownOptions::default()));
        }
    }
}

#[test]
fn no_field_of_a_spec_speaks_in_a_plan() {
    // More than a spec that loads can have.
    for mut spec in specs() {
        for initial in [Initial::Env(text()), Initial::File(text().into())] {
            spec.name = text();
            (spec.account, spec.region) = (text(), text());
            spec.tags = named(text());
            (spec.secret.name, spec.secret.description, spec.secret.kms_key) = (text(), text(), text());
            spec.secret.initial = initial;
            (spec.role.name, spec.role.path, spec.role.permissions_boundary) = (text(), text(), Some(text()));
            spec.function.name = text();
            (spec.schedule.name, spec.schedule.timezone, spec.schedule.expression) = (text(), text(), text());
            spec.schedule.dead_letter_queue = Some(text());
            for live in [Live::default(), stack::applied(&spec), hostile(stack::applied(&spec))] {
                plan_is_safe(&stack::plan(&spec, &live));
            }
        }
    }
}

#[test]
fn no_difference_to_a_saved_plan_speaks() {
    for spec in specs() {
        let (before, after) = (stack::applied(&spec), hostile(stack::applied(&spec)));
        for (one, other) in [(&before, &after), (&after, &before)] {
            let file = SpecFile { path: text(), sha256: text() };
            let saved = Saved::of(&stack::plan(&spec, one), one, file, BTreeSet::new(), "1");
            let told = render::differences(&saved.differences(other)).join("\n");
            assert!(told.lines().count() > 10);
            assert!(told.chars().all(|c| is_plain(c) || c == '\n'), "{told:?}");
            assert!(!told.lines().any(|line| FORGED.iter().any(|forged| line.starts_with(forged))), "{told}");
        }
    }
}

#[test]
fn no_field_of_what_the_doctor_reads_speaks() {
    for spec in specs() {
        for (number, live) in accounts(&spec).into_iter().enumerate() {
            let (desired, plan) = (stack::desired(&spec, &live), stack::plan(&spec, &live));
            let at = "2026-11-23T10:00:00Z".parse().unwrap();
            let ends = [End::Failed { class: text(), text: text() }, End::TimedOut, End::Rotated];
            let logins = ["AWSCURRENT", "AWSPENDING", "admin"].map(|who| (who.to_owned(), LoginCheck::Refused));
            let checks = vec![Check { name: text(), finding: text() }];
            let answer = Answer {
                secret_arn: text(),
                version_id: Some(text()),
                outcome: Outcome::Healthy,
                checks,
                logins: logins.into_iter().chain([(text(), LoginCheck::Opens)]).collect(),
            };
            let checked = [
                SelfCheck::Answered(answer),
                SelfCheck::Failed { class: text(), text: text() },
                SelfCheck::Unasked(text()),
            ];
            let labels = |label: &str| vec![label.to_owned(), format!("rotator-base-{}", text()), text()];
            let version = |label| Version { id: text(), labels: labels(label), created: Some(at), has_value: true };
            let health = Health {
                state: Some(["Failed", "Pending"][number % 2].to_owned()),
                state_reason: Some(text()),
                update: Some("Failed".to_owned()),
                update_reason: Some(text()),
                modified: Some(at),
                concurrency: Concurrency::Unread(text()),
            };
            let is_read = number % 2 == 0;
            let evidence = Evidence {
                spec: &spec,
                origin: &text(),
                now: at,
                live: &live,
                desired: &desired,
                plan: &plan,
                unmet: &[Unmet { address: Kind::Secret.into(), key: None, what: text(), fix: text() }],
                function: if is_read { Ok(Some(health)) } else { Err(text()) },
                schedule_stored: Some(at),
                versions: if is_read { Ok(vec![version("AWSCURRENT"), version("AWSPENDING")]) } else { Err(text()) },
                invocations: if is_read { Ok(ends.map(|end| Invocation { at, end }).into()) } else { Err(text()) },
                queue: Queue::Unread(text()),
                self_check: checked[number % checked.len()].clone(),
                resource_policy: if is_read {
                    ResourcePolicy::Document(document())
                } else {
                    ResourcePolicy::Unread(text())
                },
            };
            let findings = examine(&evidence);
            let shown = |palette| render::doctor(&spec, &findings, palette);
            is_safe(&shown(&Palette::plain()), &shown(&Palette::colored()));
            let json = Page::json(&findings);
            is_safe(&json, &json);
        }
    }
}

#[test]
fn no_note_on_the_code_speaks() {
    for spec in specs() {
        let live = hostile(stack::applied(&spec));
        for carried in [None, Some(stack::package())] {
            let code = LiveCode::of(live.function.as_ref().unwrap(), carried);
            let shown = |palette| render::live_code("  function's code  ", &code, palette);
            is_safe(&shown(&Palette::plain()), &shown(&Palette::colored()));
        }
    }
}

#[test]
fn no_word_of_a_file_speaks_in_its_diagnostics() {
    let quoted = serde_json::to_string(&text()).unwrap();
    let raw: String =
        text().chars().filter(|c| !matches!(c, '\n' | '\r' | '\0' | '\u{85}' | '\u{2028}' | '\u{2029}')).collect();
    for content in [
        format!(
            "{quoted}: {quoted}\nname: {quoted}\nregion: {quoted}\ntarget: {quoted}\nschedule: {{expression: {quoted}}}\n"
        ),
        format!("'{}': '{}'\nname: x\n", raw.replace('\'', ""), raw.replace('\'', "")),
        raw,
        text(),
    ] {
        let found = spec::load("any.yaml", &content).unwrap_err();
        for origin in ["any.yaml", &text()] {
            let shown = spec::render(origin, &content, &found, false);
            let other = shown.as_str().chars().find(|c| !is_plain(*c) && *c != '\n');
            assert!(other.is_none(), "{other:?} in {}", shown.as_str());
            let beginning = |line: &str| FORGED.iter().any(|forged| line.starts_with(forged));
            assert!(!shown.as_str().lines().any(beginning), "{}", shown.as_str());
        }
    }
}
