//! EventBridge Scheduler: the group, whose deletion takes its time.

use deployer::aws::Class;
use plan::ownership::STACK_TAG;
use plan::resource::Kind;

use crate::stack;
use crate::stage::Stage;
use crate::wire::{Reply, absent, done, error, ok};
use crate::world::{self, group_body};

const CREATE: &str = "scheduler:CreateScheduleGroup";
const DELETE: &str = "scheduler:DeleteScheduleGroup";
const GET: &str = "scheduler:GetScheduleGroup";

fn conflict() -> Reply {
    error(409, "ConflictException", "Schedule group myapp-db-password already exists.")
}

fn active() -> Reply {
    ok(group_body("ACTIVE"))
}

fn deleting() -> Reply {
    ok(group_body("DELETING"))
}

#[tokio::test(start_paused = true)]
async fn deletion_ends_when_the_group_is_gone() {
    let stage = Stage::applied();
    stage.wire.on(DELETE, [done()]).on(GET, [active(), deleting(), deleting(), deleting(), absent(GET)]);
    let done = stage.tear_down(Kind::ScheduleGroup).await;
    done.succeeded();
    assert_eq!((stage.wire.count(DELETE), stage.wire.count(GET)), (1, 5));
    assert_eq!(done.told, ["the group is still being deleted"; 3]);
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_being_deleted_already_is_waited_for() {
    let stage = Stage::with(|live| live.schedule_group.as_mut().unwrap().deleting = true);
    let busy = error(409, "ConflictException", "is being deleted");
    stage.wire.on(DELETE, [busy]).on(GET, [deleting(), deleting(), absent(GET)]);
    stage.tear_down(Kind::ScheduleGroup).await.succeeded();
    assert_eq!(stage.wire.count(DELETE), 1);
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_being_changed_is_deleted_after_that() {
    let stage = Stage::applied();
    let busy = error(409, "ConflictException", "Schedule group myapp-db-password is being changed.");
    stage.wire.on(DELETE, [busy, done()]).on(GET, [active(), active(), active(), deleting(), absent(GET)]);
    let done = stage.tear_down(Kind::ScheduleGroup).await;
    done.succeeded();
    assert_eq!((stage.wire.count(DELETE), stage.wire.count(GET)), (2, 5));
    assert_eq!(done.told, ["Schedule group myapp-db-password is being changed.", "the group is still being deleted"]);
}

#[tokio::test(start_paused = true)]
async fn a_group_that_has_become_somebody_elses_while_it_was_being_changed_is_not_deleted() {
    let stage = Stage::applied();
    let mut theirs = stage.live.clone();
    stack::tags_mut(&mut theirs, Kind::ScheduleGroup).remove(STACK_TAG);
    let wire = stage.wire.clone();
    let busy = error(409, "ConflictException", "is being changed").after(move || world::reads(&wire, &theirs));
    stage.wire.on(DELETE, [busy]);
    let error = stage.tear_down(Kind::ScheduleGroup).await.error();
    assert_eq!((error.class, stage.wire.changes().as_slice()), (Class::Foreign, &[DELETE.to_owned()][..]));
}

#[tokio::test(start_paused = true)]
async fn a_group_that_never_goes_fails_after_the_deadline() {
    let stage = Stage::applied();
    stage.wire.on(DELETE, [done()]).always(GET, deleting());
    let failed = stage.tear_down(Kind::ScheduleGroup).await;
    failed.took_the_deadline();
    assert!(failed.error().message.contains("still being deleted"));
}

#[tokio::test(start_paused = true)]
async fn creation_waits_until_an_old_group_of_that_name_is_gone() {
    let stage = Stage::with(|live| live.schedule_group.as_mut().unwrap().deleting = true);
    stage.wire.on(CREATE, [conflict(), conflict(), conflict(), done()]).on(GET, [deleting(), deleting(), absent(GET)]);
    let done = stage.apply(Kind::ScheduleGroup).await;
    done.succeeded();
    assert_eq!(stage.wire.changes(), [CREATE; 4]);
    assert_eq!(done.told.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_group_of_ours_that_is_there_already_is_brought_to_what_is_desired() {
    let stage = Stage::missing(Kind::ScheduleGroup);
    let mut made = stack::applied(&stage.spec);
    stack::tags_mut(&mut made, Kind::ScheduleGroup).insert("stray".to_owned(), "x".to_owned());
    world::reads(&stage.wire, &made);
    let (untag, tag) = ("scheduler:UntagResource", "scheduler:TagResource");
    stage.wire.on(CREATE, [conflict()]).on(untag, [done()]).on(tag, [done()]);
    stage.apply(Kind::ScheduleGroup).await.succeeded();
    assert_eq!(stage.wire.changes(), [CREATE, untag, tag]);
}

#[tokio::test(start_paused = true)]
async fn a_foreign_group_that_is_there_already_is_refused() {
    let stage = Stage::missing(Kind::ScheduleGroup);
    let mut made = stack::applied(&stage.spec);
    stack::tags_mut(&mut made, Kind::ScheduleGroup).remove(STACK_TAG);
    world::reads(&stage.wire, &made);
    stage.wire.on(CREATE, [conflict()]);
    let error = stage.apply(Kind::ScheduleGroup).await.error();
    assert_eq!(error.class, Class::Foreign);
    assert_eq!(stage.wire.changes(), [CREATE]);
}
