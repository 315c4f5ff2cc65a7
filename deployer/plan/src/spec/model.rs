//! The validated spec: every default filled in, every AWS rule checked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

pub use contract::Connection;
use contract::{PasswordPolicy, Target, Template};

/// One stack, as its YAML file says it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// The stack's name: ownership tag, schedule group and default names.
    pub name: String,
    /// The only account that may be touched: 12 digits.
    pub account: String,
    /// The region, for example `us-east-1`.
    pub region: String,
    /// Tags of every resource that can carry tags, besides the ownership tag.
    pub tags: BTreeMap<String, String>,
    /// The secret.
    pub secret: Secret,
    /// What a new password looks like.
    pub password: PasswordPolicy,
    /// The function's execution role.
    pub role: Role,
    /// The function.
    pub function: Function,
    /// Who starts a rotation.
    pub trigger: Trigger,
    /// When it runs, where [`Trigger::Schedule`] starts it; elsewhere the defaults, whose names tell what an earlier spec of
    /// the stack has left.
    pub schedule: Schedule,
    /// What the password opens.
    pub target: Target,
    /// A file of certificates by which the target is trusted, relative to the spec's folder; `None` is Amazon's own.
    pub ca: Option<PathBuf>,
}

impl Spec {
    /// The only server and user that the function logs in to, where the spec says so.
    #[must_use]
    pub fn connection(&self) -> Option<&Connection> {
        self.target.login().and_then(|login| login.connection.as_ref())
    }
}

/// Who starts a rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// EventBridge Scheduler, by the stack's own schedule.
    Schedule,
    /// Secrets Manager, by the secret's own rotation rules.
    Managed(Managed),
}

impl Trigger {
    /// Secrets Manager's rules, where it starts the rotation.
    #[must_use]
    pub const fn managed(&self) -> Option<&Managed> {
        match self {
            Self::Schedule => None,
            Self::Managed(managed) => Some(managed),
        }
    }
}

/// The secret's own rotation rules.
/// <https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html>
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Managed {
    /// How often.
    pub every: Every,
    /// Hours within which it rotates, 1 to 24; `None` is AWS's default.
    pub duration_hours: Option<u8>,
}

/// How often Secrets Manager rotates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Every {
    /// So many days after the last change of the value, 1 to 1000.
    Days(u16),
    /// `rate(...)` or `cron(...)`, valid, in UTC.
    Expression(String),
}

/// The secret under rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// Its name; the ARN adds six random characters.
    pub name: String,
    /// Free text; empty is none.
    pub description: String,
    /// The JSON field that rotates; `None` is the whole value.
    pub field: Option<String>,
    /// Further JSON fields that every rotation makes anew from others, by name.
    pub derived: BTreeMap<String, Template>,
    /// Where the first value comes from.
    pub initial: Initial,
    /// Key id, key ARN, alias (`alias/...`) or alias ARN.
    pub kms_key: String,
    /// What teardown does with it.
    pub on_teardown: OnTeardown,
}

/// Where the secret's first value comes from; used once, at creation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Initial {
    /// A password by the policy.
    Generate,
    /// The environment variable of that name.
    Env(String),
    /// The content of that file, relative to the spec's folder.
    File(PathBuf),
    /// Asked for on the terminal, without echo.
    Prompt,
}

/// What teardown does with the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnTeardown {
    /// Delete it, recoverable for 7 to 30 days.
    RecoveryWindowDays(u8),
    /// Leave it where it is.
    Keep,
    /// Delete it at once, for ever.
    Force,
}

/// The function's execution role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its name, unique in the account.
    pub name: String,
    /// ARN of a managed policy that bounds the stack's roles.
    pub permissions_boundary: Option<String>,
    /// IAM path, beginning and ending in `/`, of the stack's roles.
    pub path: String,
}

/// Instruction set of the function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// Intel and AMD.
    X86_64,
    /// Graviton.
    Arm64,
}

impl Architecture {
    /// AWS's spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "arm64",
        }
    }
}

/// The function that rotates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Instruction set.
    pub architecture: Architecture,
    /// MB.
    pub memory: u32,
    /// Seconds.
    pub timeout: u32,
    /// Days.
    pub log_retention_days: u32,
    /// A zip of one's own, relative to the spec's folder; `None` is the one that the deployer carries.
    pub package: Option<PathBuf>,
    /// The network that it is attached to; `None` is Lambda's own.
    pub vpc: Option<Vpc>,
}

/// A private network, by what the function has in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vpc {
    /// Ids, 1 to 16.
    pub subnets: BTreeSet<String>,
    /// Ids, 1 to 5.
    pub security_groups: BTreeSet<String>,
}

/// When the function runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Its name.
    pub name: String,
    /// `cron(...)`, `rate(...)` or `at(...)`, valid.
    pub expression: String,
    /// IANA time zone.
    pub timezone: String,
    /// Minutes, 0 is off.
    pub flexible_window_minutes: u32,
    /// Whether it fires at all.
    pub enabled: bool,
    /// What happens when an invocation fails.
    pub retry: Retry,
    /// ARN of the SQS queue that gets what could not be delivered; `None` drops it.
    pub dead_letter_queue: Option<String>,
}

/// How a failed invocation is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Further attempts, 0 to 185.
    pub attempts: u32,
    /// Minutes after which an invocation is given up, 1 to 1440.
    pub max_age_minutes: u32,
}
