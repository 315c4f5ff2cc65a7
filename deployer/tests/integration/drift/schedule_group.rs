use serde_json::json;

use super::{Row, tags};
use crate::bed::Bed;

const ARN: &str = "arn:aws:scheduler:us-east-1:123456789012:schedule-group/app";

fn tag(bed: &Bed, key: &str, value: Option<&str>) {
    match value {
        Some(value) => {
            let tags = json!([{"Key": key, "Value": value}]);
            bed.call("scheduler", "tag_resource", json!({"ResourceArn": ARN, "Tags": tags}))
        }
        None => bed.call("scheduler", "untag_resource", json!({"ResourceArn": ARN, "TagKeys": [key]})),
    };
}

pub fn rows() -> Vec<Row> {
    tags(tag)
}
