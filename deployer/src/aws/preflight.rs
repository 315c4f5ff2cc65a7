//! What a plan hangs on and no read of the stack tells: looked at only where something is to be made.

use aws_sdk_lambda::types::AccountLimit;
use plan::precondition::{Answers, Questions};

use super::client::Clients;
use super::error::{Class, Result, failed};

/// Roles of one page, and pages of an account's roles, at most.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRoles.html>
const PAGE: i32 = 1000;
const PAGES: usize = 20;

/// Answers what is asked. What can't be read is left unanswered: then the call that needs it finds out.
pub async fn look(clients: &Clients, questions: &Questions) -> Answers {
    let (roles, boundary, account) = tokio::join!(
        other_cases(clients, &questions.roles),
        is_absent(clients, questions.boundary.as_deref()),
        account(clients, questions.code.is_some()),
    );
    let (room, is_concurrency_used_up) = account.unwrap_or_default();
    Answers {
        other_cases: roles.unwrap_or_default(),
        is_boundary_absent: boundary.unwrap_or_default(),
        room,
        is_concurrency_used_up,
    }
}

/// The account's roles that are called like one of `wanted`, but for their case.
///
/// # Errors
/// The call.
pub async fn other_cases(clients: &Clients, wanted: &[String]) -> Result<Vec<String>> {
    let (mut found, mut marker) = (Vec::new(), None);
    let is_like = |name: &str| wanted.iter().any(|one| one != name && one.eq_ignore_ascii_case(name));
    for _ in 0..if wanted.is_empty() { 0 } else { PAGES } {
        let list = clients.iam.list_roles().max_items(PAGE).set_marker(marker.clone());
        let page = list.send().await.map_err(failed("iam:ListRoles"))?;
        found.extend(page.roles().iter().map(|role| role.role_name().to_owned()).filter(|name| is_like(name)));
        let next = page.marker.filter(|_| page.is_truncated);
        if next.is_none() || next == marker {
            break;
        }
        marker = next;
    }
    Ok(found)
}

async fn is_absent(clients: &Clients, policy: Option<&str>) -> Result<bool> {
    let Some(arn) = policy else { return Ok(false) };
    match clients.iam.get_policy().policy_arn(arn).send().await.map_err(failed("iam:GetPolicy")) {
        Ok(_) => Ok(false),
        Err(error) if error.class == Class::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

/// The room for code, and whether no concurrency is left.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_GetAccountSettings.html>
async fn account(clients: &Clients, is_asked: bool) -> Result<(Option<u64>, bool)> {
    if !is_asked {
        return Ok((None, false));
    }
    let answer = clients.lambda.get_account_settings().send().await.map_err(failed("lambda:GetAccountSettings"))?;
    let (limit, usage) = (answer.account_limit(), answer.account_usage());
    // A service that says nothing of its limits has none.
    let total = limit.map(AccountLimit::total_code_size).filter(|total| *total > 0);
    let room = total.zip(usage).map(|(total, usage)| total.saturating_sub(usage.total_code_size()).max(0));
    let unreserved = limit.filter(|limit| limit.concurrent_executions() > 0);
    let unreserved = unreserved.and_then(AccountLimit::unreserved_concurrent_executions);
    Ok((room.and_then(|room| u64::try_from(room).ok()), unreserved == Some(0)))
}
