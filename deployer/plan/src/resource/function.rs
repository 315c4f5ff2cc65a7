//! The function.

mod unset;

use std::collections::{BTreeMap, BTreeSet};

use contract::{Config, env};
use serde_json::json;

use crate::attribute::{Attribute, Attributes, Change, Effect, Value};
use crate::naming::Names;
use crate::ownership::{ROLE_ID_TAG, Tags, comparable, tags};
use crate::package::Package;
use crate::spec::{Spec, Vpc};

pub use unset::Unset;

/// Lambda's OS-only runtime on Amazon Linux 2023.
pub const RUNTIME: &str = "provided.al2023";
/// The executable that the runtime starts.
pub const HANDLER: &str = "bootstrap";

/// Lambda's own retries of asynchronous invocations, at most.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html>
const MAX_ASYNC_RETRIES: u32 = 2;
/// Seconds that Lambda keeps an asynchronous invocation, at least and at most.
const ASYNC_AGE_SECONDS: (u32, u32) = (60, 21_600);

/// Not a setting, and yet in the way of all that needs the function.
const LAST_UPDATE: &str = "last_update";

/// What is set on a function, desired or live.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Free text.
    pub description: String,
    /// Runtime.
    pub runtime: String,
    /// Handler.
    pub handler: String,
    /// Instruction set, in AWS's spelling.
    pub architecture: String,
    /// MB.
    pub memory: u32,
    /// Seconds.
    pub timeout: u32,
    /// ARN of the execution role.
    pub role_arn: String,
    /// Base64 of the zip's SHA-256.
    pub code_sha256: String,
    /// The network that it is attached to; `None` is Lambda's own.
    pub vpc: Option<Vpc>,
}

/// How often and how long Lambda tries an asynchronous invocation again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AsyncInvoke {
    /// Retries, 0 to 2.
    pub retries: u32,
    /// Seconds, 60 to 21600.
    pub max_age_seconds: u32,
}

/// What the function should be.
#[derive(Debug, Clone, PartialEq)]
pub struct Desired {
    /// Name.
    pub name: String,
    /// ARN.
    pub arn: String,
    /// All that is set.
    pub settings: Settings,
    /// The package whose code it should run; `None` where none is needed.
    pub package: Option<Package>,
    /// Environment, but for the secret's ARN.
    pub environment: BTreeMap<String, String>,
    /// The secret's ARN; `None` until the secret exists.
    pub secret_arn: Option<String>,
    /// The execution role's id; `None` until the role exists.
    pub role_id: Option<String>,
    /// Asynchronous invocation.
    pub async_invoke: AsyncInvoke,
    /// Tags.
    pub tags: Tags,
}

/// What the function is.
#[derive(Debug, Clone, PartialEq)]
pub struct Live {
    /// All that is set.
    pub settings: Settings,
    /// Environment.
    pub environment: BTreeMap<String, String>,
    /// Asynchronous invocation; `None` is Lambda's default.
    pub async_invoke: Option<AsyncInvoke>,
    /// ARNs of layers: others' code, which runs with the function's rights. The deployer sets none.
    pub layers: Vec<String>,
    /// What the deployer leaves unset, and somebody has set.
    pub unset: Unset,
    /// Tags.
    pub tags: Tags,
    /// Changes with every change of the function, and once more when that ends: so it is known only while none is in progress.
    pub revision_id: Option<String>,
    /// `Active`, `Pending`, `Inactive`, `Failed`
    pub state: Option<String>,
    /// `Successful`, `InProgress`, `Failed`
    pub last_update: Option<String>,
}

/// The function that a spec asks for, with that package.
#[must_use]
pub fn desired(spec: &Spec, package: Option<&Package>) -> Desired {
    let names = Names::of(spec);
    let (youngest, oldest) = ASYNC_AGE_SECONDS;
    let retry = &spec.schedule.retry;
    Desired {
        name: spec.function.name.clone(),
        arn: names.function_arn(),
        settings: Settings {
            description: names.description(),
            runtime: RUNTIME.to_owned(),
            handler: HANDLER.to_owned(),
            architecture: spec.function.architecture.as_str().to_owned(),
            memory: spec.function.memory,
            timeout: spec.function.timeout,
            role_arn: names.execution_role_arn(),
            code_sha256: package.map(|package| package.code_sha256.clone()).unwrap_or_default(),
            vpc: spec.function.vpc.clone(),
        },
        package: package.cloned(),
        environment: Config::static_env(
            spec.secret.field.as_deref(),
            &spec.password,
            &spec.target,
            names.schedule_arn().as_deref(),
            &spec.secret.derived,
        ),
        secret_arn: None,
        role_id: None,
        async_invoke: AsyncInvoke {
            retries: retry.attempts.min(MAX_ASYNC_RETRIES),
            max_age_seconds: (retry.max_age_minutes * 60).clamp(youngest, oldest),
        },
        tags: tags(spec),
    }
}

impl Settings {
    fn attributes(&self) -> Attributes {
        let Self { description, runtime, handler, architecture, memory, timeout, role_arn, code_sha256, vpc } = self;
        let ids = |of: fn(&Vpc) -> &BTreeSet<String>| vpc.as_ref().map(|vpc| json!(of(vpc)));
        Attributes::new()
            .with_optional("description", (!description.is_empty()).then_some(description.as_str()))
            .with("runtime", runtime.as_str())
            .with("handler", handler.as_str())
            .with("architecture", architecture.as_str())
            .with("memory", *memory)
            .with("timeout", *timeout)
            .with("role", role_arn.as_str())
            .with("code_sha256", code_sha256.as_str())
            .with_optional("vpc.subnets", ids(|vpc| &vpc.subnets))
            .with_optional("vpc.security_groups", ids(|vpc| &vpc.security_groups))
    }
}

impl Desired {
    /// As attributes.
    #[must_use]
    pub fn attributes(&self) -> Attributes {
        let Self { name: _, arn: _, settings, package: _, environment, secret_arn, role_id, async_invoke, tags } = self;
        let secret_arn = secret_arn.clone().map_or(Value::AfterApply, |arn| Value::Known(arn.into()));
        settings
            .attributes()
            .with_late("role_id", role_id.as_deref())
            .with_entry("environment", env::SECRET_ARN, secret_arn)
            .with_map("environment", environment)
            .with("async_retries", async_invoke.retries)
            .with("async_max_age_seconds", async_invoke.max_age_seconds)
            .with_map("tags", &comparable(tags))
    }

    /// The whole environment, once the secret's ARN is known.
    #[must_use]
    pub fn full_environment(&self) -> BTreeMap<String, String> {
        let arn = self.secret_arn.iter().map(|arn| (env::SECRET_ARN.to_owned(), arn.clone()));
        self.environment.clone().into_iter().chain(arn).collect()
    }
}

impl Live {
    /// What is to be waited for, where it is still being made or changed; or to be done again, where that failed.
    #[must_use]
    pub fn waiting(&self) -> Option<Change> {
        let change = |name, before: &str, after: &str| Change {
            attribute: Attribute { name, key: None },
            before: Some(Value::Known(before.into())),
            after: Some(Value::Known(after.into())),
            effect: Effect::InPlace,
        };
        match (self.state.as_deref(), self.last_update.as_deref()) {
            (Some("Pending"), _) => Some(change("state", "Pending", "Active")),
            (_, Some(status @ ("InProgress" | "Failed"))) => Some(change(LAST_UPDATE, status, "Successful")),
            _ => None,
        }
    }

    /// Whether a change is that of an update that failed, and is to be done again.
    #[must_use]
    pub fn is_failed_update(change: &Change) -> bool {
        change.attribute.name == LAST_UPDATE && change.before == Some(Value::Known("Failed".into()))
    }

    /// As attributes.
    #[must_use]
    pub fn attributes(&self) -> Attributes {
        let Self { settings, environment, async_invoke, layers, unset, tags, revision_id: _, state, last_update: _ } =
            self;
        let attributes = unset.add_to(settings.attributes());
        // One that failed never comes right.
        let attributes = match state.as_deref() {
            Some("Failed") => attributes.with_fixed("state", "Failed"),
            _ => attributes,
        };
        let attributes =
            layers.iter().fold(attributes, |all, arn| all.with_entry("layer", arn, Value::Known(true.into())));
        // A function can't be given the same role again: only a new one gets new grants for it.
        let attributes = match tags.get(ROLE_ID_TAG) {
            Some(id) => attributes.with_fixed("role_id", id.as_str()),
            None => attributes,
        };
        attributes
            .with_map("environment", environment)
            .with_optional("async_retries", async_invoke.map(|a| a.retries))
            .with_optional("async_max_age_seconds", async_invoke.map(|a| a.max_age_seconds))
            .with_map("tags", &comparable(tags))
    }
}
