//! Lambda: a function on a network of its owner's.

use std::collections::BTreeSet;
use std::time::Duration;

use plan::resource::Kind;
use plan::spec::{Spec, Vpc};
use serde_json::json;

use crate::stack;
use crate::stage::Stage;
use crate::wire::{done, error};
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
