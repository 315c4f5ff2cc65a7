//! What AWS was seen to refuse, sent back to the calls that it refused, in each form that the service's protocol has for
//! it: what comes of it, and that whoever runs the command reads the service's own words.

use std::collections::BTreeSet;

use deployer::aws::{Class, Error, meaning};
use deployer::engine::Observed;
use plan::precondition::DeadLetterQueue;
use plan::resource::Kind;
use serde_json::json;

use crate::stage::{Performed, Stage};
use crate::wire::{Mishap, Wire, done, ok};
use crate::{invoke, preflight, reads, stack};

/// What has to come of a refusal.
#[derive(Debug, Clone, Copy)]
enum Then {
    /// The thing is read as absent, or taken for deleted.
    Absent,
    /// It is told at once.
    Told(Class),
    /// It is told at once, and so is what to do, with this in it.
    Advised(Class, &'static str),
    /// It is tried again until the deadline, and then told.
    Waited(Class),
    /// The same, with what to do.
    WaitedAdvised(Class, &'static str),
}

use Class::{Conflict, Denied, Invalid, NotFound, Stale, Throttled};
use Then::{Absent, Advised, Told, Waited, WaitedAdvised};

/// Operation, HTTP status, code, the words where they decide, and what has to come of it.
type Fact = (&'static str, u16, &'static str, &'static str, Then);

const ABSENT: &str = "ResourceNotFoundException";
const WRONG: &str = "InvalidParameterValueException";
const CHECKED: &str = "ValidationException";
const STALE: &str = "PreconditionFailedException";
const QUEUE: &str = "AWS.SimpleQueueService.NonExistentQueue";

/// AWS's answers of 2022 to 2026: every refusal on record of a call that the deployer makes, once for each code, and for
/// each wording that the deployer goes by. Source: <https://github.com/localstack/localstack>, `tests/aws/services`,
/// `test_*.snapshot.json` of `iam`, `kms`, `lambda_` (`test_lambda`, `test_lambda_api`), `logs` (`test_logs_groups`,
/// `test_logs_filter_events`), `scheduler`, `secretsmanager` and `sqs`.
#[rustfmt::skip]
const FACTS: &[Fact] = &[
    ("iam:CreateRole", 400, "MalformedPolicyDocument", "", Told(Invalid)),
    ("kms:DescribeKey", 400, "NotFoundException", "", Advised(NotFound, "secret.kms_key")),
    ("lambda:AddPermission", 400, WRONG, "", Told(Invalid)),
    ("lambda:AddPermission", 400, CHECKED, "", Told(Invalid)),
    ("lambda:AddPermission", 404, ABSENT, "", Waited(NotFound)),
    ("lambda:AddPermission", 409, "ResourceConflictException", "", Waited(Conflict)),
    ("lambda:AddPermission", 412, STALE, "", Told(Stale)),
    ("lambda:CreateFunction", 400, WRONG, "", Told(Invalid)),
    ("lambda:CreateFunction", 400, WRONG, "Error occurred while DescribeSecurityGroups.", Advised(Invalid, "function.vpc")),
    ("lambda:CreateFunction", 400, WRONG, "Error occurred while DescribeSubnets.", Advised(Invalid, "function.vpc")),
    ("lambda:CreateFunction", 400, CHECKED, "", Told(Invalid)),
    ("lambda:CreateFunction", 400, CHECKED, "at 'vpcConfig.securityGroupIds' failed", Advised(Invalid, "function.vpc")),
    ("lambda:CreateFunction", 400, CHECKED, "at 'vpcConfig.subnetIds' failed", Advised(Invalid, "function.vpc")),
    ("lambda:CreateFunction", 403, "AccessDeniedException", NOTHING, Advised(Denied, "allow lambda:CreateFunction to")),
    ("lambda:CreateFunction", 404, ABSENT, "", Told(NotFound)),
    ("lambda:CreateFunction", 413, "RequestEntityTooLargeException", "", Advised(Invalid, "function.package")),
    ("lambda:DeleteFunction", 400, WRONG, "", Told(Invalid)),
    ("lambda:DeleteFunction", 400, CHECKED, "", Told(Invalid)),
    ("lambda:DeleteFunction", 404, ABSENT, "", Absent),
    ("lambda:GetFunction", 400, WRONG, "", Told(Invalid)),
    ("lambda:GetFunction", 400, CHECKED, "", Told(Invalid)),
    ("lambda:GetFunction", 404, ABSENT, "", Absent),
    ("lambda:GetFunctionConcurrency", 404, ABSENT, "", Absent),
    ("lambda:GetFunctionConfiguration", 400, WRONG, "", Told(Invalid)),
    ("lambda:GetFunctionConfiguration", 404, ABSENT, "", Absent),
    ("lambda:GetFunctionEventInvokeConfig", 404, ABSENT, "", Absent),
    ("lambda:GetPolicy", 404, ABSENT, "", Absent),
    ("lambda:InvokeFunction", 400, "InvalidRequestContentException", "", Told(Invalid)),
    ("lambda:InvokeFunction", 400, WRONG, "", Told(Invalid)),
    ("lambda:InvokeFunction", 400, CHECKED, "", Told(Invalid)),
    ("lambda:InvokeFunction", 404, ABSENT, "", Told(NotFound)),
    ("lambda:InvokeFunction", 429, "TooManyRequestsException", "", Waited(Throttled)),
    ("lambda:PutFunctionEventInvokeConfig", 400, WRONG, "", Told(Invalid)),
    ("lambda:PutFunctionEventInvokeConfig", 400, CHECKED, "", Told(Invalid)),
    ("lambda:PutFunctionEventInvokeConfig", 404, ABSENT, "", Waited(NotFound)),
    ("lambda:RemovePermission", 404, ABSENT, "", Absent),
    ("lambda:RemovePermission", 412, STALE, "", Told(Stale)),
    ("lambda:TagResource", 400, WRONG, "", Told(Invalid)),
    ("lambda:TagResource", 400, CHECKED, "", Told(Invalid)),
    ("lambda:TagResource", 404, ABSENT, "", Told(NotFound)),
    ("lambda:UntagResource", 400, CHECKED, "", Told(Invalid)),
    ("lambda:UntagResource", 404, ABSENT, "", Told(NotFound)),
    ("lambda:UpdateFunctionCode", 400, WRONG, "", Told(Invalid)),
    ("lambda:UpdateFunctionCode", 409, "ResourceConflictException", "", Waited(Conflict)),
    ("lambda:UpdateFunctionCode", 412, STALE, "", Advised(Stale, "plan again")),
    ("lambda:UpdateFunctionConfiguration", 400, WRONG, "", Told(Invalid)),
    ("lambda:UpdateFunctionConfiguration", 400, CHECKED, "", Told(Invalid)),
    ("lambda:UpdateFunctionConfiguration", 409, "ResourceConflictException", "", Waited(Conflict)),
    ("lambda:UpdateFunctionConfiguration", 412, STALE, "", Advised(Stale, "plan again")),
    ("logs:CreateLogGroup", 400, "InvalidParameterException", "", Told(Invalid)),
    ("logs:CreateLogGroup", 400, "ResourceAlreadyExistsException", "", Waited(Conflict)),
    ("logs:DescribeLogGroups", 400, "InvalidParameterException", "", Told(Invalid)),
    ("logs:FilterLogEvents", 400, "InvalidParameterException", "", Told(Invalid)),
    ("scheduler:CreateSchedule", 400, CHECKED, "", Told(Invalid)),
    ("secretsmanager:CreateSecret", 400, "InvalidRequestException", "already scheduled for deletion", Waited(Conflict)),
    ("secretsmanager:CreateSecret", 400, "ResourceExistsException", "", Waited(Conflict)),
    ("secretsmanager:CreateSecret", 400, CHECKED, "", Told(Invalid)),
    ("secretsmanager:DeleteSecret", 400, CHECKED, "", Told(Invalid)),
    ("secretsmanager:DescribeSecret", 400, CHECKED, "", Told(Invalid)),
    ("secretsmanager:ListSecretVersionIds", 400, ABSENT, "", Absent),
    ("secretsmanager:ListSecretVersionIds", 400, CHECKED, "", Told(Invalid)),
    ("secretsmanager:RotateSecret", 400, "AccessDeniedException", "cannot invoke the specified Lambda function",
        WaitedAdvised(Denied, "allow lambda:InvokeFunction")),
    ("secretsmanager:RotateSecret", 400, "InvalidRequestException", "", Told(Invalid)),
    ("secretsmanager:TagResource", 400, "InvalidRequestException", "", Told(Invalid)),
    ("secretsmanager:TagResource", 400, CHECKED, "", Told(Invalid)),
    ("secretsmanager:UntagResource", 400, "InvalidRequestException", "", Told(Invalid)),
    ("secretsmanager:UntagResource", 400, CHECKED, "", Told(Invalid)),
    ("secretsmanager:UpdateSecret", 400, CHECKED, "", Told(Invalid)),
    ("sqs:GetQueueAttributes", 400, QUEUE, "", Absent),
    ("sqs:GetQueueUrl", 400, QUEUE, "", Absent),
];

/// The service gives no reason at all.
const NOTHING: &str = "null";

/// What a refusal came to.
struct Came {
    result: Result<(), Error>,
    /// Whether it was taken for an absence.
    is_absent: bool,
    /// What was said of waiting.
    told: Vec<String>,
}

impl Came {
    fn of_read<T>(result: Result<T, Error>, is_absent: impl FnOnce(&T) -> bool) -> Self {
        let is_absent = result.as_ref().is_ok_and(is_absent);
        Self { result: result.map(drop), is_absent, told: vec![] }
    }

    fn of_change(performed: Performed) -> Self {
        let is_absent = performed.result.is_ok();
        Self { result: performed.result, is_absent, told: performed.told }
    }
}

/// An account in which whatever else is changed succeeds.
fn willing(stage: Stage) -> Stage {
    for call in crate::sources::calls() {
        let is_read = ["Get", "List", "Describe"].iter().any(|read| call.split(':').nth(1).unwrap().starts_with(read));
        if !is_read {
            stage.wire.always(&call, done());
        }
    }
    stage
}

async fn read(stage: Stage, call: &str, refusal: &Mishap, is_absent: impl FnOnce(&Observed) -> bool) -> Came {
    stage.wire.mishap(call, refusal.clone());
    let observed = reads::observe(&stage).await.map_err(|(_, mut errors)| errors.remove(0).error);
    Came::of_read(observed, is_absent)
}

async fn change(stage: Stage, kind: Kind, call: &str, refusal: &Mishap) -> Came {
    let stage = willing(stage);
    stage.wire.mishap(call, refusal.clone());
    Came::of_change(stage.apply(kind).await)
}

async fn removal(stage: Stage, kind: Kind, call: &str, refusal: &Mishap) -> Came {
    let stage = willing(stage);
    stage.wire.mishap(call, refusal.clone());
    Came::of_change(stage.tear_down(kind).await)
}

/// A stack that was applied by a spec with tags, and has others now.
fn with_other_tags(kind: Kind) -> Stage {
    let spec = stack::edited(|text| text + "\ntags: {team: payments}\n");
    let mut live = stack::applied(&spec);
    let tags = stack::tags_mut(&mut live, kind);
    tags.remove("team");
    tags.insert("stray".to_owned(), "x".to_owned());
    Stage::new(spec, live)
}

/// A stack whose secret's rotation Secrets Manager starts, without one resource.
fn managed_without(kind: Option<Kind>) -> Stage {
    let spec = stack::managed();
    let live = stack::applied(&spec);
    Stage::new(spec, kind.into_iter().fold(live, stack::without))
}

/// Makes the call as the deployer does, and has it refused.
async fn refused(call: &'static str, refusal: &Mishap) -> Came {
    let wire = Wire::new();
    wire.mishap(call, refusal.clone());
    let clients = wire.clients();
    let changed = |change: fn(&mut plan::live::Live)| Stage::with(change);
    match call {
        "iam:CreateRole" => change(Stage::missing(Kind::ExecutionRole), Kind::ExecutionRole, call, refusal).await,
        "kms:DescribeKey" => read(reads::with_key("alias/app"), call, refusal, |_| false).await,
        "lambda:AddPermission" => {
            change(managed_without(Some(Kind::Permission)), Kind::Permission, call, refusal).await
        }
        "lambda:CreateFunction" | "lambda:PutFunctionEventInvokeConfig" => {
            let stage = Stage::missing(Kind::Function);
            let made = stack::applied(&stage.spec).function.unwrap();
            let body = crate::world::function_body(&made, Some("Active"), Some("Successful"));
            stage.wire.always("lambda:GetFunction", ok(body));
            change(stage, Kind::Function, call, refusal).await
        }
        "lambda:DeleteFunction" => removal(Stage::applied(), Kind::Function, call, refusal).await,
        "lambda:GetFunction" => read(Stage::applied(), call, refusal, |it| it.live.function.is_none()).await,
        "lambda:GetFunctionEventInvokeConfig" => {
            let is_absent = |it: &Observed| it.live.function.as_ref().is_some_and(|it| it.async_invoke.is_none());
            read(Stage::applied(), call, refusal, is_absent).await
        }
        "lambda:GetFunctionConfiguration" => {
            wire.always("lambda:GetFunctionConcurrency", done());
            Came::of_read(clients.function_health("f").await, Option::is_none)
        }
        "lambda:GetFunctionConcurrency" => {
            wire.always("lambda:GetFunctionConfiguration", ok(json!({"State": "Active"})));
            let is_free = |it: &Option<plan::doctor::Health>| {
                it.as_ref().is_some_and(|it| it.concurrency == plan::doctor::Concurrency::Unreserved)
            };
            Came::of_read(clients.function_health("f").await, is_free)
        }
        "lambda:GetPolicy" => read(managed_without(None), call, refusal, |it| it.live.permission.is_none()).await,
        "lambda:InvokeFunction" => {
            let asked = invoke::ask(&wire).await;
            Came { result: asked.result.map(drop), is_absent: false, told: asked.told }
        }
        "lambda:RemovePermission" => removal(managed_without(None), Kind::Permission, call, refusal).await,
        "lambda:TagResource" | "lambda:UntagResource" => {
            change(with_other_tags(Kind::Function), Kind::Function, call, refusal).await
        }
        "lambda:UpdateFunctionCode" => {
            let stage = changed(|live| "other".clone_into(&mut live.function.as_mut().unwrap().settings.code_sha256));
            change(stage, Kind::Function, call, refusal).await
        }
        "lambda:UpdateFunctionConfiguration" => {
            let stage = changed(|live| live.function.as_mut().unwrap().settings.memory = 512);
            change(stage, Kind::Function, call, refusal).await
        }
        "logs:CreateLogGroup" => change(Stage::missing(Kind::LogGroup), Kind::LogGroup, call, refusal).await,
        "logs:DescribeLogGroups" => read(Stage::applied(), call, refusal, |_| false).await,
        "logs:FilterLogEvents" => Came::of_read(clients.logs("g", jiff::Timestamp::UNIX_EPOCH).await, |_| false),
        "scheduler:CreateSchedule" => change(Stage::missing(Kind::Schedule), Kind::Schedule, call, refusal).await,
        "secretsmanager:CreateSecret" => change(Stage::missing(Kind::Secret), Kind::Secret, call, refusal).await,
        "secretsmanager:DeleteSecret" => removal(Stage::applied(), Kind::Secret, call, refusal).await,
        "secretsmanager:DescribeSecret" => read(Stage::applied(), call, refusal, |_| false).await,
        "secretsmanager:ListSecretVersionIds" => Came::of_read(clients.versions("s").await, Vec::is_empty),
        "secretsmanager:RotateSecret" => {
            change(managed_without(Some(Kind::Rotation)), Kind::Rotation, call, refusal).await
        }
        "secretsmanager:TagResource" | "secretsmanager:UntagResource" => {
            change(with_other_tags(Kind::Secret), Kind::Secret, call, refusal).await
        }
        "secretsmanager:UpdateSecret" => {
            let stage = changed(|live| "other".clone_into(&mut live.secret.as_mut().unwrap().description));
            change(stage, Kind::Secret, call, refusal).await
        }
        "sqs:GetQueueAttributes" | "sqs:GetQueueUrl" => {
            let is_absent = |it: &Observed| it.surroundings.queue == DeadLetterQueue::Absent;
            read(preflight::with_queue(None), call, refusal, is_absent).await
        }
        _ => panic!("nothing calls {call}"),
    }
}

/// A refusal in every form in which the service's protocol may write it.
fn forms(call: &str, status: u16, code: &str, words: &str) -> Vec<Mishap> {
    let answers = |headers: Vec<(&'static str, String)>, body: String| Mishap::Answers { status, headers, body };
    let named = |name: &str, code: Option<&str>| {
        let words = if words == NOTHING { json!(null) } else { json!(words) };
        let mut body = json!({name: words, "Type": "User"});
        if let Some(code) = code {
            body["__type"] = json!(code);
        }
        body.to_string()
    };
    match call.split(':').next().unwrap() {
        "iam" => {
            let error = format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>{words}</Message></Error>");
            vec![answers(vec![], format!("<ErrorResponse>{error}<RequestId>request-1</RequestId></ErrorResponse>"))]
        }
        "lambda" | "scheduler" => {
            let header = |code: String| vec![("x-amzn-errortype", code)];
            let long = format!("{code}:http://internal.amazon.com/coral/com.amazonaws.service/");
            let both = [code.to_owned(), long].map(|code| ["message", "Message"].map(|name| (code.clone(), name)));
            both.concat().into_iter().map(|(code, name)| answers(header(code), named(name, None))).collect()
        }
        // The code of the older protocol is in a header beside the newer one's.
        "sqs" => {
            let header = vec![("x-amzn-query-error", format!("{code};Sender"))];
            vec![answers(header, named("message", Some("com.amazonaws.sqs#QueueDoesNotExist")))]
        }
        _ => {
            let both = [code.to_owned(), format!("com.amazonaws.service#{code}")];
            let both = both.map(|code| ["message", "Message"].map(|name| named(name, Some(&code))));
            both.concat().into_iter().map(|body| answers(vec![], body)).collect()
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_aws_was_seen_to_refuse_comes_to_what_it_means_and_is_told_in_its_words() {
    let mut replayed = 0;
    for &(call, status, code, decisive, then) in FACTS {
        assert!(meaning(call, code).is_some(), "nobody has said what {code} of {call} means");
        let words = match decisive {
            NOTHING => NOTHING.to_owned(),
            _ => format!("Words of the service: {decisive} and more."),
        };
        for form in forms(call, status, code, &words) {
            let came = Box::pin(refused(call, &form)).await;
            replayed += 1;
            let at = format!("{call} {status} {code} {decisive}: {:?}, told {:?}", came.result, came.told);
            let (class, hint, is_waited) = match then {
                Absent => {
                    assert!(came.is_absent && came.told.is_empty(), "{at}");
                    continue;
                }
                Told(class) => (class, "", false),
                Advised(class, hint) => (class, hint, false),
                Waited(class) => (class, "", true),
                WaitedAdvised(class, hint) => (class, hint, true),
            };
            let error = came.result.expect_err(&at);
            assert_eq!((error.operation, error.class), (call, class), "{at}");
            assert_eq!(came.told.is_empty(), !is_waited, "{at}");
            let explained = error.explained();
            assert!(explained.contains(code), "{at}");
            assert!(explained.contains(if words == NOTHING { "gave no reason" } else { &words }), "{explained}");
            assert!(explained.contains(hint), "{explained}");
        }
    }
    let calls: BTreeSet<&str> = FACTS.iter().map(|fact| fact.0).collect();
    let codes: BTreeSet<&str> = FACTS.iter().map(|fact| fact.2).collect();
    println!("{} refusals of {} calls, {} codes; {replayed} answers", FACTS.len(), calls.len(), codes.len());
    assert!(replayed > 250 && calls.len() > 30, "{replayed} answers to {} calls", calls.len());
}
