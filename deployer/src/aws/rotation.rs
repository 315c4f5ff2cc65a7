//! Secrets Manager: the secret's own rotation rules.

use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use aws_sdk_secretsmanager::types::RotationRulesType;
use plan::resource::permission;
use plan::resource::rotation::{Desired, Live, Settings};
use plan::spec::Every;

use super::client::Clients;
use super::error::{Class, Error, Result, failed, gone};
use super::permission::is_granted;
use super::retry::{Attempt, Wait, patiently, settled};
use super::secret;

/// What Secrets Manager says of a function that it may not invoke (yet).
const NOT_INVOCABLE: &str = "cannot invoke the specified Lambda function";
/// The function's policy is not all: who sets the rules is asked for the same right.
const CALLER_INVOKES: &str = "allow lambda:InvokeFunction on the function to the identity that runs deploy as well";
/// What it says where an earlier rotation has not come to its end.
const INCOMPLETE: &str = "previous rotation isn't complete";

/// The rules of a secret, where they are in force; after they were, what they were is still there.
pub fn live(secret: &DescribeSecretOutput) -> Option<Live> {
    if secret.rotation_enabled() != Some(true) {
        return None;
    }
    let rules = secret.rotation_rules();
    let expression = rules.and_then(RotationRulesType::schedule_expression).filter(|text| !text.is_empty());
    // With an expression AWS calculates the days from it.
    let days = rules.and_then(RotationRulesType::automatically_after_days).and_then(|days| u16::try_from(days).ok());
    Some(Live {
        settings: Settings {
            function_arn: secret.rotation_lambda_arn().unwrap_or_default().to_owned(),
            every: expression.map(|text| Every::Expression(text.to_owned())).or(days.map(Every::Days)),
            duration: rules.and_then(RotationRulesType::duration).map(str::to_owned),
        },
        last: secret.last_rotated_date().map(secret::date),
        next: secret.next_rotation_date().map(secret::date),
    })
}

/// Sets the rules of the secret with that ARN or name. Nothing rotates now: Secrets Manager tries the function's test step, and no more.
/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html>
///
/// The permission was just granted, and is not seen everywhere yet. The same error stands for one that is missing; so at
/// the first one the function's policy is read back, and only where it is as desired is there anything to wait for.
pub async fn put(
    clients: &Clients,
    id: &str,
    desired: &Desired,
    granted: &permission::Desired,
    wait: Wait<'_>,
) -> Result<()> {
    let Some(settings) = &desired.settings else {
        return Err(Error::outcome("secretsmanager:RotateSecret", "there are no rules to set"));
    };
    let mut diagnosed = false;
    patiently(wait, || {
        let rotate = clients
            .secrets
            .rotate_secret()
            .secret_id(id)
            .rotation_lambda_arn(&settings.function_arn)
            .rotation_rules(rules(settings))
            .rotate_immediately(false);
        let first = !std::mem::replace(&mut diagnosed, true);
        async move {
            match rotate.send().await.map(drop).map_err(failed("secretsmanager:RotateSecret")) {
                Ok(()) => Ok(Attempt::Done(())),
                Err(error) if error.message.contains(NOT_INVOCABLE) => {
                    if first && !is_granted(clients, granted).await? {
                        let hint = "somebody changed the function's policy since: run `deploy apply` again";
                        return Err(error.hint(hint));
                    }
                    let message = format!("the function's new permission is not in force yet: {}", error.message);
                    Ok(Attempt::NotYet(Error { message, ..error }.hint(CALLER_INVOKES)))
                }
                Err(error) if error.message.contains(INCOMPLETE) => Err(error.hint(
                    "a rotation has not ended: `deploy doctor` shows its version and why, and --fix drops an empty one",
                )),
                Err(error) => Err(error),
            }
        }
    })
    .await
}

fn rules(settings: &Settings) -> RotationRulesType {
    let rules = RotationRulesType::builder().set_duration(settings.duration.clone());
    match &settings.every {
        Some(Every::Days(days)) => rules.automatically_after_days((*days).into()),
        Some(Every::Expression(expression)) => rules.schedule_expression(expression),
        None => rules,
    }
    .build()
}

/// Turns the rules off. A secret that is scheduled for deletion is not rotated, and takes no such word.
pub async fn delete(clients: &Clients, secret: &str, wait: Wait<'_>) -> Result<()> {
    let cancelled = settled(wait, false, || async {
        let cancel = clients.secrets.cancel_rotate_secret().secret_id(secret).send().await;
        gone(cancel.map_err(failed("secretsmanager:CancelRotateSecret")))
    });
    match cancelled.await {
        Err(error) if error.class == Class::Invalid => {
            let (live, rules) = secret::observe_with_rules(clients, secret).await?;
            let is_off = rules.is_none() || live.is_none_or(|live| live.deleted.is_some());
            if is_off { Ok(()) } else { Err(error) }
        }
        other => other,
    }
}
