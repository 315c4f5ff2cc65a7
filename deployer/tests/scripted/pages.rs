//! Lists in pages: read to their end, and no further.

use deployer::aws::{Class, Error};
use serde_json::json;

use crate::reads::observe;
use crate::stage::Stage;
use crate::wire::{Call, Wire, ok, with};

const POLICIES: &str = "iam:ListRolePolicies";
const ATTACHED: &str = "iam:ListAttachedRolePolicies";
const SCHEDULES: &str = "scheduler:ListSchedules";
const VERSIONS: &str = "secretsmanager:ListSecretVersionIds";
const LOG: &str = "logs:FilterLogEvents";

/// Every list that comes in pages.
const LISTS: [&str; 5] = [POLICIES, ATTACHED, SCHEDULES, VERSIONS, LOG];

/// The token that follows a token.
type Next = fn(&str) -> Option<&'static str>;

/// The token that a call has; none is empty.
fn token(call: &Call) -> String {
    let in_body = ["Marker", "NextToken", "nextToken"].iter().find_map(|name| call.body[name].as_str());
    let mut in_path = call.path.split('?').nth(1).into_iter().flat_map(|query| query.split('&'));
    let in_path = in_path.find_map(|pair| pair.strip_prefix("NextToken="));
    in_body.or(in_path).unwrap_or_default().to_owned()
}

/// A page with one item, named by the token that led to it, and the token of the next one.
fn page(operation: &str, item: &str, next: Option<&str>) -> String {
    let marker = next.map(|next| format!("<Marker>{next}</Marker>")).unwrap_or_default();
    let marker = format!("<IsTruncated>{}</IsTruncated>{marker}", next.is_some());
    match operation {
        POLICIES => format!("<PolicyNames><member>{item}</member></PolicyNames>{marker}"),
        ATTACHED => format!(
            "<AttachedPolicies><member><PolicyName>x</PolicyName><PolicyArn>{item}</PolicyArn></member>\
             </AttachedPolicies>{marker}"
        ),
        SCHEDULES => json!({"Schedules": [{"Name": item}], "NextToken": next}).to_string(),
        VERSIONS => json!({"Versions": [{"VersionId": item}], "NextToken": next}).to_string(),
        _ => json!({"events": [{"message": item, "eventId": item}], "nextToken": next}).to_string(),
    }
}

/// The items of a list whose pages lead from token to token as `next` says, and the calls for one such list.
async fn read(list: &'static str, next: Next) -> (Result<Vec<String>, Error>, usize) {
    let wire = Wire::new();
    let reply = || {
        with(move |call| {
            let token = token(call);
            page(list, &format!("item{token}"), next(&token))
        })
    };
    if [VERSIONS, LOG].contains(&list) {
        wire.always(list, reply());
        let items = if list == VERSIONS {
            wire.clients().all_versions("s").await.map(|all| all.into_iter().map(|version| version.id).collect())
        } else {
            let lines = wire.clients().logs("g", jiff::Timestamp::UNIX_EPOCH).await;
            lines.map(|all| all.into_iter().map(|line| line.text).collect())
        };
        return (items, wire.count(list));
    }
    let stage = Stage::applied();
    stage.wire.always(list, reply());
    let policy = "<RoleName>x</RoleName><PolicyName>x</PolicyName><PolicyDocument>{}</PolicyDocument>";
    stage.wire.always("iam:GetRolePolicy", ok(policy));
    let observed = observe(&stage).await;
    let roles = if list == SCHEDULES { 1 } else { 2 };
    let calls = stage.wire.count(list) / roles;
    let items = observed.map_err(|(_, errors)| errors[0].error.clone()).map(|observed| match list {
        SCHEDULES => observed.live.schedules_in_group,
        ATTACHED => observed.live.invoke_role.unwrap().attached.into_iter().collect(),
        _ => observed.live.invoke_role.unwrap().policies.into_keys().filter(|name| name.starts_with("item")).collect(),
    });
    (items, calls)
}

#[tokio::test(start_paused = true)]
async fn every_page_of_every_list_is_read_and_an_empty_token_is_the_end() {
    let ends: [Next; 2] = [
        |token| [("", "a"), ("a", "b")].into_iter().find(|(from, _)| *from == token).map(|(_, to)| to),
        |token| [("", "a"), ("a", "b"), ("b", "")].into_iter().find(|(from, _)| *from == token).map(|(_, to)| to),
    ];
    for list in LISTS {
        for next in ends {
            let (items, calls) = read(list, next).await;
            let mut items = items.unwrap();
            items.sort();
            assert_eq!((items, calls), (["item", "itema", "itemb"].map(str::to_owned).to_vec(), 3), "{list}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_leads_back_to_a_page_of_its_own_is_left_and_says_so() {
    let loops: [(Next, usize); 2] = [(|_| Some("a"), 2), (|token| if token == "a" { Some("b") } else { Some("a") }, 3)];
    for list in LISTS {
        for (next, pages) in loops {
            let (items, calls) = read(list, next).await;
            let error = items.unwrap_err();
            assert_eq!((error.operation, error.class, calls), (list, Class::Service, pages));
            assert!(error.message.contains("leads back") && error.hint.is_some(), "{error:?}");
        }
    }
}
