//! Lambda: the function's own policy, and in it the deployer's statements alone.

use std::collections::BTreeMap;

use plan::attribute::Change;
use plan::policy;
use plan::resource::permission::{Desired, ID_PREFIX, Live};
use serde_json::Value as Json;

use super::client::Clients;
use super::error::{Class, Error, Result, failed, gone, optional};
use super::retry::{Attempt, Wait, patiently, settled};

/// Reads the deployer's statements.
pub async fn observe(clients: &Clients, function: &str) -> Result<Option<Live>> {
    let answer = clients.lambda.get_policy().function_name(function).send().await;
    let Some(answer) = optional(answer.map_err(failed("lambda:GetPolicy")))? else { return Ok(None) };
    let document: Json = serde_json::from_str(answer.policy().unwrap_or("{}"))
        .map_err(|_| Error::outcome("lambda:GetPolicy", "the function's policy can't be read"))?;
    let statements = document["Statement"].as_array().into_iter().flatten().filter_map(own);
    let statements: BTreeMap<String, Json> = statements.collect();
    Ok((!statements.is_empty()).then_some(Live { statements }))
}

/// A statement of the deployer's, by its id.
fn own(statement: &Json) -> Option<(String, Json)> {
    let mut statement = statement.clone();
    let id = statement.as_object_mut()?.remove("Sid")?;
    let id = id.as_str().filter(|id| id.starts_with(ID_PREFIX))?;
    Some((id.to_owned(), statement))
}

/// Whether Secrets Manager may invoke the function, as far as the function's policy tells.
pub async fn is_granted(clients: &Clients, desired: &Desired) -> Result<bool> {
    let Some((id, wanted)) = desired.statement() else { return Ok(false) };
    let live = observe(clients, &desired.function).await?;
    let found = live.and_then(|mut live| live.statements.remove(&id));
    let as_document = |statement: &Json| serde_json::json!({"Statement": [statement]});
    Ok(found.is_some_and(|found| policy::equivalent(&as_document(&found), &as_document(&wanted))))
}

/// Adds the statement.
pub async fn create(clients: &Clients, desired: &Desired, wait: Wait<'_>) -> Result<()> {
    let Some(((id, _), secret_arn)) = desired.statement().zip(desired.secret_arn.as_deref()) else {
        return Err(Error::outcome("lambda:AddPermission", "the secret's ARN is not known"));
    };
    patiently(wait, || async {
        let add = clients
            .lambda
            .add_permission()
            .function_name(&desired.function)
            .statement_id(&id)
            .action(policy::INVOKE)
            .principal(policy::SECRETS_MANAGER)
            .source_account(&desired.account)
            .source_arn(secret_arn);
        match add.send().await.map(drop).map_err(failed("lambda:AddPermission")) {
            Ok(()) => Ok(Attempt::Done(())),
            // The same code stands for a statement that is there and for a change of the function in progress.
            Err(error) if error.class == Class::Conflict => {
                if is_granted(clients, desired).await? {
                    Ok(Attempt::Done(()))
                } else {
                    Ok(Attempt::NotYet(error))
                }
            }
            // The function was made a moment ago, and is not seen everywhere yet.
            Err(error) if error.class == Class::NotFound => Ok(Attempt::NotYet(error)),
            Err(error) => Err(error),
        }
    })
    .await
}

/// Adds the statement that should be there, then takes away those that should not: Secrets Manager may invoke the function
/// throughout. One under the same id is in the way, and goes first.
pub async fn update(clients: &Clients, desired: &Desired, changes: &[Change], wait: Wait<'_>) -> Result<()> {
    let is_in_the_way = |change: &Change| change.before.is_some() && change.after.is_some();
    let is_left = |change: &Change| change.before.is_some() && change.after.is_none();
    remove_where(clients, desired, changes, &is_in_the_way, wait).await?;
    if changes.iter().any(|change| change.after.is_some()) {
        create(clients, desired, wait).await?;
    }
    remove_where(clients, desired, changes, &is_left, wait).await
}

async fn remove_where(
    clients: &Clients,
    desired: &Desired,
    changes: &[Change],
    is_removed: &(dyn Fn(&Change) -> bool + Sync),
    wait: Wait<'_>,
) -> Result<()> {
    for id in changes.iter().filter(|change| is_removed(change)).filter_map(|change| change.attribute.key.as_ref()) {
        remove(clients, &desired.function, id, wait).await?;
    }
    Ok(())
}

/// Takes all of the deployer's statements away, as they were read when the plan was made.
pub async fn delete(clients: &Clients, function: &str, live: Option<&Live>, wait: Wait<'_>) -> Result<()> {
    for id in live.into_iter().flat_map(|live| live.statements.keys()) {
        remove(clients, function, id, wait).await?;
    }
    Ok(())
}

async fn remove(clients: &Clients, function: &str, id: &str, wait: Wait<'_>) -> Result<()> {
    settled(wait, false, || async {
        let remove = clients.lambda.remove_permission().function_name(function).statement_id(id);
        gone(remove.send().await.map_err(failed("lambda:RemovePermission")))
    })
    .await
}
