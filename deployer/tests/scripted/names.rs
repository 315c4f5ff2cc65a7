//! What AWS was seen to refuse and to take of names, and what it said that it takes: the table of limits takes no more.

use plan::limits::{Limit, TABLE, Value};

fn limit(member: &str) -> &'static Limit {
    TABLE.iter().find(|limit| limit.members.contains(&member)).unwrap_or_else(|| panic!("{member} is not bounded"))
}

fn takes(member: &str, text: &str) -> bool {
    limit(member).check(&Value::Text(text.to_owned())).is_ok()
}

const SECRET: &str = "secretsmanager:CreateSecret.Name";
const FUNCTION: &str = "lambda:CreateFunction.FunctionName";
const ROLE: &str = "lambda:CreateFunction.Role";
const SUBNET: &str = "lambda:CreateFunction.VpcConfig.SubnetIds[]";
const SECURITY_GROUP: &str = "lambda:CreateFunction.VpcConfig.SecurityGroupIds[]";
const ARCHITECTURE: &str = "lambda:CreateFunction.Architectures[]";
const RUNTIME: &str = "lambda:CreateFunction.Runtime";
const STATEMENT: &str = "lambda:AddPermission.StatementId";
const RESOURCE: &str = "lambda:TagResource.Resource";
const LOG_GROUP: &str = "logs:CreateLogGroup.logGroupName";

/// What was refused, each as often as a length needs. Source: <https://github.com/localstack/localstack>,
/// `tests/aws/services`: `secretsmanager/test_secretsmanager.snapshot.json`, `lambda_/test_lambda_api.snapshot.json`,
/// `logs/test_logs_groups.snapshot.json`.
const REFUSED: &[(&str, &str, usize)] = &[
    (SECRET, "Inv Name", 1),
    (SECRET, " Inv Name", 1),
    (SECRET, " Inv*Name? ", 1),
    (SECRET, " Inv *?!]Name\\-", 1),
    (FUNCTION, "*", 1),
    (FUNCTION, "a", 65),
    (FUNCTION, "my-function!", 1),
    (FUNCTION, "my-function:invalid!", 1),
    (FUNCTION, "invalid:function:name", 1),
    (FUNCTION, "invalid-account:function:my-function", 1),
    (FUNCTION, "function:my-function:$LATEST:extra", 1),
    (FUNCTION, "arn:aws:lambda::123456789012:function:my-function", 1),
    (FUNCTION, "arn:aws:lambda:us-east-1::function:my-function", 1),
    (FUNCTION, "arn:aws:lambda:us-east-1:123456789012:function:my-function:1:2", 1),
    (FUNCTION, "arn:aws:lambda:us-east-1:123456789012:function:my-function:$LATES", 1),
    (FUNCTION, "arn:aws:lambda:us-east-1:123456789012:function:my-function:$latest", 1),
    (FUNCTION, "arn:aws:lambda:invalid-region:123456789012:function:my-function", 1),
    (FUNCTION, "arn:aws:ec2:us-east-1:123456789012:instance:i-1234567890abcdef0", 1),
    (ROLE, "r1", 1),
    (SUBNET, "bad-format-5f2c91ab", 1),
    (SECURITY_GROUP, "bad-format-5f2c91ab", 1),
    (ARCHITECTURE, "X86_64", 1),
    (RUNTIME, "PYTHON3.9", 1),
    (RUNTIME, "non-existent-runtime", 1),
    (STATEMENT, "example.com", 1),
    (RESOURCE, "arn:aws:something", 1),
    (LOG_GROUP, "a", 513),
];

/// What was taken, or named as what is taken, or refused for not being there alone. Source: the same.
const TAKEN: &[(&str, &str)] = &[
    (SECRET, "s-c64bdc03"),
    (SECRET, "Valid/_+=.@-Name"),
    (SECRET, "Valid/_+=.@-Name-a1b2"),
    (SECRET, "Valid/_+=.@-Name-a1b2c3-"),
    (FUNCTION, "my-function"),
    (SUBNET, "subnet-5f2c91ab"),
    (SECURITY_GROUP, "sg-5f2c91ab"),
    (ARCHITECTURE, "x86_64"),
    (RUNTIME, "provided.al2023"),
    (STATEMENT, "account-id"),
    (STATEMENT, "alexaSkill"),
    (STATEMENT, "s3"),
];

/// What a refusal said that is taken besides letters and digits of ASCII, after what it begins with. Source: the same.
const SAID: &[(&str, &str, &str)] = &[
    (SECRET, "", "-/_+=.@!"),
    (FUNCTION, "", "-_"),
    (ROLE, "arn:aws:iam::123456789012:role/", "+=,.@-_/"),
    (SUBNET, "subnet-", ""),
    (SECURITY_GROUP, "sg-", ""),
    (STATEMENT, "", "-_"),
    (RESOURCE, "arn:aws:lambda:us-east-1:123456789012:function:", "-_"),
];

#[test]
fn names_that_aws_was_seen_to_refuse_are_refused_and_those_that_it_took_are_taken() {
    for (member, text, times) in REFUSED {
        assert!(!takes(member, &text.repeat(*times)), "{member} {text} {times}");
    }
    for (member, text) in TAKEN {
        assert!(takes(member, text), "{member} {text}");
    }
    // A function with 50 tags was made, and one with 51 was not.
    for member in ["lambda:CreateFunction.Tags", "lambda:TagResource.Tags"] {
        let fits = |count| limit(member).check(&Value::Items(count)).is_ok();
        assert!(fits(50) && !fits(51), "{member}");
    }
    println!("{} names refused, {} taken", REFUSED.len(), TAKEN.len());
}

#[test]
fn of_the_characters_no_more_are_taken_than_aws_said_that_it_takes() {
    let mut taken = 0;
    for (member, begin, said) in SAID {
        for letter in ('\0'..='\u{ff}').chain(['\u{2028}', 'ſ', 'K', '٣', 'a']) {
            if takes(member, &format!("{begin}a{letter}a")) {
                taken += 1;
                assert!(letter.is_ascii_alphanumeric() || said.contains(letter), "{member} takes {letter:?}");
            }
        }
        // Of a security group's id the table has no capitals, as ids have none.
        assert!(('a'..='z').chain('0'..='9').all(|letter| takes(member, &format!("{begin}a{letter}a"))), "{member}");
    }
    println!("{taken} characters of {} members", SAID.len());
}
