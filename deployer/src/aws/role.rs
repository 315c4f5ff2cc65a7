//! IAM roles.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

use plan::attribute::{Change, Value};
use plan::ownership::Tags;
use plan::policy;
use plan::resource::role::{Desired, Live};
use serde_json::Value as Json;

use super::client::Clients;
use super::error::{Class, Error, Result, failed, gone, optional};
use super::retry::{Attempt, Wait, patiently, settled};
use super::{pages, tags};

/// Reads the role. The policies that it should have are read at once, along with the list of those that it has.
pub async fn observe(clients: &Clients, desired: &Desired) -> Result<Option<Live>> {
    let name = &desired.name;
    let role = async { clients.iam.get_role().role_name(name).send().await.map_err(failed("iam:GetRole")) };
    let (role, names, attached, expected) = tokio::join!(
        role,
        inline_names(clients, name),
        attached(clients, name),
        documents(clients, name, desired.policies.keys().cloned().collect()),
    );
    let Some(role) = optional(role)?.and_then(|answer| answer.role) else { return Ok(None) };
    let mut policies = expected?;
    let names = names?;
    // IAM's lists lag behind its single reads, so what was read counts although it is not listed.
    let others = names.into_iter().filter(|name| !policies.contains_key(name)).collect();
    policies.extend(documents(clients, name, others).await?);
    Ok(Some(Live {
        arn: role.arn().to_owned(),
        id: role.role_id().to_owned(),
        path: role.path().to_owned(),
        description: role.description().unwrap_or_default().to_owned(),
        trust: document(role.assume_role_policy_document().unwrap_or_default()),
        boundary: role.permissions_boundary().and_then(|b| b.permissions_boundary_arn()).map(str::to_owned),
        policies,
        attached: attached?,
        tags: role.tags().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect(),
    }))
}

async fn inline_names(clients: &Clients, role: &str) -> Result<Vec<String>> {
    let listed = pages::all("iam:ListRolePolicies", |marker| async move {
        let list = clients.iam.list_role_policies().role_name(role).set_marker(marker);
        let page = optional(list.send().await.map_err(failed("iam:ListRolePolicies")))?;
        Ok(page.map(|page| (page.policy_names, page.marker.filter(|_| page.is_truncated))))
    });
    Ok(listed.await?.unwrap_or_default())
}

async fn attached(clients: &Clients, role: &str) -> Result<BTreeSet<String>> {
    let listed = pages::all("iam:ListAttachedRolePolicies", |marker| async move {
        let list = clients.iam.list_attached_role_policies().role_name(role).set_marker(marker);
        let page = optional(list.send().await.map_err(failed("iam:ListAttachedRolePolicies")))?;
        Ok(page.map(|page| (page.attached_policies.unwrap_or_default(), page.marker.filter(|_| page.is_truncated))))
    });
    Ok(listed.await?.into_iter().flatten().filter_map(|policy| policy.policy_arn).collect())
}

async fn documents(clients: &Clients, role: &str, names: Vec<String>) -> Result<BTreeMap<String, Json>> {
    let reads = names.into_iter().map(|name| async move {
        let read = clients.iam.get_role_policy().role_name(role).policy_name(&name).send().await;
        let read = optional(read.map_err(failed("iam:GetRolePolicy")))?;
        Ok::<_, Error>(read.map(|answer| (name, document(answer.policy_document()))))
    });
    let read = futures_util::future::try_join_all(reads).await?;
    Ok(read.into_iter().flatten().collect())
}

/// IAM gives documents back URL-encoded. What can't be read is kept as text, and differs from all that we want.
fn document(encoded: &str) -> Json {
    let decoded = percent_encoding::percent_decode_str(encoded).decode_utf8_lossy();
    serde_json::from_str(&decoded).unwrap_or_else(|_| Json::String(decoded.into_owned()))
}

/// Creates the role with its policies, and gives its id.
pub async fn create(clients: &Clients, desired: &Desired, noted: &Tags, wait: Wait<'_>) -> Result<String> {
    let all: Tags = desired.tags.clone().into_iter().chain(noted.clone()).collect();
    let all = tags::iam(&all)?;
    let answer = settled(wait, false, || async {
        let create = clients
            .iam
            .create_role()
            .role_name(&desired.name)
            .path(&desired.path)
            .description(&desired.description)
            .set_permissions_boundary(desired.boundary.clone())
            .assume_role_policy_document(desired.trust.to_string())
            .set_tags(Some(all.clone()));
        create.send().await.map_err(failed("iam:CreateRole"))
    })
    .await?;
    let puts = desired.policies.iter().map(|(name, document)| {
        // The new role may not be seen yet.
        settled(wait, true, move || put_once(clients, &desired.name, name, document))
    });
    futures_util::future::try_join_all(puts).await?;
    Ok(answer.role().map(|role| role.role_id().to_owned()).unwrap_or_default())
}

async fn put_once(clients: &Clients, role: &str, name: &str, document: &Json) -> Result<()> {
    let put = clients.iam.put_role_policy().role_name(role).policy_name(name).policy_document(document.to_string());
    put.send().await.map(drop).map_err(failed("iam:PutRolePolicy"))
}

/// Changes what differs, and nothing else.
pub async fn update(
    clients: &Clients,
    desired: &Desired,
    noted: &Tags,
    changes: &[Change],
    wait: Wait<'_>,
) -> Result<()> {
    for change in changes {
        // IAM refuses a change while another of the same role is in progress.
        settled(wait, false, || change_one(clients, desired, change)).await?;
    }
    let (mut written, taken) = tags::changed(changes);
    if !taken.is_empty() {
        settled(wait, false, || async {
            let untag = clients.iam.untag_role().role_name(&desired.name).set_tag_keys(Some(taken.clone()));
            untag.send().await.map_err(failed("iam:UntagRole"))
        })
        .await?;
    }
    written.extend(noted.clone());
    let written = tags::iam(&written)?;
    settled(wait, false, || async {
        let tag = clients.iam.tag_role().role_name(&desired.name).set_tags(Some(written.clone()));
        tag.send().await.map(drop).map_err(failed("iam:TagRole"))
    })
    .await
}

async fn change_one(clients: &Clients, desired: &Desired, change: &Change) -> Result<()> {
    let (name, key) = (&desired.name, change.attribute.key.as_deref());
    match (change.attribute.name, key, &change.after) {
        ("description", ..) => {
            let update = clients.iam.update_role_description().role_name(name).description(&desired.description);
            update.send().await.map(drop).map_err(failed("iam:UpdateRoleDescription"))
        }
        ("trust", ..) => {
            let document = desired.trust.to_string();
            let update = clients.iam.update_assume_role_policy().role_name(name).policy_document(document);
            update.send().await.map(drop).map_err(failed("iam:UpdateAssumeRolePolicy"))
        }
        ("permissions_boundary", ..) => bound(clients, name, desired.boundary.as_deref()).await,
        ("policy", Some(policy), Some(Value::Policy(document))) => put_once(clients, name, policy, document).await,
        ("policy", Some(policy), _) => remove(clients, name, policy).await,
        ("attached_policy", Some(arn), _) => detach(clients, name, arn).await,
        // Tags go together, after the rest; a path is replaced, never updated.
        _ => Ok(()),
    }
}

async fn bound(clients: &Clients, role: &str, boundary: Option<&str>) -> Result<()> {
    if let Some(arn) = boundary {
        let put = clients.iam.put_role_permissions_boundary().role_name(role).permissions_boundary(arn);
        return put.send().await.map(drop).map_err(failed("iam:PutRolePermissionsBoundary"));
    }
    let delete = clients.iam.delete_role_permissions_boundary().role_name(role).send().await;
    gone(delete.map_err(failed("iam:DeleteRolePermissionsBoundary")))
}

async fn remove(clients: &Clients, role: &str, policy: &str) -> Result<()> {
    let delete = clients.iam.delete_role_policy().role_name(role).policy_name(policy).send().await;
    gone(delete.map_err(failed("iam:DeleteRolePolicy")))
}

async fn detach(clients: &Clients, role: &str, arn: &str) -> Result<()> {
    let detach = clients.iam.detach_role_policy().role_name(role).policy_arn(arn).send().await;
    gone(detach.map_err(failed("iam:DetachRolePolicy")))
}

/// What is told of a role that can't be deleted, for something was added that its deletion does not take along.
const ADDED: &str = "somebody attached something to the role in the meantime: run teardown again";
/// The same of an instance profile, which is not ours to change.
const IN_PROFILE: &str = "somebody put the role into an instance profile: take it out of there (`aws iam \
    list-instance-profiles-for-role` names it), then run teardown again";

/// Deletes the role with its policies, as it was read right before.
pub async fn delete(clients: &Clients, name: &str, live: &Live, wait: Wait<'_>) -> Result<()> {
    let removals = live.policies.keys().map(|policy| settled(wait, false, move || remove(clients, name, policy)));
    let detachments = live.attached.iter().map(|arn| settled(wait, false, move || detach(clients, name, arn)));
    tokio::try_join!(futures_util::future::try_join_all(removals), futures_util::future::try_join_all(detachments))?;
    settled(wait, false, || async {
        let delete = clients.iam.delete_role().role_name(name).send().await.map_err(failed("iam:DeleteRole"));
        match gone(delete) {
            // Something was attached since the role was read: that is somebody else's, and not waited for.
            Err(error) if error.has_code(&["DeleteConflict", "DeleteConflictException"]) => {
                let hint = if error.message.contains("instance profile") { IN_PROFILE } else { ADDED };
                Err(Error { class: Class::Stale, ..error }.hint(hint))
            }
            other => other,
        }
    })
    .await
}

/// Calls a service that has to assume `role`, again while the role propagates.
///
/// IAM is eventually consistent, so a service may not see a new role or its policies for some seconds. The same error
/// stands for a role that will never do; so at the first one the role is read back, and only where it is as desired is
/// there anything to wait for. The read itself may lag behind the creation, so that absence is believed after a while only, and
/// so is the role as it was before this run changed it.
/// `unseen`: so may what else the call needs.
pub async fn propagated<T, F>(
    clients: &Clients,
    role: &Desired,
    not_ready: &[&str],
    unseen: bool,
    wait: Wait<'_>,
    mut call: impl FnMut() -> F,
) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let was_found = AtomicBool::new(false);
    let was_found = &was_found;
    patiently(wait, || {
        let attempt = call();
        async move {
            match attempt.await {
                Ok(value) => Ok(Attempt::Done(value)),
                Err(error) if unseen && error.class == Class::NotFound => Ok(Attempt::NotYet(error)),
                Err(error) if not_ready.iter().any(|text| error.message.contains(text)) => {
                    let is_known = was_found.load(Ordering::Relaxed);
                    if !is_known && let Some(why) = diagnose(clients, role, wait.earlier, &error).await? {
                        let message = format!("the role {} {why}: {}", role.name, error.message);
                        return Ok(Attempt::NotYet(Error { class: Class::NotFound, message, ..error }));
                    }
                    was_found.store(true, Ordering::Relaxed);
                    let message = format!("the role {} is not usable yet: {}", role.name, error.message);
                    Ok(Attempt::NotYet(Error { message, ..error }))
                }
                Err(error) => Err(error),
            }
        }
    })
    .await
}

/// Why the role is not seen as desired yet, if it is not; fails where somebody has changed it, so that waiting could not help.
async fn diagnose(clients: &Clients, role: &Desired, earlier: &[Live], error: &Error) -> Result<Option<&'static str>> {
    let Some(live) = observe(clients, role).await? else { return Ok(Some("is not there")) };
    let earlier = earlier.iter().find(|earlier| earlier.arn == live.arn);
    let was = |is_same: &dyn Fn(&Live) -> bool| earlier.is_some_and(is_same);
    let mut differing = Vec::new();
    if !policy::equivalent(&live.trust, &role.trust) {
        differing.push(("the trust policy".to_owned(), was(&|was| policy::equivalent(&was.trust, &live.trust))));
    }
    if live.boundary != role.boundary {
        differing.push(("the boundary".to_owned(), was(&|was| was.boundary == live.boundary)));
    }
    for (name, wanted) in &role.policies {
        // One that is not there may just not be seen yet.
        if let Some(document) = live.policies.get(name).filter(|document| !policy::equivalent(document, wanted)) {
            let is_same = |was: &Live| was.policies.get(name).is_some_and(|was| policy::equivalent(was, document));
            differing.push((format!("policy {name}"), was(&is_same)));
        }
    }
    match differing.iter().find(|(_, is_earlier)| !is_earlier) {
        Some((what, _)) => {
            let message = format!("{}; {what} of role {} was changed by someone", error.message, role.name);
            let hint = "run `deploy plan` to see the difference, then apply again";
            Err(Error { message, ..error.clone() }.hint(hint))
        }
        None => Ok((!differing.is_empty()).then_some("is still seen as it was before it was changed")),
    }
}
