//! `deploy status`

use std::fmt::Write as _;

use futures_util::StreamExt as _;
use plan::live::Live;
use plan::naming::Names;
use plan::ownership::{Owner, owner, tags};
use plan::resource::Kind;
use serde::Serialize;

use super::failure::Failure;
use super::planning::{concurrently, observe};
use super::session::Session;
use super::stacks::{Stack, Warnings};
use super::validate::next_times;
use crate::aws::{self, Clients, Observer, Version};
use crate::exit::Exit;
use crate::ui::{Interrupt, Ui};

/// Arguments of `status`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    common: super::Common,
}

/// One stack at one time.
#[derive(Debug, Serialize)]
struct Status {
    stack: String,
    account: String,
    region: String,
    resources: Vec<Resource>,
    /// Staging labels and ages of the secret's versions.
    versions: Vec<VersionStatus>,
    schedule: Option<ScheduleStatus>,
    /// The next times that the schedule fires.
    next: Vec<String>,
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
}

#[derive(Debug, Serialize)]
struct ScheduleStatus {
    expression: String,
    timezone: String,
    enabled: bool,
}

/// Shows each stack.
pub async fn run(args: Args, ui: Ui) -> Exit {
    let _interrupt = Interrupt::listen(ui);
    let (mut session, stacks) = Session::begin(&args.common, Warnings::Untold, ui);
    let environment = aws::environment().await;
    let work = |stack: Stack| async { (stack.spec.name.clone(), look(&environment, stack).await) };
    let mut results = Box::pin(concurrently(stacks, work));
    while let Some((stack, result)) = results.next().await {
        match result {
            Ok(status) => {
                if session.is_text() {
                    ui.print(&text(&status, ui));
                }
                session.done(status);
            }
            Err(failure) => session.failed(&stack, &failure),
        }
    }
    session.end()
}

async fn look(environment: &aws_config::SdkConfig, stack: Stack) -> Result<Status, Failure> {
    let clients = Clients::new(environment, &stack.spec.region);
    let observer = Observer::new(clients.clone());
    let (observed, versions) = tokio::join!(observe(&observer, &stack), clients.versions(&stack.spec.secret.name));
    let live = observed?.live;
    let kind = Some(Kind::Secret);
    let versions = versions.map_err(|error| Failure::Read(vec![crate::engine::ReadError { kind, error }]))?;
    let now = jiff::Timestamp::now();
    let next = next_times(&stack, now, 3);
    let schedule = live.schedule.as_ref().map(|schedule| ScheduleStatus {
        expression: schedule.settings.expression.clone(),
        timezone: schedule.settings.timezone.clone(),
        enabled: schedule.settings.enabled,
    });
    let fires = schedule.as_ref().is_some_and(|schedule| schedule.enabled);
    Ok(Status {
        resources: Kind::ALL.map(|kind| resource(&stack, &live, kind)).into(),
        versions: versions.iter().map(|version| version_status(version, now)).collect(),
        next: if fires {
            next.iter().map(|time| time.strftime("%Y-%m-%d %H:%M %Z").to_string()).collect()
        } else {
            vec![]
        },
        schedule,
        stack: stack.spec.name,
        account: stack.spec.account,
        region: stack.spec.region,
    })
}

fn resource(stack: &Stack, live: &Live, kind: Kind) -> Resource {
    let spec = &stack.spec;
    let names = Names::of(spec);
    let name = match kind {
        Kind::Secret => spec.secret.name.clone(),
        Kind::ExecutionRole => spec.role.name.clone(),
        Kind::LogGroup => names.log_group(),
        Kind::Function => spec.function.name.clone(),
        Kind::ScheduleGroup => names.schedule_group().to_owned(),
        Kind::InvokeRole => names.invoke_role(),
        Kind::Schedule => spec.schedule.name.clone(),
    };
    let ours = tags(spec);
    let state = match (live.attributes(kind), live.tags(kind)) {
        (None, _) => "absent".to_owned(),
        (Some(_), Some(live_tags)) if owner(&ours, live_tags) != Owner::Us => "foreign".to_owned(),
        (Some(_), _) => detail(live, kind),
    };
    Resource { address: kind, name, state }
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
    }
}

fn text(status: &Status, ui: Ui) -> String {
    let (strong, faint, good, attention, bad) =
        (ui.out.strong(), ui.out.faint(), ui.out.good(), ui.out.attention(), ui.out.bad());
    let place = format!("account {}, {}", status.account, status.region);
    let mut text = format!("{strong}{}{strong:#}  {faint}{place}{faint:#}\n\n", status.stack);
    for Resource { address, name, state } in &status.resources {
        let style = match state.as_str() {
            "present" | "active" | "enabled" => good,
            "foreign" | "failed" => bad,
            _ => attention,
        };
        let _ = writeln!(text, "  {address:<14}  {name:<36}  {style}{state}{style:#}");
    }
    text.push('\n');
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
        let _ = writeln!(text, "  {attention}pending version  {}: a rotation has not ended{attention:#}", version.id);
    }
    if let Some(schedule) = &status.schedule {
        let next = status.next.first().map_or_else(|| "never".to_owned(), Clone::clone);
        let _ =
            writeln!(text, "  next rotation    {next}  {faint}{} {}{faint:#}", schedule.expression, schedule.timezone);
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
