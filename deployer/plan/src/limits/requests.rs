//! What of a spec goes into which request.

use serde_json::json;

use super::{Excess, Limit, table};
use crate::desired::Desired;
use crate::naming::Names;
use crate::ownership::{NOTE_TAGS, Tags};
use crate::policy;
use crate::resource::role;
use crate::spec::{Every, OnTeardown, Spec, Trigger};

/// One value in a request.
#[derive(Debug)]
pub struct Field {
    /// What bounds it.
    pub limit: &'static Limit,
    /// The value.
    pub value: Value,
    /// What it is, as in "`role.path`" or "the function's description".
    pub what: String,
    /// The keys of the spec from which it follows, the nearest first.
    pub keys: Vec<String>,
    /// Whether it is the first key's own value, and no other goes into it.
    pub is_own: bool,
}

/// A value as limits see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text.
    Text(String),
    /// So many entries.
    Items(usize),
    /// A whole number.
    Number(u32),
}

impl Field {
    /// Whether the service takes the value.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self) -> Result<(), Excess> {
        self.limit.check(&self.value)
    }
}

/// All values of the requests by which a stack is created, changed, read and deleted.
#[must_use]
pub fn fields(spec: &Spec, desired: &Desired) -> Vec<Field> {
    let mut all = Fields(Vec::new());
    secret(&mut all, spec, desired);
    role(&mut all, &desired.execution_role, &["role.name", "function.name", "name"]);
    function(&mut all, spec, desired);
    log_group(&mut all, desired);
    match &spec.trigger {
        Trigger::Schedule => {
            role(&mut all, &desired.invoke_role, &["schedule.name", "name"]);
            schedule(&mut all, desired);
        }
        Trigger::Managed(_) => {
            // What a schedule may have left is looked for by its names.
            all.text(&table::ROLE_NAME, &desired.invoke_role.name, "a role's name", &["schedule.name", "name"]);
            all.text(&table::SCHEDULE_GROUP, &desired.schedule_group.name, "the schedule group's name", &["name"]);
            all.text(&table::SCHEDULE_NAME, &desired.schedule.name, "the schedule's name", &["schedule.name", "name"]);
            rotation(&mut all, spec, desired);
        }
    }
    all.0
}

struct Fields(Vec<Field>);

impl Fields {
    fn push(&mut self, limit: &'static Limit, value: Value, what: impl Into<String>, keys: &[&str]) {
        let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        let is_own = keys.len() == 1;
        self.0.push(Field { limit, value, what: what.into(), keys, is_own });
    }

    /// A text that follows from keys.
    fn text(&mut self, limit: &'static Limit, text: &str, what: &str, keys: &[&str]) {
        self.push(limit, Value::Text(text.to_owned()), what, keys);
    }

    /// A key's own text.
    fn own(&mut self, limit: &'static Limit, text: &str, key: &str) {
        self.push(limit, Value::Text(text.to_owned()), format!("`{key}`"), &[key]);
    }

    /// A key's own number.
    fn number(&mut self, limit: &'static Limit, number: u32, key: &str) {
        self.push(limit, Value::Number(number), format!("`{key}`"), &[key]);
    }

    /// Tags, with the deployer's notes.
    fn tags(&mut self, [count, key, value]: [&'static Limit; 3], tags: &Tags) {
        self.push(count, Value::Items(tags.len() + NOTE_TAGS.len()), "the number of tags", &["tags"]);
        for (name, text) in tags {
            let path = format!("tags.{name}");
            self.push(key, Value::Text(name.clone()), format!("the tag key `{name}`"), &[&path]);
            self.push(value, Value::Text(text.clone()), format!("the value of tag `{name}`"), &[&path]);
        }
    }
}

fn secret(all: &mut Fields, spec: &Spec, desired: &Desired) {
    let secret = &desired.secret;
    all.own(&table::SECRET_NAME, &secret.name, "secret.name");
    all.text(&table::SECRET_ID, &Names::of(spec).secret_arn_pattern(), "the secret's ARN", &["secret.name", "region"]);
    all.own(&table::SECRET_DESCRIPTION, &secret.description, "secret.description");
    all.own(&table::SECRET_KEY, &spec.secret.kms_key, "secret.kms_key");
    all.own(&table::DESCRIBED_KEY, &spec.secret.kms_key, "secret.kms_key");
    all.tags([&table::SECRET_TAGS, &table::SECRET_TAG_KEY, &table::SECRET_TAG_VALUE], &secret.tags);
    if let OnTeardown::RecoveryWindowDays(days) = spec.secret.on_teardown {
        all.number(&table::RECOVERY_WINDOW, days.into(), "secret.on_teardown.recovery_window_days");
    }
    let login = spec.target.login();
    let keys = ["target.postgres.admin_secret", "target.mysql.admin_secret", "target.redis.admin_secret"];
    if let Some(admin) = login.and_then(|login| login.admin_secret.as_deref()) {
        all.text(&table::SECRET_ID, admin, "`admin_secret`", &keys);
    }
    if let Some(user) = login.and_then(|login| login.elasticache_user.as_deref()) {
        all.own(&table::USER_ID, user, "target.redis.elasticache_user");
    }
}

fn role(all: &mut Fields, role: &role::Desired, names: &[&str]) {
    let mut whole = names.to_vec();
    whole.push("secret.name");
    all.text(&table::ROLE_NAME, &role.name, "a role's name", names);
    all.own(&table::ROLE_PATH, &role.path, "role.path");
    all.text(&table::ROLE_DESCRIPTION, &role.description, "a role's description", &whole);
    all.text(&table::TRUST, &role.trust.to_string(), "a role's trust policy", names);
    if let Some(boundary) = &role.boundary {
        all.own(&table::BOUNDARY, boundary, "role.permissions_boundary");
    }
    for (name, document) in &role.policies {
        all.text(&table::POLICY_NAME, name, "a policy's name", &whole);
        all.text(&table::POLICY, &document.to_string(), "a policy", &whole);
    }
    // IAM counts them together.
    let policies: String = role.policies.values().map(ToString::to_string).collect();
    all.text(&table::POLICY, &policies, "a role's policies together", &whole);
    all.tags([&table::ROLE_TAGS, &table::ROLE_TAG_KEY, &table::ROLE_TAG_VALUE], &role.tags);
}

fn function(all: &mut Fields, spec: &Spec, desired: &Desired) {
    let (function, settings) = (&desired.function, &desired.function.settings);
    let names = ["function.name", "name"];
    all.text(&table::FUNCTION_NAME, &function.name, "the function's name", &names);
    all.text(&table::FUNCTION_ARN, &function.arn, "the function's ARN", &["function.name", "name", "region"]);
    all.text(
        &table::FUNCTION_DESCRIPTION,
        &settings.description,
        "the function's description",
        &["secret.name", "name"],
    );
    let role = ["role.path", "role.name", "function.name", "name"];
    all.text(&table::FUNCTION_ROLE, &settings.role_arn, "the ARN of the function's role", &role);
    all.text(&table::RUNTIME, &settings.runtime, "the function's runtime", &names);
    all.text(&table::HANDLER, &settings.handler, "the function's handler", &names);
    all.own(&table::ARCHITECTURE, &settings.architecture, "function.architecture");
    all.number(&table::MEMORY, settings.memory, "function.memory");
    all.number(&table::TIMEOUT, settings.timeout, "function.timeout");
    if let Some(vpc) = &settings.vpc {
        let lists = [
            (&table::SUBNETS, &table::SUBNET, &vpc.subnets, "function.vpc.subnets"),
            (&table::SECURITY_GROUPS, &table::SECURITY_GROUP, &vpc.security_groups, "function.vpc.security_groups"),
        ];
        for (count, each, ids, key) in lists {
            all.push(count, Value::Items(ids.len()), format!("the number of `{key}`"), &[key]);
            for id in ids {
                all.own(each, id, key);
            }
        }
    }
    let mut environment = function.environment.clone();
    environment.insert(contract::env::SECRET_ARN.to_owned(), Names::of(spec).secret_arn_pattern());
    for name in environment.keys() {
        all.text(&table::VARIABLE, name, "a variable's name", &names);
    }
    let longest = ["secret.field", "secret.derived", "password.symbols", "password.exclude", "secret.name"];
    all.text(&table::ENVIRONMENT, &json!(environment).to_string(), "the function's environment", &longest);
    let asynchronous = function.async_invoke;
    all.number(&table::ASYNC_RETRIES, asynchronous.retries, "schedule.retry.attempts");
    all.number(&table::ASYNC_AGE, asynchronous.max_age_seconds, "schedule.retry.max_age_minutes");
    all.tags([&table::FUNCTION_TAGS, &table::FUNCTION_TAG_KEY, &table::FUNCTION_TAG_VALUE], &function.tags);
}

fn log_group(all: &mut Fields, desired: &Desired) {
    let (group, names) = (&desired.log_group, ["function.name", "name"]);
    all.text(&table::LOG_GROUP, &group.name, "the log group's name", &names);
    all.text(&table::LOG_ARN, &group.arn, "the log group's ARN", &names);
    all.own(&table::RETENTION, &group.retention_days.to_string(), "function.log_retention_days");
    all.tags([&table::LOG_TAGS, &table::LOG_TAG_KEY, &table::LOG_TAG_VALUE], &group.tags);
}

fn schedule(all: &mut Fields, desired: &Desired) {
    let (group, schedule) = (&desired.schedule_group, &desired.schedule);
    all.own(&table::SCHEDULE_GROUP, &group.name, "name");
    all.text(&table::GROUP_ARN, &group.arn, "the schedule group's ARN", &["name", "region"]);
    all.tags([&table::GROUP_TAGS, &table::GROUP_TAG_KEY, &table::GROUP_TAG_VALUE], &group.tags);
    all.text(&table::SCHEDULE_NAME, &schedule.name, "the schedule's name", &["schedule.name", "name"]);
    let settings = &schedule.settings;
    all.own(&table::EXPRESSION, &settings.expression, "schedule.expression");
    all.own(&table::TIMEZONE, &settings.timezone, "schedule.timezone");
    all.text(
        &table::SCHEDULE_DESCRIPTION,
        &settings.description,
        "the schedule's description",
        &["secret.name", "name"],
    );
    if settings.flexible_window_minutes > 0 {
        all.number(&table::WINDOW, settings.flexible_window_minutes, "schedule.flexible_window_minutes");
    }
    all.text(&table::TARGET_ARN, &settings.target_arn, "the function's ARN", &["function.name", "name"]);
    let role = ["role.path", "schedule.name", "name"];
    all.text(&table::SCHEDULE_ROLE, &settings.role_arn, "the ARN of the schedule's role", &role);
    all.text(&table::INPUT, &settings.input.to_string(), "the schedule's input", &["name", "region"]);
    all.number(&table::RETRY_ATTEMPTS, settings.retry_attempts, "schedule.retry.attempts");
    all.number(&table::RETRY_AGE, settings.retry_max_age_seconds, "schedule.retry.max_age_minutes");
    if let Some(queue) = &settings.dead_letter_arn {
        all.own(&table::QUEUE_ARN, queue, "schedule.dead_letter_queue");
    }
}

fn rotation(all: &mut Fields, spec: &Spec, desired: &Desired) {
    let mut permission = desired.permission.clone();
    permission.secret_arn = Some(Names::of(spec).secret_arn_pattern());
    let names = ["secret.name", "region", "account"];
    if let Some((id, _)) = permission.statement() {
        all.text(&table::STATEMENT_ID, &id, "the permission's id", &names);
    }
    all.text(&table::ACTION, policy::INVOKE, "the permission's action", &names);
    all.text(&table::PRINCIPAL, policy::SECRETS_MANAGER, "the permission's principal", &names);
    all.text(&table::SOURCE_ARN, &Names::of(spec).secret_arn_pattern(), "the secret's ARN", &names);
    all.own(&table::SOURCE_ACCOUNT, &permission.account, "account");
    let Some(settings) = &desired.rotation.settings else { return };
    all.text(&table::ROTATION_FUNCTION, &settings.function_arn, "the function's ARN", &["function.name", "name"]);
    match &settings.every {
        Some(Every::Days(days)) => all.number(&table::ROTATION_DAYS, (*days).into(), "trigger.managed.every_days"),
        Some(Every::Expression(text)) => all.own(&table::ROTATION_EXPRESSION, text, "trigger.managed.expression"),
        None => {}
    }
    if let Some(duration) = &settings.duration {
        all.own(&table::ROTATION_DURATION, duration, "trigger.managed.duration");
    }
}
