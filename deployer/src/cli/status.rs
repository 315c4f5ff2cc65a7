//! `deploy status`

use contract::Target;
use futures_util::StreamExt as _;
use plan::desired::Desired;
use plan::doctor::{Version, with_empty};
use plan::live::Live;
use plan::ownership::{Owner, owner};
use plan::package::LiveCode;
use plan::render::{self, Page};
use plan::resource::{Kind, rotation};
use plan::resource_policy::{Access, ResourcePolicy};
use plan::spec::{Every, Trigger};
use serde::Serialize;

use super::failure::Failure;
use super::planning::{concurrently, observe};
use super::session::Session;
use super::stacks::{Stack, Warnings};
use super::validate::next_times;
use crate::artifact::{self, Package};
use crate::aws::{Clients, Observer};
use crate::exit::Exit;
use crate::ui::{Interrupt, Ui};

/// Arguments of `status`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    common: super::Common,
    #[command(flatten)]
    calls: super::Calls,
}

/// One stack at one time.
#[derive(Debug, Serialize)]
struct Status {
    stack: String,
    account: String,
    region: String,
    resources: Vec<Resource>,
    /// What the function runs, where it is there and the stack's.
    code: Option<LiveCode>,
    /// Why it is not known what the next apply would put there.
    #[serde(skip_serializing_if = "Option::is_none")]
    no_package: Option<String>,
    /// Staging labels and ages of the secret's versions.
    versions: Vec<VersionStatus>,
    /// What the password opens, as the spec says.
    target: &'static str,
    /// Who starts a rotation, as the spec says.
    trigger: &'static str,
    schedule: Option<ScheduleStatus>,
    rotation: Option<RotationStatus>,
    /// The next times that the schedule fires.
    next: Vec<String>,
    /// What the secret's resource policy says of each principal, those outside of the account first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    access: Vec<Access>,
    /// Why the resource policy could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    no_resource_policy: Option<String>,
}

#[derive(Debug, Serialize)]
struct Resource {
    address: Kind,
    name: String,
    state: String,
}

#[derive(Debug, Serialize)]
struct VersionStatus {
    id: String,
    labels: Vec<String>,
    created: Option<jiff::Timestamp>,
    age_seconds: Option<i64>,
    /// Whether it has one: a rotation of Secrets Manager's own may leave a version without.
    has_value: bool,
}

#[derive(Debug, Serialize)]
struct ScheduleStatus {
    expression: String,
    timezone: String,
    enabled: bool,
}

/// The secret's own rules, where they are in force.
#[derive(Debug, Serialize)]
struct RotationStatus {
    function: String,
    every_days: Option<u16>,
    expression: Option<String>,
    duration: Option<String>,
    last: Option<String>,
    next: Option<String>,
}

/// Shows each stack.
pub async fn run(args: Args, ui: Ui) -> Exit {
    let (mut session, stacks) = Session::begin(&args.common, Warnings::Untold, ui);
    let interrupt = Interrupt::listen(ui);
    let (environment, _) = args.calls.environment().await;
    let work = |stack: Stack| async { (stack.spec.name.clone(), look(&environment, stack).await) };
    let mut results = Box::pin(concurrently(stacks, work));
    while let Some(Some((stack, result))) = interrupt.reading(results.next()).await {
        match result {
            Ok(status) => {
                if session.is_text() {
                    ui.print(&text(&status, ui));
                }
                session.done(&stack, status);
            }
            Err(failure) => session.failed(&stack, &failure),
        }
    }
    session.end(&interrupt)
}

async fn look(environment: &aws_config::SdkConfig, mut stack: Stack) -> Result<Status, Failure> {
    let clients = Clients::new(environment, &stack.spec.region);
    let observer = Observer::new(clients.clone());
    let (observed, versions) = tokio::join!(observe(&observer, &stack), clients.versions(&stack.spec.secret.name));
    let observed = observed?;
    observed.name_what_is_left(&mut stack.spec);
    let desired = Desired::of(&stack.spec, &observed.facts(None));
    let access = observed.resource_policy.access(&stack.spec.account);
    let no_resource_policy = match observed.resource_policy {
        ResourcePolicy::None | ResourcePolicy::Document(_) => None,
        ResourcePolicy::Unread(why) => Some(why),
    };
    let live = observed.live;
    let package = artifact::for_spec(&stack.spec, &stack.folder);
    let kind = Some(Kind::Secret);
    let versions = versions.map_err(|error| Failure::Read(vec![crate::engine::ReadError { kind, error }]))?;
    let labels = live.secret.as_ref().map(|secret| secret.versions.clone()).unwrap_or_default();
    let versions = with_empty(versions, &labels);
    let now = jiff::Timestamp::now();
    let next = next_times(&stack, now, 3);
    let schedule = live.schedule.as_ref().map(|schedule| ScheduleStatus {
        expression: schedule.settings.expression.clone(),
        timezone: schedule.settings.timezone.clone(),
        enabled: schedule.settings.enabled,
    });
    let (target, trigger) = (target(&stack.spec.target), trigger(&stack.spec.trigger));
    let shown = |kind: &Kind| {
        kind.is_wanted(&stack.spec.trigger) || (live.attributes(*kind).is_some() && is_ours(&desired, &live, *kind))
    };
    let fires = schedule.as_ref().is_some_and(|schedule| schedule.enabled);
    let function = live.function.as_ref().filter(|_| is_ours(&desired, &live, Kind::Function));
    Ok(Status {
        code: function.map(|function| LiveCode::of(function, package.as_ref().ok().map(Package::planned))),
        no_package: package.err().map(|error| error.to_string()),
        resources: Kind::ALL.into_iter().filter(shown).map(|kind| resource(&desired, &live, kind)).collect(),
        versions: versions.iter().map(|version| version_status(version, now)).collect(),
        next: if fires {
            next.iter().map(|time| time.strftime("%Y-%m-%d %H:%M %Z").to_string()).collect()
        } else {
            vec![]
        },
        schedule,
        rotation: live.rotation.as_ref().map(rotation_status),
        target,
        trigger,
        access,
        no_resource_policy,
        stack: stack.spec.name,
        account: stack.spec.account,
        region: stack.spec.region,
    })
}

fn target(target: &Target) -> &'static str {
    match target {
        Target::None => "none",
        Target::Postgres(_) => "postgres",
        Target::Mysql(_) => "mysql",
        Target::Redis(_) => "redis",
    }
}

fn trigger(trigger: &Trigger) -> &'static str {
    match trigger {
        Trigger::Schedule => "schedule",
        Trigger::Managed(_) => "managed",
    }
}

fn rotation_status(live: &rotation::Live) -> RotationStatus {
    let rotation::Live { settings, last, next } = live.clone();
    let (every_days, expression) = match settings.every {
        Some(Every::Days(days)) => (Some(days), None),
        Some(Every::Expression(expression)) => (None, Some(expression)),
        None => (None, None),
    };
    RotationStatus { function: settings.function_arn, every_days, expression, duration: settings.duration, last, next }
}

fn is_ours(desired: &Desired, live: &Live, kind: Kind) -> bool {
    live.tags(kind).is_none_or(|tags| owner(desired.tags(kind), tags) == Owner::Us)
}

fn resource(desired: &Desired, live: &Live, kind: Kind) -> Resource {
    let state = match live.attributes(kind) {
        None => "absent".to_owned(),
        Some(_) if !is_ours(desired, live, kind) => "foreign".to_owned(),
        Some(_) => detail(live, kind),
    };
    Resource { address: kind, name: desired.name(kind).to_owned(), state }
}

fn detail(live: &Live, kind: Kind) -> String {
    match kind {
        Kind::Secret => match live.secret.as_ref().and_then(|secret| secret.deleted.as_ref()) {
            Some(date) => format!("scheduled for deletion ({date})"),
            None => "present".to_owned(),
        },
        Kind::Function => live.function.as_ref().and_then(|f| f.state.clone()).unwrap_or_default().to_lowercase(),
        Kind::ScheduleGroup if live.schedule_group.as_ref().is_some_and(|group| group.deleting) => {
            "deleting".to_owned()
        }
        Kind::Schedule => {
            let enabled = live.schedule.as_ref().is_some_and(|schedule| schedule.settings.enabled);
            if enabled { "enabled".to_owned() } else { "disabled".to_owned() }
        }
        _ => "present".to_owned(),
    }
}

fn version_status(version: &Version, now: jiff::Timestamp) -> VersionStatus {
    VersionStatus {
        id: version.id.clone(),
        labels: version.labels.clone(),
        created: version.created,
        age_seconds: version.created.map(|created| now.duration_since(created).as_secs()),
        has_value: version.has_value,
    }
}

fn text(status: &Status, ui: Ui) -> Page {
    let (strong, faint, good, attention, bad) =
        (ui.out.strong(), ui.out.faint(), ui.out.good(), ui.out.attention(), ui.out.bad());
    let place = format!("account {}, {}", status.account, status.region);
    let mut text = Page::new();
    let _ = writeln!(text, "{strong}{}{strong:#}  {faint}{place}{faint:#}", status.stack);
    text.blank();
    for Resource { address, name, state } in &status.resources {
        let style = match state.as_str() {
            "present" | "active" | "enabled" => good,
            "foreign" | "failed" => bad,
            _ => attention,
        };
        let _ = writeln!(text, "  {address:<14}  {name:<36}  {style}{state}{style:#}");
    }
    text.blank();
    let current = status.versions.iter().find(|version| version.labels.iter().any(|label| label == "AWSCURRENT"));
    match current {
        Some(version) => {
            let age = version.age_seconds.map(age).unwrap_or_default();
            let _ = writeln!(text, "  current version  {}  {faint}made {age} ago{faint:#}", version.id);
        }
        None => {
            let _ = writeln!(text, "  current version  {attention}none{attention:#}");
        }
    }
    if let Some(version) = status.versions.iter().find(|version| is_stuck(version)) {
        let empty = if version.has_value { "" } else { " and made no value" };
        let _ = writeln!(
            text,
            "  {attention}pending version  {}: a rotation has not ended{empty}{attention:#}",
            version.id
        );
    }
    if let Some(code) = &status.code {
        text.extend(&render::live_code("  function's code  ", code, &ui.out));
    }
    if let Some(why) = &status.no_package {
        let _ = writeln!(text, "  {attention}what the next apply would put there is not known: {why}{attention:#}");
    }
    if let Some(schedule) = &status.schedule {
        let next = status.next.first().map_or_else(|| "never".to_owned(), Clone::clone);
        let _ =
            writeln!(text, "  next rotation    {next}  {faint}{} {}{faint:#}", schedule.expression, schedule.timezone);
    }
    if let Some(rotation) = &status.rotation {
        let time = |time: &Option<String>| time.clone().unwrap_or_else(|| "not known".to_owned());
        let every = rotation.every_days.map(|days| format!("every {days} days"));
        let every = every.or_else(|| rotation.expression.clone()).unwrap_or_default();
        let _ = writeln!(text, "  last rotation    {}  {faint}by Secrets Manager{faint:#}", time(&rotation.last));
        let _ = writeln!(text, "  next rotation    {} at the latest  {faint}{every}{faint:#}", time(&rotation.next));
    }
    let mut label = "resource policy";
    for one in &status.access {
        let style = if one.is_exposure() { bad } else { attention };
        let _ = writeln!(text, "  {label:<15}  {style}{one}{style:#}");
        label = "";
    }
    for line in status.no_resource_policy.iter().flat_map(|why| why.lines()) {
        let _ = writeln!(text, "  {label:<15}  {attention}{line}{attention:#}");
        label = "";
    }
    if status.target != "none" {
        let _ = writeln!(text, "  target           {}", status.target);
    }
    text
}

fn is_stuck(version: &VersionStatus) -> bool {
    let has = |label: &str| version.labels.iter().any(|own| own == label);
    has("AWSPENDING") && !has("AWSCURRENT")
}

/// An age in its largest unit.
fn age(seconds: i64) -> String {
    match seconds {
        s if s < 120 => format!("{s} s"),
        s if s < 7_200 => format!("{} min", s / 60),
        s if s < 172_800 => format!("{} h", s / 3600),
        s => format!("{} days", s / 86_400),
    }
}
