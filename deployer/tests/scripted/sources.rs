//! What must not be in the deployer at all.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use plan::actions::ACTIONS;

fn files(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
        }
    }
}

fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    files(&root.join("src"), &mut found);
    files(&root.join("plan/src"), &mut found);
    assert!(found.len() > 50, "{} files", found.len());
    found
}

/// The text with neither case nor underscores, so that every spelling of an operation is one.
fn folded(text: &str) -> String {
    text.to_lowercase().replace('_', "")
}

#[test]
fn the_deployer_reads_no_secret_value() {
    for (path, text) in sources() {
        for call in ["getsecretvalue", "batchgetsecretvalue", "getrandompassword"] {
            assert!(!folded(&text).contains(call), "{path} has {call}");
        }
    }
}

#[test]
fn the_deployer_writes_no_secret_value_but_the_first() {
    for (path, text) in sources() {
        let writes = folded(&text).matches(".secretstring(").count() + folded(&text).matches("putsecretvalue").count();
        let allowed = usize::from(path.ends_with("aws/secret.rs"));
        assert_eq!(writes, allowed, "{path}");
    }
}

#[test]
fn only_one_folder_talks_to_aws() {
    for (path, text) in sources() {
        assert!(path.contains("src/aws/") || !text.contains("aws_sdk_"), "{path}");
    }
}

/// What AWS asks for along with a call of another name.
const ASKED_ALONG: [&str; 7] = [
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
    "iam:PassRole",
    "kms:Decrypt",
    "kms:Encrypt",
    "kms:GenerateDataKey",
];

/// Every call, by the name under which its refusal is told.
pub fn calls() -> BTreeSet<String> {
    let mut called = BTreeSet::new();
    for (_, text) in sources().iter().filter(|(path, _)| path.contains("src/aws/")) {
        for begin in ["failed(\"", "denied(\""] {
            let names = text.split(begin).skip(1).filter_map(|rest| rest.split_once('"'));
            called.extend(names.map(|(name, _)| name.to_owned()));
        }
    }
    called
}

#[test]
fn the_table_of_actions_has_every_call_and_none_too_many() {
    let mut called = calls();
    // Who is calling is told without a permission.
    assert!(called.remove("sts:GetCallerIdentity"));
    called.extend(ASKED_ALONG.map(str::to_owned));
    let table: BTreeSet<String> = ACTIONS.iter().map(|action| action.name.to_owned()).collect();
    assert_eq!(table, called);
}
