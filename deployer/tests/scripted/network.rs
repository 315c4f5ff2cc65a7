//! Lambda: a function on a network of its owner's.

use std::collections::BTreeSet;
use std::time::Duration;

use deployer::aws::Class;
use plan::resource::Kind;
use plan::spec::{Spec, Vpc};
use serde_json::json;

use crate::stack;
use crate::stage::Stage;
use crate::wire::{absent, denied, done, error, ok};
use crate::world;

const CREATE: &str = "lambda:CreateFunction";
const CONFIGURE: &str = "lambda:UpdateFunctionConfiguration";
const NOT_READY: &str = "The provided execution role does not have permissions to call CreateNetworkInterface on EC2";

fn attached() -> Spec {
    let network = "vpc: {subnets: [subnet-0000000b, subnet-0000000a], security_groups: [sg-0000000a]}";
    stack::with("memory: 128", &format!("memory: 128\n  {network}"))
}

#[tokio::test(start_paused = true)]
async fn a_function_is_made_on_its_network() {
    let spec = attached();
    let live = stack::applied(&spec);
    let stage = Stage::new(spec, stack::without(live.clone(), Kind::Function));
    world::function(&stage.wire, live.function.as_ref());
    stage.wire.on(CREATE, [done()]).always("lambda:PutFunctionEventInvokeConfig", done());
    stage.apply(Kind::Function).await.succeeded();
    let sent = stage.wire.the(CREATE).body["VpcConfig"].clone();
    let subnets = ["subnet-0000000a", "subnet-0000000b"];
    assert_eq!(sent, json!({"SubnetIds": subnets, "SecurityGroupIds": ["sg-0000000a"]}));
}

#[tokio::test(start_paused = true)]
async fn a_role_that_may_not_make_interfaces_yet_is_waited_for_for_five_minutes() {
    let spec = attached();
    let stage = Stage::new(spec.clone(), stack::without(stack::applied(&spec), Kind::Function));
    stage.wire.always(CREATE, error(400, "InvalidParameterValueException", NOT_READY));
    let failed = stage.apply(Kind::Function).await;
    let deadline = Duration::from_mins(5);
    assert!((deadline..deadline + Duration::from_secs(1)).contains(&failed.took), "{:?}", failed.took);
    assert!(failed.told[0].contains("RotatePasswordFunction-role is not usable yet"), "{:?}", failed.told);
}

#[tokio::test(start_paused = true)]
async fn a_subnet_or_a_security_group_that_is_not_there_is_told_with_the_key_that_names_it() {
    for message in [
        "Error occurred while DescribeSubnets. EC2 Error Code: InvalidSubnetID.NotFound. EC2 Error Message: The subnet ID \
         'subnet-0000000b' does not exist",
        "Error occurred while DescribeSecurityGroups. EC2 Error Code: InvalidGroup.NotFound. EC2 Error Message: The \
         security group 'sg-0000000a' does not exist",
    ] {
        let spec = attached();
        let stage = Stage::new(spec.clone(), stack::without(stack::applied(&spec), Kind::Function));
        stage.wire.always(CREATE, error(400, "InvalidParameterValueException", message));
        let failed = stage.apply(Kind::Function).await;
        assert_eq!(stage.wire.count(CREATE), 1, "no waiting helps");
        assert!(failed.error().hint.is_some_and(|hint| hint.contains("function.vpc")), "{message}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_network_is_sent_where_it_changes_and_taken_away_by_empty_lists() {
    let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<BTreeSet<_>>();
    let other = Vpc { subnets: ids(&["subnet-0000000c"]), security_groups: ids(&["sg-0000000c"]) };
    let all = json!({"SubnetIds": ["subnet-0000000a", "subnet-0000000b"], "SecurityGroupIds": ["sg-0000000a"]});
    let none = json!({"SubnetIds": [], "SecurityGroupIds": []});
    for (spec, live_vpc, sent) in
        [(attached(), Some(other.clone()), all.clone()), (attached(), None, all), (stack::spec(), Some(other), none)]
    {
        let mut live = stack::applied(&spec);
        live.function.as_mut().unwrap().settings.vpc = live_vpc;
        let stage = Stage::new(spec, live);
        stage.wire.on(CONFIGURE, [done()]).always("lambda:TagResource", done());
        stage.apply(Kind::Function).await.succeeded();
        assert_eq!(stage.wire.the(CONFIGURE).body["VpcConfig"], sent);
    }
    // An unchanged one takes no right to look at it.
    let spec = attached();
    let mut live = stack::applied(&spec);
    live.function.as_mut().unwrap().settings.memory = 512;
    let stage = Stage::new(spec, live);
    stage.wire.on(CONFIGURE, [done()]).always("lambda:TagResource", done());
    stage.apply(Kind::Function).await.succeeded();
    assert!(stage.wire.the(CONFIGURE).body.get("VpcConfig").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_function_is_taken_off_its_network_and_settled_before_it_is_deleted() {
    let (get, delete) = ("lambda:GetFunction", "lambda:DeleteFunction");
    let spec = attached();
    let live = stack::applied(&spec);
    let body = |update| ok(world::function_body(live.function.as_ref().unwrap(), Some("Active"), Some(update)));
    let stage = Stage::new(spec, live.clone());
    let busy = body("InProgress");
    stage.wire.always(get, body("Successful")).on(get, [body("Successful"), busy.clone(), busy]);
    stage.wire.on(CONFIGURE, [done()]).on(delete, [done()]);
    let gone = stage.tear_down(Kind::Function).await;
    gone.succeeded();
    assert_eq!(stage.wire.changes(), [CONFIGURE, delete]);
    assert_eq!(stage.wire.the(CONFIGURE).body, json!({"VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []}}));
    assert_eq!((stage.wire.count(get), gone.told.len()), (4, 2), "{:?}", gone.told);
}

#[tokio::test(start_paused = true)]
async fn what_can_not_be_taken_off_its_network_is_deleted_all_the_same_but_not_against_a_refusal() {
    let delete = "lambda:DeleteFunction";
    let no_role = "The role defined for the function cannot be assumed by Lambda.";
    let spec = attached();
    for reply in [absent(CONFIGURE), error(400, "InvalidParameterValueException", no_role)] {
        let stage = Stage::new(spec.clone(), stack::applied(&spec));
        stage.wire.on(CONFIGURE, [reply]).on(delete, [done()]);
        stage.tear_down(Kind::Function).await.succeeded();
        assert_eq!(stage.wire.changes(), [CONFIGURE, delete]);
    }
    let stage = Stage::new(spec.clone(), stack::applied(&spec));
    stage.wire.on(CONFIGURE, [denied(CONFIGURE)]);
    let error = stage.tear_down(Kind::Function).await.error();
    assert!(error.class == Class::Denied && error.hint.is_some_and(|hint| hint.contains(CONFIGURE)));
    assert_eq!(stage.wire.changes(), [CONFIGURE], "the role would go next");

    // One that never came to be has no network to leave.
    let mut live = stack::applied(&spec);
    live.function.as_mut().unwrap().state = Some("Failed".to_owned());
    let stage = Stage::new(spec, live);
    stage.wire.on(delete, [done()]);
    stage.tear_down(Kind::Function).await.succeeded();
    assert_eq!(stage.wire.changes(), [delete]);
}

#[tokio::test(start_paused = true)]
async fn an_update_that_failed_is_done_again_with_the_network() {
    let (get, spec) = ("lambda:GetFunction", attached());
    let mut live = stack::applied(&spec);
    let function = live.function.as_mut().unwrap();
    function.last_update = Some("Failed".to_owned());
    let body = |update| ok(world::function_body(function, Some("Active"), Some(update)));
    let replies = [body("Failed"), body("Failed"), body("Successful")];
    let stage = Stage::new(spec, live.clone());
    let [seen, before, after] = replies;
    stage.wire.always(get, after).on(get, [seen, before]);
    stage.wire.on(CONFIGURE, [done()]).always("lambda:TagResource", done());
    stage.apply(Kind::Function).await.succeeded();
    assert_eq!(stage.wire.the(CONFIGURE).body["VpcConfig"]["SubnetIds"], json!(["subnet-0000000a", "subnet-0000000b"]));
}

#[tokio::test(start_paused = true)]
async fn a_right_that_is_withdrawn_waits_for_a_function_that_another_run_left_unsettled() {
    let (get, remove) = ("lambda:GetFunction", "iam:DeleteRolePolicy");
    let spec = stack::spec();
    let mut live = stack::applied(&spec);
    let role = live.execution_role.as_mut().unwrap();
    role.policies.insert("ManageNetworkInterfaces".to_owned(), plan::policy::manage_network_interfaces(&attached()));
    let body = |update| ok(world::function_body(live.function.as_ref().unwrap(), Some("Active"), Some(update)));
    let (busy, settled, failed) = (body("InProgress"), body("Successful"), body("Failed"));
    let stage = Stage::new(spec.clone(), live.clone());
    stage.wire.always(get, settled).on(get, [busy.clone(), busy.clone(), busy]);
    stage.wire.on(remove, [done()]).on("iam:TagRole", [done()]);
    let done = stage.apply(Kind::ExecutionRole).await;
    done.succeeded();
    assert!(done.told.len() == 2 && done.told[0].contains("InProgress"), "{:?}", done.told);
    let calls = stage.wire.operations();
    let last = calls.iter().rposition(|call| call == get);
    assert!(last < calls.iter().position(|call| call == remove), "{calls:?}");

    let stage = Stage::new(spec, live.clone());
    stage.wire.always(get, failed);
    let error = stage.apply(Kind::ExecutionRole).await.error();
    assert!(error.message.contains("last update failed"), "{error}");
    assert!(stage.wire.changes().is_empty(), "it may run with its old settings");
}
