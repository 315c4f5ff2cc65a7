//! A plan as a person, a pull request and a program read it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::too_many_lines, reason = "a whole document is shown")]

mod stack;

use plan::live::Live;
use plan::ownership::{ROLE_ID_TAG, STACK_TAG};
use plan::package::{Origin, Package};
use plan::plan::{Plan, TeardownOptions};
use plan::render::{Palette, markdown, plan as text, teardown as teardown_text};
use plan::resource::Kind;
use serde_json::json;

/// Only what is to be done, so that each test shows its own point.
fn told(plan: &Plan) -> String {
    text(plan, &Palette::plain()).to_string()
}

fn drifted(change: impl FnOnce(&mut Live)) -> Plan {
    let spec = stack::spec();
    let mut live = stack::applied(&spec);
    change(&mut live);
    stack::plan(&spec, &live)
}

#[test]
fn a_creation_shows_every_attribute() {
    insta::assert_snapshot!(told(&stack::plan(&stack::spec(), &Live::default())), @r#"
    myapp-db-password  account 123456789012, us-east-1
    package n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=, carried by deploy 1.2.3

      + secret          MyApp/DBPassword  create
          its first value is generated, and never shown
          description              "Password of MyApp's database"
          kms_key                  "alias/aws/secretsmanager"
          tags["deployer:region"]  "us-east-1"
          tags["deployer:stack"]   "myapp-db-password"

      + execution-role  RotatePasswordFunction-role  create
          path                              "/"
          description                       "Rotates the secret MyApp/DBPassword"
          trust                             allow sts:AssumeRole to lambda.amazonaws.com
          policy["KMSDecryptForRotation"]   allow kms:Decrypt, kms:GenerateDataKey
          policy["SecretsManagerRotation"]  allow secretsmanager:DescribeSecret, secretsmanager:GetSecretValue, sec…
          policy["WriteLogs"]               allow logs:CreateLogStream, logs:PutLogEvents
          tags["deployer:region"]           "us-east-1"
          tags["deployer:stack"]            "myapp-db-password"

      + log-group       /aws/lambda/RotatePasswordFunction  create
          retention_days           30
          tags["deployer:region"]  "us-east-1"
          tags["deployer:stack"]   "myapp-db-password"

      + function        RotatePasswordFunction  create
          description                          "Rotates the secret MyApp/DBPassword"
          runtime                              "provided.al2023"
          handler                              "bootstrap"
          architecture                         "x86_64"
          memory                               128
          timeout                              30
          role                                 "arn:aws:iam::123456789012:role/RotatePasswordFunction-role"
          code_sha256                          "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="
          role_id                              known after apply
          environment["ROTATOR_SECRET_ARN"]    known after apply
          environment["ROTATOR_FIELD"]         "password"
          environment["ROTATOR_PASSWORD"]      {"exclude":"","length":32,"require":["lower","upper","digit","symbol"],…
          environment["ROTATOR_SCHEDULE_ARN"]  "arn:aws:scheduler:us-east-1:123456789012:schedule/myapp-db-password/Ro…
          environment["ROTATOR_TARGET"]        "none"
          async_retries                        2
          async_max_age_seconds                3600
          tags["deployer:region"]              "us-east-1"
          tags["deployer:stack"]               "myapp-db-password"

      + schedule-group  myapp-db-password  create
          tags["deployer:region"]  "us-east-1"
          tags["deployer:stack"]   "myapp-db-password"

      + invoke-role     RotatePasswordSchedule-invoke  create
          path                      "/"
          description               "Invokes RotatePasswordFunction on schedule"
          trust                     allow sts:AssumeRole to scheduler.amazonaws.com
          policy["InvokeFunction"]  allow lambda:InvokeFunction
          tags["deployer:region"]   "us-east-1"
          tags["deployer:stack"]    "myapp-db-password"

      + schedule        RotatePasswordSchedule  create
          expression               "cron(0/5 * * * ? *)"
          timezone                 "UTC"
          flexible_window_minutes  5
          enabled                  true
          description              "Rotates the secret MyApp/DBPassword"
          target                   "arn:aws:lambda:us-east-1:123456789012:function:RotatePasswordFunction"
          role                     "arn:aws:iam::123456789012:role/RotatePasswordSchedule-invoke"
          input                    {"action":"rotate","scheduleArn":"<aws.scheduler.schedule-arn>","schedu…
          retry_attempts           2
          retry_max_age_seconds    3600

    Plan: 7 to create, 0 to update, 0 to delete.
    "#);
}

#[test]
fn no_changes_are_said_in_one_line() {
    insta::assert_snapshot!(told(&drifted(|_| {})), @"
    myapp-db-password  account 123456789012, us-east-1
    package n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=, carried by deploy 1.2.3

    No changes. The stack is as the spec says.
    ");
}

#[test]
fn an_update_shows_before_and_after() {
    let spec = stack::edited(|text| {
        text.replace("memory: 128", "memory: 256").replace("flexible_window_minutes: 5", "flexible_window_minutes: 0")
            + "\ntags: {team: payments}\n"
    });
    insta::assert_snapshot!(told(&stack::plan(&spec, &stack::applied(&stack::spec()))), @r#"
    myapp-db-password  account 123456789012, us-east-1
    package n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=, carried by deploy 1.2.3

      ~ secret          MyApp/DBPassword  update
          tags["team"]  absent → "payments"

      ~ execution-role  RotatePasswordFunction-role  update
          tags["team"]  absent → "payments"

      ~ log-group       /aws/lambda/RotatePasswordFunction  update
          tags["team"]  absent → "payments"

      ~ function        RotatePasswordFunction  update
          memory        128 → 256
          tags["team"]  absent → "payments"

      ~ schedule-group  myapp-db-password  update
          tags["team"]  absent → "payments"

      ~ invoke-role     RotatePasswordSchedule-invoke  update
          tags["team"]  absent → "payments"

      ~ schedule        RotatePasswordSchedule  update
          flexible_window_minutes  5 → 0

    Plan: 0 to create, 7 to update, 0 to delete.
    "#);
}

#[test]
fn a_changed_document_is_shown_line_by_line() {
    let plan = drifted(|live| {
        let policies = &mut live.execution_role.as_mut().unwrap().policies;
        policies.get_mut("WriteLogs").unwrap()["Statement"][0]["Action"] = json!(["logs:PutLogEvents", "logs:*"]);
        policies.remove("KMSDecryptForRotation");
        policies.insert("Stray".to_owned(), json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}));
    });
    insta::assert_snapshot!(told(&plan), @r#"
    myapp-db-password  account 123456789012, us-east-1
    package n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=, carried by deploy 1.2.3

      ~ execution-role  RotatePasswordFunction-role  update  (drift: changed outside of the spec)
          policy["KMSDecryptForRotation"]  absent → allow kms:Decrypt, kms:GenerateDataKey
          policy["WriteLogs"]
                    "Action": [
            -         "logs:*",
            +         "logs:CreateLogStream",
                      "logs:PutLogEvents"
          policy["Stray"]                  allow * → absent

    Plan: 0 to create, 1 to update, 0 to delete.
    "#);
}

#[test]
fn a_change_of_where_and_how_the_function_logs_in_is_never_cut_off() {
    let with = |host: &str, more: &str| {
        stack::with(
            "target: none",
            &format!(
                "target: {{postgres: {{strategy: alternating-users, admin_secret: MyApp/Admin, {more} \
                 connection: {{host: {host}, username: app}}}}}}"
            ),
        )
    };
    let (before, after) = (with("db.example.com", ""), with("evil.example", "tls: off, require_auth: [password],"));
    let plan = stack::plan(&after, &stack::applied(&before));
    insta::assert_snapshot!(told(&plan));
    // Nor does a text that is no JSON, as somebody may have put there, break a line or end behind a cut.
    let mut live = stack::applied(&before);
    let theirs = format!("{}\u{1b}[2J\u{9b}end", "x".repeat(90));
    live.function.as_mut().unwrap().environment.insert("ROTATOR_TARGET".to_owned(), theirs);
    let told = told(&stack::plan(&before, &live));
    assert!(told.contains("xxx\\u{1b}[2J\\u{9b}end\n"), "{told}");
}

#[test]
fn drift_is_called_drift() {
    let plan = drifted(|live| {
        live.schedule.as_mut().unwrap().settings.enabled = false;
        live.log_group.as_mut().unwrap().retention_days = None;
    });
    insta::assert_snapshot!(told(&plan), @"
    myapp-db-password  account 123456789012, us-east-1
    package n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=, carried by deploy 1.2.3

      ~ log-group       /aws/lambda/RotatePasswordFunction  update  (drift: changed outside of the spec)
          retention_days  absent → 30

      ~ schedule        RotatePasswordSchedule  update  (drift: changed outside of the spec)
          enabled  false → true

    Plan: 0 to create, 2 to update, 0 to delete.
    ");
}

#[test]
fn a_replacement_says_what_forces_it() {
    let plan = drifted(|live| {
        live.invoke_role.as_mut().unwrap().path = "/old/".to_owned();
        stack::tags_mut(live, Kind::Function).insert(ROLE_ID_TAG.to_owned(), "AROABEFORE".to_owned());
    });
    insta::assert_snapshot!(told(&plan), @r#"
    myapp-db-password  account 123456789012, us-east-1
    package n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=, carried by deploy 1.2.3

      ± function        RotatePasswordFunction  replace  (drift: changed outside of the spec)
          role_id  "AROABEFORE" → "AROAEXECUTION"  (forces replacement)

      ± invoke-role     RotatePasswordSchedule-invoke  replace  (drift: changed outside of the spec)
          path  "/old/" → "/"  (forces replacement)

    Plan: 0 to create, 0 to update, 2 to replace, 0 to delete.
    "#);
}

#[test]
fn a_restoration_says_since_when_and_what_it_mends() {
    let plan = drifted(|live| {
        let secret = live.secret.as_mut().unwrap();
        secret.deleted = Some("2026-11-01T00:00:00Z".to_owned());
        secret.description.clear();
    });
    insta::assert_snapshot!(told(&plan), @r#"
    myapp-db-password  account 123456789012, us-east-1
    package n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=, carried by deploy 1.2.3

      ↺ secret          MyApp/DBPassword  restore
          scheduled for deletion (2026-11-01T00:00:00Z); its value is kept
          description  absent → "Password of MyApp's database"

    Plan: 0 to create, 1 to restore, 0 to update, 0 to delete.
    "#);
}

#[test]
fn a_package_from_a_file_says_which_and_can_not_break_the_line() {
    let plan = |file: &str| {
        let plan = drifted(|_| {});
        let package = Package { origin: Origin::File { file: file.to_owned() }, ..stack::package() };
        Plan { package: Some(package), ..plan }
    };
    insta::assert_snapshot!(told(&plan("config/function.zip")), @r#"
    myapp-db-password  account 123456789012, us-east-1
    package n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=, from "config/function.zip", by deploy 1.2.3

    No changes. The stack is as the spec says.
    "#);
    let told = told(&plan("a\u{1b}[2J\n  + forged"));
    assert!(!told.contains('\u{1b}') && !told.contains("\n  + forged"), "{told:?}");
}

#[test]
fn a_program_reads_the_package_whether_or_not_it_changes() {
    let package = json!({"deploy": stack::VERSION, "code_sha256": stack::CODE, "origin": "embedded"});
    let another = |live: &mut Live| "another".clone_into(&mut live.function.as_mut().unwrap().settings.code_sha256);
    for plan in [drifted(|_| {}), drifted(another), stack::plan(&stack::spec(), &Live::default())] {
        assert_eq!(json!(plan)["package"], package);
    }
    let file = Origin::File { file: "function.zip".to_owned() };
    let told = json!(Package { origin: file, ..stack::package() });
    assert_eq!((&told["origin"], &told["file"]), (&json!("file"), &json!("function.zip")));
}

fn foreign() -> Live {
    let mut live = stack::applied(&stack::spec());
    "theirs".clone_into(&mut live.secret.as_mut().unwrap().description);
    stack::tags_mut(&mut live, Kind::Secret).remove(STACK_TAG);
    stack::tags_mut(&mut live, Kind::InvokeRole).insert(STACK_TAG.to_owned(), "other".to_owned());
    live
}

#[test]
fn a_refusal_says_whose_it_is_and_what_adopting_would_change() {
    insta::assert_snapshot!(told(&stack::plan(&stack::spec(), &foreign())), @r#"
    myapp-db-password  account 123456789012, us-east-1
    package n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=, carried by deploy 1.2.3

      ! secret          MyApp/DBPassword  exists already, and is not this stack's
          adopting it would change:
          description             "theirs" → "Password of MyApp's database"
          tags["deployer:stack"]  absent → "myapp-db-password"

      ! invoke-role     RotatePasswordSchedule-invoke  belongs to stack other in us-east-1
          adopting it would change:
          tags["deployer:stack"]  "other" → "myapp-db-password"

    Plan: 0 to create, 0 to update, 0 to delete, 2 refused.
    "#);
}

#[test]
fn an_adoption_is_shown_as_one() {
    insta::assert_snapshot!(
        told(&stack::plan_adopting(&stack::spec(), &foreign(), &[Kind::Secret, Kind::InvokeRole])), @r#"
    myapp-db-password  account 123456789012, us-east-1
    package n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=, carried by deploy 1.2.3

      ~ secret          MyApp/DBPassword  update  (adopted)
          description             "theirs" → "Password of MyApp's database"
          tags["deployer:stack"]  absent → "myapp-db-password"

      ~ invoke-role     RotatePasswordSchedule-invoke  update  (adopted)
          tags["deployer:stack"]  "other" → "myapp-db-password"

    Plan: 0 to create, 2 to update, 0 to delete.
    "#);
}

#[test]
fn a_teardown_says_what_goes_and_what_stays() {
    let spec = stack::spec();
    let mut live = stack::applied(&spec);
    live.schedules_in_group.push("theirs".to_owned());
    stack::tags_mut(&mut live, Kind::LogGroup).clear();
    let desired = stack::desired(&spec, &live);
    let plan = |live: &Live| plan::teardown::teardown(&spec, &desired, live, TeardownOptions::default());
    insta::assert_snapshot!(teardown_text(&plan(&live), &Palette::plain()), @r#"
    myapp-db-password  account 123456789012, us-east-1

      - schedule        RotatePasswordSchedule         delete
      - invoke-role     RotatePasswordSchedule-invoke  delete
      = schedule-group  myapp-db-password              keep  holds schedules that are not this stack's: theirs
      - function        RotatePasswordFunction         delete
      - execution-role  RotatePasswordFunction-role    delete
      - secret          MyApp/DBPassword               delete  recoverable for 7 days

      ! log-group       /aws/lambda/RotatePasswordFunction  exists already, and is not this stack's

      ? schedule        theirs  not a name of the spec
          it is in the stack's schedule group, and goes on firing
          if it was this stack's, and nothing else needs it, remove it:
            aws scheduler delete-schedule --region us-east-1 --group-name myapp-db-password --name theirs
            for policy in $(aws iam list-role-policies --role-name theirs-invoke --query PolicyNames --output text); do aws iam delete-role-policy --role-name theirs-invoke --policy-name "$policy"; done
            aws iam delete-role --role-name theirs-invoke

    Plan: 0 to create, 0 to update, 5 to delete, 1 to keep, 1 refused. 1 under a name that is not the spec's.
    "#);
    insta::assert_snapshot!(teardown_text(&plan(&Live::default()), &Palette::plain()), @"
    myapp-db-password  account 123456789012, us-east-1

    No changes. There is nothing to tear down.
    ");
}

#[test]
fn colours_change_nothing_but_the_colour() {
    let plan = stack::plan(&stack::spec(), &foreign());
    let colored = text(&plan, &Palette::colored()).to_string();
    let mut plain = String::new();
    let mut rest = colored.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    plain.push_str(rest);
    assert!(colored.len() > plain.len());
    assert_eq!(plain, told(&plan));
}

#[test]
fn a_pull_request_gets_a_headline_and_a_fold() {
    insta::assert_snapshot!(markdown(&drifted(|live| live.schedule = None)), @r#"
    ### `myapp-db-password`: 1 to create

    <details><summary>Plan</summary>

    ```text
    myapp-db-password  account 123456789012, us-east-1
    package n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=, carried by deploy 1.2.3

      + schedule        RotatePasswordSchedule  create
          expression               "cron(0/5 * * * ? *)"
          timezone                 "UTC"
          flexible_window_minutes  5
          enabled                  true
          description              "Rotates the secret MyApp/DBPassword"
          target                   "arn:aws:lambda:us-east-1:123456789012:function:RotatePasswordFunction"
          role                     "arn:aws:iam::123456789012:role/RotatePasswordSchedule-invoke"
          input                    {"action":"rotate","scheduleArn":"<aws.scheduler.schedule-arn>","schedu…
          retry_attempts           2
          retry_max_age_seconds    3600

    Plan: 1 to create, 0 to update, 0 to delete.
    ```

    </details>
    "#);
    let none = markdown(&drifted(|_| {})).to_string();
    assert!(none.starts_with("### `myapp-db-password`: no changes\n"), "{none}");
    let refused = markdown(&stack::plan(&stack::spec(), &foreign())).to_string();
    assert!(refused.starts_with("### `myapp-db-password`: 2 refused\n"), "{refused}");
}

#[test]
fn a_value_with_backticks_can_not_leave_the_fold() {
    let plan = drifted(|live| live.secret.as_mut().unwrap().description = "```` <img src=x>".to_owned());
    let told = markdown(&plan).to_string();
    let fence = "`".repeat(5);
    assert_eq!(told.matches(&fence).count(), 2, "{told}");
}

#[test]
fn a_live_value_can_not_break_the_line_or_speak_to_the_terminal() {
    for description in ["a\n  + forged", "a \"b\"\n  + forged", "\"\u{1b}[2J\"", "\u{1b}[2J"] {
        let told = told(&drifted(|live| live.secret.as_mut().unwrap().description = description.to_owned()));
        assert!(!told.contains('\u{1b}') && !told.contains("\n  + forged"), "{told:?}");
    }
}

#[test]
fn a_program_reads_the_same() {
    let plan = drifted(|live| {
        live.function.as_mut().unwrap().settings.memory = 512;
        *live = stack::without(live.clone(), Kind::Secret);
        let role = live.invoke_role.as_mut().unwrap();
        role.trust = json!({"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*"}});
    });
    let whole = json!(plan);
    assert_eq!(
        whole.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["account", "package", "region", "resources", "stack"]
    );
    let pending: Vec<_> = whole["resources"].as_array().unwrap().iter().filter(|r| r["action"] != "no-op").collect();
    insta::assert_snapshot!(format!("{:#}", json!(pending)), @r#"
    [
      {
        "action": "create",
        "address": "secret",
        "changes": [
          {
            "after": "Password of MyApp's database",
            "attribute": "description",
            "before": null,
            "effect": "in-place"
          },
          {
            "after": "alias/aws/secretsmanager",
            "attribute": "kms_key",
            "before": null,
            "effect": "in-place"
          },
          {
            "after": "us-east-1",
            "attribute": "tags[\"deployer:region\"]",
            "before": null,
            "effect": "in-place"
          },
          {
            "after": "myapp-db-password",
            "attribute": "tags[\"deployer:stack\"]",
            "before": null,
            "effect": "in-place"
          }
        ],
        "name": "MyApp/DBPassword",
        "note": "its first value is generated, and never shown"
      },
      {
        "action": "update",
        "address": "function",
        "cause": "drift",
        "changes": [
          {
            "after": 128,
            "attribute": "memory",
            "before": 512,
            "effect": "in-place"
          },
          {
            "after": {
              "known_after_apply": true
            },
            "attribute": "environment[\"ROTATOR_SECRET_ARN\"]",
            "before": "arn:aws:secretsmanager:us-east-1:123456789012:secret:MyApp/DBPassword-AbCdEf",
            "effect": "in-place"
          }
        ],
        "name": "RotatePasswordFunction"
      },
      {
        "action": "update",
        "address": "invoke-role",
        "cause": "drift",
        "changes": [
          {
            "after": {
              "Statement": [
                {
                  "Action": [
                    "sts:AssumeRole"
                  ],
                  "Condition": {
                    "StringEquals": {
                      "aws:SourceAccount": [
                        "123456789012"
                      ],
                      "aws:SourceArn": [
                        "arn:aws:scheduler:us-east-1:123456789012:schedule-group/myapp-db-password"
                      ]
                    }
                  },
                  "Effect": "Allow",
                  "Principal": {
                    "Service": [
                      "scheduler.amazonaws.com"
                    ]
                  }
                }
              ],
              "Version": "2012-10-17"
            },
            "attribute": "trust",
            "before": {
              "Statement": [
                {
                  "Action": [
                    "sts:AssumeRole"
                  ],
                  "Effect": "Allow",
                  "Principal": "*"
                }
              ]
            },
            "effect": "in-place"
          }
        ],
        "name": "RotatePasswordSchedule-invoke"
      }
    ]
    "#);
    insta::assert_snapshot!(format!("{:#}", json!(stack::plan(&stack::spec(), &foreign()).refusals)), @r#"
    [
      {
        "address": "secret",
        "changes": [
          {
            "after": "Password of MyApp's database",
            "attribute": "description",
            "before": "theirs",
            "effect": "in-place"
          },
          {
            "after": "myapp-db-password",
            "attribute": "tags[\"deployer:stack\"]",
            "before": null,
            "effect": "in-place"
          }
        ],
        "name": "MyApp/DBPassword"
      },
      {
        "address": "invoke-role",
        "changes": [
          {
            "after": "myapp-db-password",
            "attribute": "tags[\"deployer:stack\"]",
            "before": "other",
            "effect": "in-place"
          }
        ],
        "name": "RotatePasswordSchedule-invoke",
        "owner": "other in us-east-1"
      }
    ]
    "#);
}
