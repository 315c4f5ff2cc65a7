use serde_json::json;

use super::{Row, row, tags};
use crate::bed::Bed;

const NAME: &str = "/aws/lambda/app-function";
const ARN: &str = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/app-function";

fn tag(bed: &Bed, key: &str, value: Option<&str>) {
    match value {
        Some(value) => bed.call("logs", "tag_resource", json!({"resourceArn": ARN, "tags": {key: value}})),
        None => bed.call("logs", "untag_resource", json!({"resourceArn": ARN, "tagKeys": [key]})),
    };
}

pub fn rows() -> Vec<Row> {
    let mut all = vec![
        row("retention_days", |bed| {
            bed.call("logs", "put_retention_policy", json!({"logGroupName": NAME, "retentionInDays": 365}));
        }),
        row("retention_days", |bed| {
            bed.call("logs", "delete_retention_policy", json!({"logGroupName": NAME}));
        }),
    ];
    all.extend(tags(tag));
    all
}
