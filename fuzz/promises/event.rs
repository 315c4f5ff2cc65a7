//! What holds for any JSON that the function is invoked with.

use contract::{Asked, Event};
use serde_json::{Value, json};

pub fn hold(data: &[u8]) {
    // What is no JSON never comes as far as the function.
    let Ok(event) = serde_json::from_slice::<Value>(data) else { return };
    match Asked::parse(event.clone()) {
        Ok(Asked::Own(own)) => {
            assert_eq!(event["action"], json!(own)["action"]);
            // Written anew it says the same, so nothing of it was taken for something else.
            assert!(matches!(Asked::parse(json!(own)), Ok(Asked::Own(again)) if again == own));
            let (Event::Rotate { secret_arn, .. } | Event::SelfCheck { secret_arn }) = own;
            assert_eq!(json!(secret_arn), event.get("secretArn").cloned().unwrap_or_default());
        }
        Ok(Asked::Managed(managed)) => {
            assert_eq!(json!(managed.secret_id), event["SecretId"]);
            assert_eq!(json!(managed.client_request_token), event["ClientRequestToken"]);
            assert_eq!(json!(managed.rotation_token), event.get("RotationToken").cloned().unwrap_or_default());
        }
        // It has no room for a word of the event.
        Err(contract::UnknownEvent) => {}
    }
}
