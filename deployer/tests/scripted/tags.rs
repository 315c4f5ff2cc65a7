//! Tags, and actions in which there is nothing to do.

use plan::ownership::{APPLIED_TAG, STACK_TAG};
use plan::resource::Kind;

use crate::stack;
use crate::stage::Stage;
use crate::wire::done;

#[tokio::test(start_paused = true)]
async fn tags_that_differ_are_written_and_taken_and_no_others() {
    let calls = [
        (Kind::Secret, "secretsmanager:UntagResource", "secretsmanager:TagResource"),
        (Kind::ExecutionRole, "iam:UntagRole", "iam:TagRole"),
        (Kind::LogGroup, "logs:UntagResource", "logs:TagResource"),
        (Kind::Function, "lambda:UntagResource", "lambda:TagResource"),
        (Kind::ScheduleGroup, "scheduler:UntagResource", "scheduler:TagResource"),
        (Kind::InvokeRole, "iam:UntagRole", "iam:TagRole"),
    ];
    let spec = stack::edited(|text| text + "\ntags: {team: payments, stage: live}\n");
    for (kind, untag, tag) in calls {
        let mut live = stack::applied(&spec);
        let tags = stack::tags_mut(&mut live, kind);
        tags.remove("team");
        tags.insert("stray".to_owned(), "x".to_owned());
        let stage = Stage::new(spec.clone(), live);
        stage.wire.on(untag, [done()]).on(tag, [done()]);
        stage.apply(kind).await.succeeded();
        assert_eq!(stage.wire.changes(), [untag, tag], "{kind}");
        let taken = stage.wire.the(untag);
        let taken = format!("{} {}", taken.path, taken.body);
        assert!(taken.contains("stray") && !taken.contains("team") && !taken.contains("stage"), "{kind}: {taken}");
        let written = stage.wire.the(tag).body.to_string();
        assert!(written.contains("team") && written.contains("payments") && written.contains(APPLIED_TAG), "{written}");
        for other in ["stage", "stray", STACK_TAG] {
            assert!(!written.contains(other), "{kind}: {written}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_action_without_changes_makes_no_request() {
    let stage = Stage::applied();
    for kind in stack::kinds(&stack::spec()) {
        stage.apply(kind).await.succeeded();
    }
    assert!(stage.wire.operations().is_empty(), "{:?}", stage.wire.operations());
}
