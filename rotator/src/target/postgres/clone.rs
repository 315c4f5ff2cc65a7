//! The clone user: a member of the user, in whose name it works from its login on. Whatever the user may do or owns, now or
//! later, is the clone's too; what does not come with membership is copied, or refused by name.
//!
//! All of it is one transaction: a clone that is refused was never there, and none can log in before it is complete.

mod facts;
mod plan;

use contract::AuthMethod;
use postgres_protocol::escape::{escape_identifier, escape_literal};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Transaction};

use self::facts::Facts;
use self::plan::{Otherwise, Step};
use super::{alter, begin, kind};
use crate::error::Kind;
use crate::log;
use crate::target::database::Change;

/// Makes the clone or brings it up to date, and gives it its password.
pub(super) async fn set_clone(
    admin: &mut Client,
    user: &str,
    change: &Change<'_>,
    allowed: &[AuthMethod],
    is_due: impl AsyncFn() -> Result<(), Kind>,
) -> Result<(), Kind> {
    let mut transaction = begin(admin, change.user).await?;
    let steps = steps(&transaction, user, change).await?;
    is_due().await?;
    carry_out_all(&mut transaction, user, &steps).await?;
    alter(&transaction, change, allowed).await?;
    transaction.commit().await.map_err(|error| kind("the commit", &error))
}

/// Tries whether the clone could be made or brought up to date, and changes nothing: all of it is rolled back.
pub(super) async fn rehearse(
    admin: &mut Client,
    user: &str,
    change: &Change<'_>,
    allowed: &[AuthMethod],
) -> Result<(), Kind> {
    let mut transaction = begin(admin, change.user).await?;
    let steps = steps(&transaction, user, change).await?;
    carry_out_all(&mut transaction, user, &steps).await?;
    alter(&transaction, change, allowed).await?;
    transaction.rollback().await.map_err(|error| kind("the end of a transaction", &error))
}

async fn carry_out_all(transaction: &mut Transaction<'_>, user: &str, steps: &[Step]) -> Result<(), Kind> {
    for step in steps {
        carry_out(transaction, user, step).await?;
    }
    Ok(())
}

async fn steps(transaction: &Transaction<'_>, user: &str, change: &Change<'_>) -> Result<Vec<Step>, Kind> {
    let of_user = Facts::read(transaction, user).await?.ok_or(Kind::TargetUnfit(plan::NO_USER))?;
    let of_clone = Facts::read(transaction, change.user).await?;
    plan::steps(user, of_user, change.user, of_clone, change.known).map_err(Kind::TargetUnfit)
}

async fn carry_out(transaction: &mut Transaction<'_>, user: &str, step: &Step) -> Result<(), Kind> {
    let failed = |error| kind(step.what, &error);
    let savepoint = transaction.savepoint("step").await.map_err(failed)?;
    let Err(error) = savepoint.batch_execute(&step.statement).await else {
        return savepoint.commit().await.map_err(failed);
    };
    savepoint.rollback().await.map_err(failed)?;
    let code = error.code().unwrap_or(&SqlState::SUCCESSFUL_COMPLETION);
    let denied = *code == SqlState::INSUFFICIENT_PRIVILEGE;
    match step.otherwise {
        Otherwise::Refuse(reason) if denied => Err(Kind::TargetUnfit(reason)),
        // A label whose provider is not loaded.
        Otherwise::Refuse(reason) if *code == SqlState::INVALID_PARAMETER_VALUE => Err(Kind::TargetUnfit(reason)),
        Otherwise::Warn(reason) if denied || plan::is_unknown_setting(code.code()) => {
            log::warn(reason);
            Ok(())
        }
        Otherwise::AsMember(reason) if denied => as_member(transaction, user, step, reason).await,
        Otherwise::Fail | Otherwise::Refuse(_) | Otherwise::Warn(_) | Otherwise::AsMember(_) => Err(failed(error)),
    }
}

/// Carries a step out while the admin is a member of the user, which some versions want of who has another work in the
/// user's name.
async fn as_member(
    transaction: &mut Transaction<'_>,
    user: &str,
    step: &Step,
    reason: &'static str,
) -> Result<(), Kind> {
    let user = escape_identifier(user);
    let statement = format!("GRANT {user} TO CURRENT_USER; {}; REVOKE {user} FROM CURRENT_USER", step.statement);
    transaction.batch_execute(&statement).await.map_err(|error| match error.code() {
        Some(&SqlState::INSUFFICIENT_PRIVILEGE) => Kind::TargetUnfit(reason),
        _ => kind(step.what, &error),
    })
}
