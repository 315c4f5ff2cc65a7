//! CloudWatch Logs: conflicting operations, names that are taken.

use deployer::aws::Class;
use plan::ownership::STACK_TAG;
use plan::resource::Kind;

use crate::stage::Stage;
use crate::wire::{Reply, absent, done, error};
use crate::{stack, world};

const CREATE: &str = "logs:CreateLogGroup";
const RETAIN: &str = "logs:PutRetentionPolicy";
const DELETE: &str = "logs:DeleteLogGroup";

fn aborted() -> Reply {
    let message = "A conflicting operation is currently in progress against this resource. Please try again.";
    error(400, "OperationAbortedException", message)
}

fn exists() -> Reply {
    error(400, "ResourceAlreadyExistsException", "The specified log group already exists")
}

#[tokio::test(start_paused = true)]
async fn a_conflicting_operation_is_waited_for_and_told() {
    let stage = Stage::missing(Kind::LogGroup);
    stage.wire.on(CREATE, [aborted(), done()]).on(RETAIN, [aborted(), absent(RETAIN), done()]);
    let done = stage.apply(Kind::LogGroup).await;
    done.succeeded();
    assert_eq!(stage.wire.operations(), [CREATE, CREATE, RETAIN, RETAIN, RETAIN]);
    assert!(done.told[0].contains("conflicting operation"), "{:?}", done.told);

    let stage = Stage::applied();
    stage.wire.on(DELETE, [aborted(), absent(DELETE)]);
    stage.tear_down(Kind::LogGroup).await.succeeded();
    assert_eq!(stage.after_look(Kind::LogGroup), [DELETE, DELETE]);
}

#[tokio::test(start_paused = true)]
async fn a_group_of_ours_that_is_there_already_gets_its_retention() {
    let stage = Stage::missing(Kind::LogGroup);
    let mut made = stack::applied(&stage.spec);
    made.log_group.as_mut().unwrap().retention_days = None;
    world::reads(&stage.wire, &made);
    stage.wire.on(CREATE, [exists()]).on(RETAIN, [done()]).on("logs:TagResource", [done()]);
    stage.apply(Kind::LogGroup).await.succeeded();
    assert_eq!(stage.wire.changes(), [CREATE, RETAIN, "logs:TagResource"]);
    assert_eq!(stage.wire.the(RETAIN).body["retentionInDays"], 30);
}

#[tokio::test(start_paused = true)]
async fn a_foreign_group_that_is_there_already_is_refused() {
    let stage = Stage::missing(Kind::LogGroup);
    let mut made = stack::applied(&stage.spec);
    stack::tags_mut(&mut made, Kind::LogGroup).remove(STACK_TAG);
    world::reads(&stage.wire, &made);
    stage.wire.on(CREATE, [exists()]);
    let error = stage.apply(Kind::LogGroup).await.error();
    assert_eq!(error.class, Class::Foreign);
    assert!(error.message.contains("made by somebody else"), "{error}");
    assert_eq!(stage.wire.changes(), [CREATE]);
}
