//! The walk-through's own stack: its spec, what it should be, and an account in which it is so.
#![allow(dead_code, reason = "each test binary takes what it needs")]

use std::collections::BTreeSet;

use plan::desired::{Desired, Facts};
use plan::live::Live;
use plan::ownership::{ROLE_ID_TAG, Tags};
use plan::package::{Origin, Package};
use plan::plan::Plan;
use plan::resource::{Kind, function, log_group, permission, role, rotation, schedule, schedule_group, secret};
use plan::spec::{self, Spec};

/// The walk-through's file.
pub const WALK_THROUGH: &str = include_str!("../../../../config/myapp.yaml");
/// The version of the deployer that plans.
pub const VERSION: &str = "1.2.3";
/// The hash of the package that all specs here are planned with.
pub const CODE: &str = "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=";
/// The execution role's id.
pub const ROLE_ID: &str = "AROAEXECUTION";
/// The secret's ARN.
pub const SECRET_ARN: &str = "arn:aws:secretsmanager:us-east-1:123456789012:secret:MyApp/DBPassword-AbCdEf";

/// The walk-through's spec.
pub fn spec() -> Spec {
    edited(|text| text)
}

/// The walk-through's spec with something changed in its text.
pub fn edited(edit: impl FnOnce(String) -> String) -> Spec {
    let text = edit(WALK_THROUGH.to_owned());
    spec::load("myapp.yaml", &text).unwrap_or_else(|faults| panic!("{faults:#?}")).spec
}

/// The walk-through's spec with one part of its text replaced.
pub fn with(from: &str, to: &str) -> Spec {
    edited(|text| {
        assert!(text.contains(from), "the walk-through has no {from:?}");
        text.replace(from, to)
    })
}

/// The walk-through's spec, with Secrets Manager to start the rotation.
pub fn managed() -> Spec {
    managed_by("{every_days: 30}")
}

/// The same with other rules.
pub fn managed_by(rules: &str) -> Spec {
    edited(|text| {
        let (before, rest) = text.split_once("schedule:\n").unwrap();
        let (_, after) = rest.split_once("\n\n").unwrap();
        format!("{before}trigger: {{managed: {rules}}}\n\n{after}")
    })
}

/// The kinds that a spec wants.
pub fn kinds(spec: &Spec) -> Vec<Kind> {
    Kind::ALL.into_iter().filter(|kind| kind.is_wanted(&spec.trigger)).collect()
}

/// What `spec` asks for, seen from an account where `live` is.
pub fn desired(spec: &Spec, live: &Live) -> Desired {
    Desired::of(spec, &facts()).resolved(live)
}

/// What planning knows besides.
pub fn facts() -> Facts {
    Facts { package: Some(package()), kms_key_arn: None, admin_key_arn: None, queue_key_arn: None }
}

/// The package that all specs here are planned with.
pub fn package() -> Package {
    Package { deployer: VERSION.to_owned(), code_sha256: CODE.to_owned(), origin: Origin::Embedded }
}

/// What apply would do.
pub fn plan(spec: &Spec, live: &Live) -> Plan {
    plan_adopting(spec, live, &[])
}

/// What apply would do with `--adopt`.
pub fn plan_adopting(spec: &Spec, live: &Live, adopt: &[Kind]) -> Plan {
    plan::plan::apply(spec, &desired(spec, live), live, &adopt.iter().copied().collect::<BTreeSet<_>>())
}

/// An account in which all is as `spec` says, after an apply of it.
pub fn applied(spec: &Spec) -> Live {
    let mut desired = Desired::of(spec, &facts());
    desired.set_secret_arn(Some(SECRET_ARN.to_owned()));
    let noted = |kind: Kind| -> Tags {
        let mut tags = desired.tags(kind).clone();
        tags.extend(desired.applied_tags(kind));
        tags
    };
    let role = |wanted: &role::Desired, id: &str, kind| role::Live {
        arn: wanted.arn.clone(),
        id: id.to_owned(),
        path: wanted.path.clone(),
        description: wanted.description.clone(),
        trust: wanted.trust.clone(),
        boundary: wanted.boundary.clone(),
        policies: wanted.policies.clone(),
        attached: BTreeSet::new(),
        tags: noted(kind),
    };
    let mut function_tags = noted(Kind::Function);
    function_tags.extend(package().notes());
    function_tags.insert(ROLE_ID_TAG.to_owned(), ROLE_ID.to_owned());
    let mut environment = desired.function.environment.clone();
    environment.insert(contract::env::SECRET_ARN.to_owned(), SECRET_ARN.to_owned());
    let all = Live {
        secret: Some(secret::Live {
            arn: SECRET_ARN.to_owned(),
            description: desired.secret.description.clone(),
            kms_key_arn: None,
            tags: noted(Kind::Secret),
            deleted: None,
            changed: None,
            replicas: vec![],
            primary_region: None,
            owning_service: None,
            versions: [("v1".to_owned(), vec!["AWSCURRENT".to_owned()])].into(),
        }),
        execution_role: Some(role(&desired.execution_role, ROLE_ID, Kind::ExecutionRole)),
        log_group: Some(log_group::Live {
            retention_days: Some(desired.log_group.retention_days),
            retention_policy: None,
            is_protected: false,
            tags: noted(Kind::LogGroup),
        }),
        function: Some(function::Live {
            settings: desired.function.settings.clone(),
            environment,
            async_invoke: Some(desired.function.async_invoke),
            layers: vec![],
            unset: function::Unset::default(),
            tags: function_tags,
            revision_id: Some("revision-1".to_owned()),
            state: Some("Active".to_owned()),
            last_update: Some("Successful".to_owned()),
        }),
        schedule_group: Some(schedule_group::Live { deleting: false, tags: noted(Kind::ScheduleGroup) }),
        invoke_role: Some(role(&desired.invoke_role, "AROAINVOKE", Kind::InvokeRole)),
        schedule: Some(schedule::Live {
            settings: desired.schedule.settings.clone(),
            start_date: None,
            end_date: None,
            after_completion: None,
            kms_key_arn: None,
        }),
        permission: desired.permission.statement().map(|one| permission::Live { statements: [one].into() }),
        rotation: desired.rotation.settings.clone().map(|settings| rotation::Live { settings, last: None, next: None }),
        schedules_in_group: vec![desired.schedule.name.clone()],
    };
    let unwanted = Kind::ALL.into_iter().filter(|kind| !kind.is_wanted(&spec.trigger));
    let mut live = unwanted.fold(all, without);
    if live.schedule_group.is_none() {
        live.schedules_in_group.clear();
    }
    live
}

/// The same account without one resource.
pub fn without(mut live: Live, kind: Kind) -> Live {
    match kind {
        Kind::Secret => live.secret = None,
        Kind::ExecutionRole => live.execution_role = None,
        Kind::LogGroup => live.log_group = None,
        Kind::Function => live.function = None,
        Kind::ScheduleGroup => live.schedule_group = None,
        Kind::InvokeRole => live.invoke_role = None,
        Kind::Schedule => live.schedule = None,
        Kind::Permission => live.permission = None,
        Kind::Rotation => live.rotation = None,
    }
    live
}

/// A resource's tags, or those through which it is owned.
pub fn tags_mut(live: &mut Live, kind: Kind) -> &mut Tags {
    let tags = match kind {
        Kind::Secret | Kind::Rotation => live.secret.as_mut().map(|it| &mut it.tags),
        Kind::ExecutionRole => live.execution_role.as_mut().map(|it| &mut it.tags),
        Kind::LogGroup => live.log_group.as_mut().map(|it| &mut it.tags),
        Kind::Function | Kind::Permission => live.function.as_mut().map(|it| &mut it.tags),
        Kind::ScheduleGroup | Kind::Schedule => live.schedule_group.as_mut().map(|it| &mut it.tags),
        Kind::InvokeRole => live.invoke_role.as_mut().map(|it| &mut it.tags),
    };
    tags.unwrap()
}
