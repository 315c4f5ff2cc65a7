//! The spec as it is written: the one source of the JSON Schema, of the structure check and of the defaults.
//!
//! The doc comments are the schema's descriptions, shown by editors.

mod resolve;
mod target;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use target::RawTarget;

/// One stack: a secret under automatic rotation on AWS.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "Spec of a rotated secret", rename = "Spec")]
#[schemars(extend("required" = ["name", "account", "region", "secret"]))]
#[schemars(extend("if" = {"required": ["trigger"], "properties": {"trigger": {"type": "object"}}}))]
#[schemars(extend("else" = {"required": ["schedule"]}))]
pub(in crate::spec) struct RawSpec {
    /// The stack's name: the tag of ownership, the schedule group and the default of the other names.
    #[schemars(required, example = "myapp-db-password", extend("pattern" = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"))]
    name: Option<String>,
    /// The only account that may be touched: 12 digits, in quotes.
    #[schemars(required, example = "123456789012", extend("pattern" = "^[0-9]{12}$"))]
    account: Option<String>,
    /// The region of the stack.
    #[schemars(required, example = "us-east-1")]
    region: Option<String>,
    /// Tags of every resource that can carry tags, 40 at most.
    tags: BTreeMap<String, String>,
    /// The secret under rotation.
    #[schemars(required)]
    secret: Option<RawSecret>,
    /// What a new password looks like.
    password: RawPassword,
    /// The function's execution role.
    role: RawRole,
    /// The function that rotates.
    function: RawFunction,
    /// Who starts a rotation.
    trigger: RawTrigger,
    /// When it rotates, by a schedule of the stack's own.
    #[schemars(required)]
    schedule: Option<RawSchedule>,
    /// What the password opens.
    target: RawTarget,
}

impl RawSpec {
    /// The derived fields as they are written, sound or not.
    pub(in crate::spec) fn derived(&self) -> BTreeMap<String, String> {
        self.secret.as_ref().map(|secret| secret.derived.clone()).unwrap_or_default()
    }
}

/// The secret under rotation.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Secret", extend("required" = ["name"]))]
struct RawSecret {
    /// Its name; AWS adds a hyphen and six random characters in the ARN.
    #[schemars(required, example = "MyApp/DBPassword", extend("pattern" = "^[A-Za-z0-9/_+=.@-]{1,512}$"))]
    name: Option<String>,
    /// Free text for people.
    description: String,
    /// The JSON field that rotates, the others are kept; null rotates the whole value.
    field: Option<String>,
    /// Further JSON fields that each rotation makes anew from others: {name} is a field's value, {name|percent} its percent-encoding.
    derived: BTreeMap<String, String>,
    /// Where the first value comes from; used once, at creation. Never the value itself.
    initial: RawInitial,
    /// The key that encrypts it: key id, key ARN, alias/NAME or alias ARN.
    kms_key: String,
    /// What teardown does with the secret.
    on_teardown: RawOnTeardown,
}

impl Default for RawSecret {
    fn default() -> Self {
        Self {
            name: None,
            description: String::new(),
            field: Some("password".to_owned()),
            derived: BTreeMap::new(),
            initial: RawInitial::Generate,
            kms_key: "alias/aws/secretsmanager".to_owned(),
            on_teardown: RawOnTeardown::RecoveryWindowDays(7),
        }
    }
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Initial")]
enum RawInitial {
    /// A password by the policy.
    Generate,
    /// The environment variable of that name.
    Env(String),
    /// The content of that file, relative to the spec's folder.
    File(String),
    /// Asked for on the terminal, without echo.
    Prompt(#[schemars(extend("const" = true))] bool),
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "OnTeardown")]
enum RawOnTeardown {
    /// Delete it, recoverable for so many days.
    RecoveryWindowDays(#[schemars(range(min = 7, max = 30))] u8),
    /// Leave it where it is.
    Keep,
    /// Delete it at once, for ever.
    Force,
}

/// What a new password looks like: its characters are those of the required classes less the excluded ones.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Password")]
struct RawPassword {
    /// A policy for a well-known system; the other keys override it.
    preset: Option<RawPreset>,
    /// Number of characters; 32 without preset.
    #[schemars(range(min = 8, max = 1024))]
    length: Option<u16>,
    /// Classes of which at least one character occurs; all four without preset.
    require: Option<Vec<RawClass>>,
    /// The characters of the class symbol: printable ASCII, neither letters nor digits; !@#$%^&* without preset.
    symbols: Option<String>,
    /// Characters that never occur; none without preset.
    exclude: Option<String>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "Preset")]
enum RawPreset {
    /// Letters and digits: safe in any shell, URL or connection string.
    Alphanumeric,
    /// Unreserved characters of RFC 3986: safe in a URL without escaping.
    UrlSafe,
    /// Amazon RDS master passwords: no slash, quote, at sign or space.
    Rds,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Class")]
enum RawClass {
    /// a to z
    Lower,
    /// A to Z
    Upper,
    /// 0 to 9
    Digit,
    /// the policy's symbols
    Symbol,
}

/// The function's execution role.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Role")]
struct RawRole {
    /// Its name, unique in the account; by default the function's name and -role.
    name: Option<String>,
    /// ARN of a managed policy that bounds the stack's roles.
    permissions_boundary: Option<String>,
    /// IAM path of the stack's roles, beginning and ending in a slash.
    path: String,
}

impl Default for RawRole {
    fn default() -> Self {
        Self { name: None, permissions_boundary: None, path: "/".to_owned() }
    }
}

/// The function that rotates.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Function")]
struct RawFunction {
    /// Its name; by default the stack's name and -rotator.
    name: Option<String>,
    /// Instruction set.
    architecture: RawArchitecture,
    /// Memory in MB.
    #[schemars(range(min = 128, max = 10240))]
    memory: u32,
    /// Seconds after which an invocation is stopped.
    #[schemars(range(min = 1, max = 900))]
    timeout: u32,
    /// Days for which the log is kept.
    #[schemars(extend("enum" = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653]))]
    log_retention_days: u32,
    /// A zip of one's own, relative to the spec's folder; null is the rotator that the deployer carries.
    package: Option<String>,
    /// The private network that it is attached to; null is none.
    vpc: Option<RawVpc>,
}

impl Default for RawFunction {
    fn default() -> Self {
        Self {
            name: None,
            architecture: RawArchitecture::X86_64,
            memory: 128,
            timeout: 30,
            log_retention_days: 30,
            package: None,
            vpc: None,
        }
    }
}

/// A private network: the target's own, or one that leads there; Secrets Manager must be reached from it too.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Vpc", extend("required" = ["subnets", "security_groups"]))]
struct RawVpc {
    /// Ids of 1 to 16 subnets.
    #[schemars(required, length(min = 1, max = 16), extend("examples" = [["subnet-0123456789abcdef0"]]))]
    subnets: Option<Vec<String>>,
    /// Ids of 1 to 5 security groups.
    #[schemars(required, length(min = 1, max = 5), extend("examples" = [["sg-0123456789abcdef0"]]))]
    security_groups: Option<Vec<String>>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Architecture")]
enum RawArchitecture {
    /// Intel and AMD.
    #[serde(rename = "x86_64")]
    X86_64,
    /// Graviton.
    #[serde(rename = "arm64")]
    Arm64,
}

/// When it rotates.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Schedule", extend("required" = ["expression"]))]
struct RawSchedule {
    /// Its name; by default the stack's.
    name: Option<String>,
    /// cron(minutes hours day-of-month month day-of-week year), rate(number unit) or at(yyyy-mm-ddThh:mm:ss).
    #[schemars(required, example = "rate(30 days)")]
    expression: Option<String>,
    /// IANA time zone of the expression.
    timezone: String,
    /// Minutes by which AWS may delay a run, to spread load; 0 is off.
    #[schemars(range(min = 0, max = 1440))]
    flexible_window_minutes: u32,
    /// Whether it fires at all.
    enabled: bool,
    /// How a failed invocation is tried again.
    retry: RawRetry,
    /// ARN of a standard SQS queue of the stack's region, which gets the invocations that failed for good; null drops them.
    #[schemars(extend("examples" = ["arn:aws:sqs:us-east-1:123456789012:dead-letters"]))]
    dead_letter_queue: Option<String>,
}

impl Default for RawSchedule {
    fn default() -> Self {
        Self {
            name: None,
            expression: None,
            timezone: "UTC".to_owned(),
            flexible_window_minutes: 5,
            enabled: true,
            retry: RawRetry::default(),
            dead_letter_queue: None,
        }
    }
}

/// How a failed invocation is tried again.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Retry")]
struct RawRetry {
    /// Further attempts.
    #[schemars(range(min = 0, max = 185))]
    attempts: u32,
    /// Minutes after which an invocation is given up.
    #[schemars(range(min = 1, max = 1440))]
    max_age_minutes: u32,
}

impl Default for RawRetry {
    fn default() -> Self {
        Self { attempts: 2, max_age_minutes: 60 }
    }
}

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Trigger")]
enum RawTrigger {
    /// The stack's own schedule.
    #[default]
    Schedule,
    /// Secrets Manager itself, by the secret's rotation rules.
    Managed(RawManaged),
}

/// The secret's own rotation rules: exactly one of `every_days` and `expression`.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Managed", extend("examples" = [{"every_days": 30}]))]
struct RawManaged {
    /// Days after the last change of the value.
    #[schemars(range(min = 1, max = 1000))]
    every_days: Option<u16>,
    /// rate(number unit) or cron(0 hours day-of-month month day-of-week *), in UTC, four hours apart at least.
    expression: Option<String>,
    /// Hours within which it rotates, 1h to 24h.
    duration: Option<String>,
}
