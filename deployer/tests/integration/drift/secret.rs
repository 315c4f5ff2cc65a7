use serde_json::{Value, json};

use super::{Row, row, tags};
use crate::bed::Bed;

const NAME: &str = "app/password";

fn update(bed: &Bed, field: &str, value: &Value) {
    bed.call("secretsmanager", "update_secret", json!({"SecretId": NAME, field: value}));
}

fn tag(bed: &Bed, key: &str, value: Option<&str>) {
    match value {
        Some(value) => {
            let tags = json!([{"Key": key, "Value": value}]);
            bed.call("secretsmanager", "tag_resource", json!({"SecretId": NAME, "Tags": tags}))
        }
        None => bed.call("secretsmanager", "untag_resource", json!({"SecretId": NAME, "TagKeys": [key]})),
    };
}

pub fn rows() -> Vec<Row> {
    let mut all = vec![
        row("description", |bed| update(bed, "Description", &json!("other"))),
        row("description", |bed| update(bed, "Description", &json!(""))),
        row("kms_key", |bed| {
            let key = bed.call("kms", "create_key", json!({}))["KeyMetadata"]["Arn"].clone();
            update(bed, "KmsKeyId", &key);
        }),
        row("kms_key", |bed| update(bed, "KmsKeyId", &json!("alias/aws/secretsmanager"))),
    ];
    all.extend(tags(tag));
    all
}
