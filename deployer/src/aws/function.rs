//! Lambda: the function.

mod ready;
mod unset;

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_lambda::operation::get_function::GetFunctionOutput;
use aws_sdk_lambda::operation::get_function_event_invoke_config::GetFunctionEventInvokeConfigOutput;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{
    Architecture, Environment, FunctionCode, FunctionConfiguration, Runtime, VpcConfig, VpcConfigResponse,
};
use plan::attribute::Change;
use plan::ownership::{ROLE_ID_TAG, Tags};
use plan::package::Package;
use plan::resource::function::{AsyncInvoke, Desired, Live, Settings};
use plan::resource::role;
use plan::spec::Vpc;

pub use self::ready::{settle, settle_if_there, why_not_yet};

use self::ready::{is_settled, ready};
use super::client::Clients;
use super::error::{Class, Error, Result, failed, gone, optional};
use super::retry::{Wait, settled};
use super::role::propagated;
use super::tags;

/// What Lambda says of a role that it can't assume or use (yet).
const ROLE_NOT_READY: &[&str] = &[
    "cannot be assumed by Lambda",
    "execution role does not have permissions",
    "is invalid for CreateGrant",
    "cannot be found. (Service: IAM",
];

/// Lambda's own settings of asynchronous invocation where none are set.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html>
const DEFAULT_ASYNC: AsyncInvoke = AsyncInvoke { retries: 2, max_age_seconds: 21_600 };

/// The attributes of the network.
const NETWORK: &[&str] = &["vpc.subnets", "vpc.security_groups", "vpc.ipv6"];
/// The attributes that `UpdateFunctionConfiguration` sets besides.
const CONFIGURATION: &[&str] =
    &["description", "runtime", "handler", "memory", "timeout", "role", "environment", LAYER];
/// The attribute of a layer, which is always somebody else's.
const LAYER: &str = "layer";
/// The attributes that `UpdateFunctionCode` sets.
const CODE: &[&str] = &["code_sha256", "architecture", unset::CODE_KEY];
/// The attributes that `PutFunctionEventInvokeConfig` sets.
const ASYNC: &[&str] = &["async_retries", "async_max_age_seconds"];

/// Reads the function.
pub async fn observe(clients: &Clients, name: &str) -> Result<Option<Live>> {
    let function = clients.lambda.get_function().function_name(name).send();
    let invoke = clients.lambda.get_function_event_invoke_config().function_name(name).send();
    let (function, invoke) = tokio::join!(function, invoke);
    let Some(function) = optional(function.map_err(failed("lambda:GetFunction")))? else { return Ok(None) };
    // GetFunction succeeds without the tags where they may not be read; taken for none, ours would look foreign.
    if let Some(refusal) = function.tags_error() {
        return Err(Error::denied("lambda:ListTags", refusal.error_code(), refusal.message()));
    }
    let invoke = optional(invoke.map_err(failed("lambda:GetFunctionEventInvokeConfig")))?;
    Ok(Some(live(name, &function, invoke.as_ref())))
}

fn count(value: Option<i32>, default: u32) -> u32 {
    value.and_then(|value| u32::try_from(value).ok()).unwrap_or(default)
}

fn live(name: &str, function: &GetFunctionOutput, invoke: Option<&GetFunctionEventInvokeConfigOutput>) -> Live {
    let async_invoke = invoke.map(|config| AsyncInvoke {
        retries: count(config.maximum_retry_attempts(), DEFAULT_ASYNC.retries),
        max_age_seconds: count(config.maximum_event_age_in_seconds(), DEFAULT_ASYNC.max_age_seconds),
    });
    let empty = FunctionConfiguration::builder().build();
    let config = function.configuration().unwrap_or(&empty);
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let variables = config.environment().and_then(|environment| environment.variables()).cloned().unwrap_or_default();
    Live {
        settings: Settings {
            description: text(config.description()),
            runtime: text(config.runtime().map(Runtime::as_str)),
            handler: text(config.handler()),
            architecture: text(config.architectures().first().map(Architecture::as_str)),
            memory: count(config.memory_size(), 0),
            timeout: count(config.timeout(), 0),
            role_arn: text(config.role()),
            code_sha256: text(config.code_sha256()),
            vpc: config.vpc_config().and_then(network),
        },
        environment: variables.into_iter().collect(),
        async_invoke,
        unset: unset::read(name, config, function, invoke),
        layers: config.layers().iter().filter_map(|layer| layer.arn().map(str::to_owned)).collect(),
        tags: function.tags().cloned().unwrap_or_default().into_iter().collect(),
        revision_id: config.revision_id().filter(|_| is_settled(config)).map(str::to_owned),
        state: config.state().map(|state| state.as_str().to_owned()),
        last_update: config.last_update_status().map(|status| status.as_str().to_owned()),
    }
}

/// A function without a network has empty lists.
fn network(config: &VpcConfigResponse) -> Option<Vpc> {
    let set = |ids: &[String]| ids.iter().cloned().collect::<BTreeSet<_>>();
    let vpc = Vpc { subnets: set(config.subnet_ids()), security_groups: set(config.security_group_ids()) };
    (!vpc.subnets.is_empty() || !vpc.security_groups.is_empty()).then_some(vpc)
}

/// Empty lists take the function off its network.
fn vpc_config(vpc: Option<&Vpc>) -> VpcConfig {
    let list = |of: fn(&Vpc) -> &BTreeSet<String>| vpc.map(|vpc| of(vpc).iter().cloned().collect()).unwrap_or_default();
    let (subnets, groups) = (list(|vpc| &vpc.subnets), list(|vpc| &vpc.security_groups));
    VpcConfig::builder().set_subnet_ids(Some(subnets)).set_security_group_ids(Some(groups)).build()
}

fn environment(desired: &Desired) -> Environment {
    Environment::builder().set_variables(Some(desired.full_environment().into_iter().collect())).build()
}

/// Creates the function, and waits until it can be invoked.
pub async fn create(
    clients: &Clients,
    desired: &Desired,
    role: &role::Desired,
    noted: &Tags,
    zip: &[u8],
    wait: Wait<'_>,
) -> Result<()> {
    let settings = &desired.settings;
    let code = FunctionCode::builder().zip_file(Blob::new(zip)).build();
    let all: BTreeMap<String, String> = desired
        .tags
        .clone()
        .into_iter()
        .chain(noted.clone())
        .chain(role_id(desired))
        .chain(code_notes(desired))
        .collect();
    propagated(clients, role, ROLE_NOT_READY, false, wait, || async {
        let create = clients
            .lambda
            .create_function()
            .function_name(&desired.name)
            .description(&settings.description)
            .runtime(Runtime::from(settings.runtime.as_str()))
            .handler(&settings.handler)
            .architectures(Architecture::from(settings.architecture.as_str()))
            .memory_size(number(settings.memory))
            .timeout(number(settings.timeout))
            .role(&settings.role_arn)
            .environment(environment(desired))
            .set_vpc_config(settings.vpc.as_ref().map(|vpc| vpc_config(Some(vpc))))
            .code(code.clone())
            .set_tags(Some(all.clone().into_iter().collect()));
        create.send().await.map(drop).map_err(failed("lambda:CreateFunction")).map_err(|error| match error.class {
            Class::Conflict => Error { class: Class::AlreadyExists, ..error },
            _ => of_network(error),
        })
    })
    .await?;
    // How it is invoked is no change of the function itself, so it need not wait for the function.
    tokio::try_join!(ready(clients, &desired.name, true, wait), invoke_asynchronously(clients, desired, wait))?;
    Ok(())
}

fn number(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

fn role_id(desired: &Desired) -> Option<(String, String)> {
    desired.role_id.clone().map(|id| (ROLE_ID_TAG.to_owned(), id))
}

/// Who put which code there.
fn code_notes(desired: &Desired) -> Tags {
    desired.package.as_ref().map(Package::notes).unwrap_or_default()
}

async fn note(clients: &Clients, desired: &Desired, notes: Tags, wait: Wait<'_>) -> Result<()> {
    settled(wait, false, || async {
        let tag = clients.lambda.tag_resource().resource(&desired.arn);
        let tag = tag.set_tags(Some(notes.clone().into_iter().collect()));
        tag.send().await.map(drop).map_err(failed("lambda:TagResource"))
    })
    .await
}

async fn invoke_asynchronously(clients: &Clients, desired: &Desired, wait: Wait<'_>) -> Result<()> {
    let AsyncInvoke { retries, max_age_seconds } = desired.async_invoke;
    settled(wait, true, || async {
        let put = clients
            .lambda
            .put_function_event_invoke_config()
            .function_name(&desired.name)
            .maximum_retry_attempts(number(retries))
            .maximum_event_age_in_seconds(number(max_age_seconds));
        put.send().await.map(drop).map_err(failed("lambda:PutFunctionEventInvokeConfig"))
    })
    .await
}

/// What an update is made from.
#[derive(Debug)]
pub struct Update<'a> {
    /// What the function should be.
    pub desired: &'a Desired,
    /// What its role should be.
    pub role: &'a role::Desired,
    /// The deployer's notes.
    pub noted: &'a Tags,
    /// What differs.
    pub changes: &'a [Change],
    /// The package.
    pub zip: &'a [u8],
    /// The revision that the plan was made from: where the function has another by now, somebody changed it, and nothing
    /// is done.
    pub read_revision: Option<String>,
}

/// Changes what differs, one kind of change after the other, and waits for each.
pub async fn update(clients: &Clients, update: Update<'_>, wait: Wait<'_>) -> Result<()> {
    let Update { desired, role, noted, changes, zip, read_revision: mut revision } = update;
    let mut touched: BTreeSet<&str> = changes.iter().map(|change| change.attribute.name).collect();
    // One that failed has left the function as it was before, whatever its settings say, its network among them.
    let again = changes.iter().any(Live::is_failed_update);
    if again {
        touched.extend(NETWORK.first());
    }
    let touches = |names: &[&str]| names.iter().any(|name| touched.contains(name));
    let name = &desired.name;
    let is_unready = revision.is_none();
    if touches(CODE) {
        let now = ready(clients, name, false, wait).await?;
        let revision = revision.take().or(now);
        let sent = settled(wait, false, || update_code(clients, desired, zip, &touched, revision.clone())).await;
        unless_done(clients, desired, CODE, sent).await?;
        // At once: were it left for the end, an apply that is cut off would leave a note of other code.
        note(clients, desired, code_notes(desired), wait).await?;
        ready(clients, name, true, wait).await?;
    }
    if touches(CONFIGURATION) || touches(NETWORK) || touches(unset::CONFIGURATION) {
        let now = ready(clients, name, false, wait).await?;
        let revision = revision.take().or(now);
        // Even an unchanged role takes iam:PassRole to send, and an unchanged network the right to look at it.
        let call = || configure(clients, desired, &touched, revision.clone());
        let sent = propagated(clients, role, ROLE_NOT_READY, false, wait, call).await;
        unless_done(clients, desired, &[CONFIGURATION, NETWORK, unset::CONFIGURATION].concat(), sent).await?;
        ready(clients, name, true, wait).await?;
    }
    if touches(ASYNC) || touches(unset::ASYNC) {
        invoke_asynchronously(clients, desired, wait).await?;
    }
    if touches(&[unset::CONCURRENCY]) {
        settled(wait, false, || async {
            let delete = clients.lambda.delete_function_concurrency().function_name(name).send().await;
            gone(delete.map_err(failed("lambda:DeleteFunctionConcurrency")))
        })
        .await?;
    }
    if is_unready {
        ready(clients, name, true, wait).await?;
    }
    let (mut written, taken) = tags::changed(changes);
    let arn = &desired.arn;
    if !taken.is_empty() {
        settled(wait, false, || async {
            let untag = clients.lambda.untag_resource().resource(arn).set_tag_keys(Some(taken.clone()));
            untag.send().await.map_err(failed("lambda:UntagResource"))
        })
        .await?;
    }
    written.extend(noted.clone().into_iter().chain(role_id(desired)));
    note(clients, desired, written, wait).await
}

/// An attempt whose answer was lost leaves another revision to the one that follows it. So what is refused as stale is done
/// where the function has these attributes as desired.
async fn unless_done(clients: &Clients, desired: &Desired, names: &[&str], sent: Result<()>) -> Result<()> {
    match sent {
        Err(error) if error.class == Class::Stale => {
            let Some(live) = observe(clients, &desired.name).await? else { return Err(error) };
            let changes = desired.attributes().diff(&live.attributes());
            let is_due = changes.iter().any(|change| names.contains(&change.attribute.name));
            if is_due { Err(error) } else { Ok(()) }
        }
        other => other,
    }
}

async fn update_code(
    clients: &Clients,
    desired: &Desired,
    zip: &[u8],
    touched: &BTreeSet<&str>,
    revision: Option<String>,
) -> Result<()> {
    let update = clients
        .lambda
        .update_function_code()
        .function_name(&desired.name)
        .zip_file(Blob::new(zip))
        .architectures(Architecture::from(desired.settings.architecture.as_str()))
        .set_source_kms_key_arn(touched.contains(unset::CODE_KEY).then(String::new))
        .set_revision_id(revision);
    update.send().await.map(drop).map_err(failed("lambda:UpdateFunctionCode")).map_err(stale)
}

/// Sends a role, a network, and that there are no layers, only where that changes.
async fn configure(
    clients: &Clients,
    desired: &Desired,
    touched: &BTreeSet<&str>,
    revision: Option<String>,
) -> Result<()> {
    let settings = &desired.settings;
    let network = NETWORK.iter().any(|name| touched.contains(name)).then(|| {
        let mut network = vpc_config(settings.vpc.as_ref());
        network.ipv6_allowed_for_dual_stack = touched.contains("vpc.ipv6").then_some(false);
        network
    });
    let update = clients
        .lambda
        .update_function_configuration()
        .function_name(&desired.name)
        .description(&settings.description)
        .runtime(Runtime::from(settings.runtime.as_str()))
        .handler(&settings.handler)
        .memory_size(number(settings.memory))
        .timeout(number(settings.timeout))
        .set_role(touched.contains("role").then(|| settings.role_arn.clone()))
        .set_vpc_config(network)
        .set_layers(touched.contains(LAYER).then(Vec::new))
        .environment(environment(desired))
        .set_revision_id(revision);
    let sent = unset::take_away(update, &desired.name, touched).send().await;
    sent.map(drop).map_err(failed("lambda:UpdateFunctionConfiguration")).map_err(stale).map_err(of_network)
}

/// That a subnet or a security group is not there, or not in one network with the others, only Lambda says: the deployer
/// does not call EC2.
fn of_network(error: Error) -> Error {
    let told = error.message.to_lowercase();
    if error.class == Class::Invalid && ["subnet", "security group", "securitygroup"].iter().any(|it| told.contains(it))
    {
        return error.hint("correct the spec's `function.vpc`, then run `deploy apply` again: it goes on from here");
    }
    error
}

fn stale(error: Error) -> Error {
    match error.class {
        Class::Stale => error.hint("somebody changed the function since it was read: plan again"),
        _ => error,
    }
}

/// Takes the function off its network before it is deleted, for Lambda removes its interfaces with the rights of its role,
/// which is deleted next.
/// <https://repost.aws/knowledge-center/lambda-eni-find-delete>
pub async fn detach(clients: &Clients, name: &str, wait: Wait<'_>) -> Result<()> {
    let sent = settled(wait, false, || async {
        let update = clients.lambda.update_function_configuration().function_name(name).vpc_config(vpc_config(None));
        update.send().await.map(drop).map_err(failed("lambda:UpdateFunctionConfiguration"))
    })
    .await;
    match sent {
        Ok(()) => ready(clients, name, false, wait).await.map(drop),
        // It is gone; or it can't be changed any more, as without its role, and is to go none the less.
        Err(error) if matches!(error.class, Class::NotFound | Class::Invalid) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Deletes the function.
pub async fn delete(clients: &Clients, name: &str, wait: Wait<'_>) -> Result<()> {
    settled(wait, false, || async {
        gone(clients.lambda.delete_function().function_name(name).send().await.map_err(failed("lambda:DeleteFunction")))
    })
    .await
}
