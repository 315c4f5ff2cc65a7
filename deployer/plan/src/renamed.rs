//! Resources of a stack under names that its spec does not say any more.
//!
//! A changed name makes a new resource and leaves the old one as it is: a schedule goes on firing, a secret goes on being
//! read. What is read of a stack shows them, as long as something that is this stack's still names them.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value as Json;

use crate::again::others_schedules;
use crate::desired::Desired;
use crate::doctor::shell_word;
use crate::live::Live;
use crate::plan::foreign_owner;
use crate::policy;
use crate::resource::Kind;
use crate::spec::Spec;

/// A resource that may be this stack's, under another name than the spec's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Renamed {
    /// What it is.
    #[serde(rename = "address")]
    pub kind: Kind,
    /// Its name in AWS.
    pub name: String,
    /// What of the stack names it.
    pub seen: String,
    /// The commands that remove it.
    pub remove: Vec<String>,
}

/// All that is seen under other names, each once.
#[must_use]
pub fn renamed(spec: &Spec, desired: &Desired, live: &Live) -> Vec<Renamed> {
    let mut found: BTreeMap<(Kind, String), String> = BTreeMap::new();
    for (kind, name, seen) in seen(desired, live) {
        if !name.is_empty() && name != desired.name(kind) {
            found.entry((kind, name)).or_insert(seen);
        }
    }
    let told = |((kind, name), seen): ((Kind, String), String)| {
        let remove = removal(spec, desired, kind, &name);
        Renamed { kind, name, seen, remove }
    };
    found.into_iter().map(told).collect()
}

/// Every name that a resource of this stack has for another.
fn seen(desired: &Desired, live: &Live) -> Vec<(Kind, String, String)> {
    let is_ours = |kind: &Kind| live.tags(*kind).is_some() && foreign_owner(desired, live, *kind).is_none();
    Kind::ALL.into_iter().filter(is_ours).flat_map(|kind| named_by(kind, desired, live)).collect()
}

fn named_by(by: Kind, desired: &Desired, live: &Live) -> Vec<(Kind, String, String)> {
    let of = |kind: Kind, name: Option<&str>, seen: &str| name.map(|name| (kind, name.to_owned(), seen.to_owned()));
    let found = match by {
        Kind::ScheduleGroup => others_schedules(desired, live)
            .iter()
            .map(|name| of(Kind::Schedule, Some(name), "it is in the stack's schedule group, and goes on firing"))
            .collect(),
        Kind::Schedule => live.schedule.iter().map(|schedule| &schedule.settings).fold(vec![], |mut all, settings| {
            all.push(of(Kind::Function, function(&settings.target_arn), "the schedule invokes it"));
            all.push(of(Kind::InvokeRole, role(&settings.role_arn), "the schedule invokes as it"));
            all
        }),
        Kind::Rotation => {
            let settings = live.rotation.as_ref().map(|rotation| &rotation.settings);
            let name = settings.and_then(|settings| function(&settings.function_arn));
            vec![of(Kind::Function, name, "the secret's rotation invokes it")]
        }
        Kind::Function => live.function.iter().fold(vec![], |mut all, live| {
            let arn = live.environment.get(contract::env::SECRET_ARN).map(String::as_str);
            all.push(of(Kind::Secret, arn.and_then(secret), "the function rotates it"));
            all.push(of(Kind::ExecutionRole, role(&live.settings.role_arn), "the function runs as it"));
            all
        }),
        Kind::Permission => {
            let statements = live.permission.iter().flat_map(|live| live.statements.values());
            let arns = statements.filter_map(|one| one.pointer("/Condition/ArnLike/AWS:SourceArn")?.as_str());
            arns.map(|arn| of(Kind::Secret, secret(arn), "Secrets Manager may invoke the function for it")).collect()
        }
        Kind::ExecutionRole => live.execution_role.iter().fold(vec![], |mut all, role| {
            let granted = |policy: &str| role.policies.get(policy).map(resources).unwrap_or_default();
            let secrets = granted(policy::SECRET_POLICY);
            let groups = granted(policy::LOGS_POLICY);
            all.extend(secrets.iter().map(|arn| of(Kind::Secret, secret(arn), "the execution role may rotate it")));
            all.extend(
                groups.iter().map(|arn| of(Kind::Function, logging(arn), "the execution role may write its log")),
            );
            all
        }),
        Kind::InvokeRole => live.invoke_role.iter().fold(vec![], |mut all, role| {
            let granted = role.policies.get(policy::INVOKE_POLICY).map(resources).unwrap_or_default();
            all.extend(granted.iter().map(|arn| of(Kind::Function, function(arn), "the invoke role may invoke it")));
            all
        }),
        Kind::Secret | Kind::LogGroup => vec![],
    };
    found.into_iter().flatten().collect()
}

/// What a document's statements are about, where that is spelled out.
fn resources(document: &Json) -> Vec<String> {
    let tidy = policy::tidy(document);
    let statements = tidy["Statement"].as_array().into_iter().flatten();
    let all = statements.flat_map(|statement| statement["Resource"].as_array().into_iter().flatten());
    all.filter_map(|arn| arn.as_str().filter(|arn| !arn.ends_with('*')).map(str::to_owned)).collect()
}

/// The name in a function's ARN, without an alias or a version.
fn function(arn: &str) -> Option<&str> {
    arn.split_once(":function:").map(|(_, name)| name.split(':').next().unwrap_or_default())
}

/// The name of the function whose log group an ARN is of.
fn logging(arn: &str) -> Option<&str> {
    arn.split_once(":log-group:/aws/lambda/").map(|(_, name)| name.split(':').next().unwrap_or_default())
}

/// The name in a role's ARN, without its path.
fn role(arn: &str) -> Option<&str> {
    arn.split_once(":role/").and_then(|(_, path)| path.rsplit('/').next())
}

/// The name in a secret's ARN, or in a pattern of it: without a hyphen and the six characters that follow.
fn secret(arn: &str) -> Option<&str> {
    let name = arn.split_once(":secret:")?.1;
    let (name, suffix) = name.rsplit_once('-')?;
    (suffix.chars().count() == 6).then_some(name)
}

/// The commands that remove a resource, and what was made with it alone.
fn removal(spec: &Spec, desired: &Desired, kind: Kind, name: &str) -> Vec<String> {
    let region = shell_word(&spec.region);
    let plain = |name: &str| shell_word(name);
    let role = |name: &str| {
        let name = plain(name);
        vec![
            format!(
                "for policy in $(aws iam list-role-policies --role-name {name} --query PolicyNames --output text); do aws iam \
                 delete-role-policy --role-name {name} --policy-name \"$policy\"; done"
            ),
            format!("aws iam delete-role --role-name {name}"),
        ]
    };
    match kind {
        Kind::Schedule => {
            let group = plain(&desired.schedule_group.name);
            let schedule = plain(name);
            let delete =
                format!("aws scheduler delete-schedule --region {region} --group-name {group} --name {schedule}");
            // Its role's name follows from its own.
            [vec![delete], role(&format!("{name}-invoke"))].concat()
        }
        Kind::Function | Kind::Permission => vec![
            format!("aws lambda delete-function --region {region} --function-name {}", plain(name)),
            format!(
                "aws logs delete-log-group --region {region} --log-group-name {}",
                plain(&format!("/aws/lambda/{name}"))
            ),
        ],
        Kind::Secret | Kind::Rotation => {
            vec![format!("aws secretsmanager delete-secret --region {region} --secret-id {}", plain(name))]
        }
        Kind::ExecutionRole | Kind::InvokeRole => role(name),
        Kind::LogGroup => vec![format!("aws logs delete-log-group --region {region} --log-group-name {}", plain(name))],
        Kind::ScheduleGroup => {
            vec![format!("aws scheduler delete-schedule-group --region {region} --name {}", plain(name))]
        }
    }
}
