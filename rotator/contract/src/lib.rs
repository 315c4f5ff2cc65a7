//! What the deployer and the rotator agree on: environment variables, events, answers and the password policy.
//!
//! Only serde stands below this crate, so that the function carries nothing of the deployer.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod config;
mod event;
mod fields;
mod generate;
mod password;
mod template;

pub use config::{
    AuthMethod, CA_FILE, Config, ConfigError, Connection, Login, PUBLIC_CA_FILE, Strategy, Target, Tls, env,
    needs_public_roots,
};
pub use event::{
    Answer, Asked, Check, Event, LoginCheck, ManagedEvent, ManagedStep, Outcome, PLACEHOLDER_SCHEDULE_ARN,
    PLACEHOLDER_SCHEDULED_TIME, UnknownEvent,
};
pub use fields::Fields;
pub use generate::{NoPassword, generate};
pub use password::{Class, Infeasible, MAX_LENGTH, MIN_LENGTH, PasswordPolicy, Preset};
pub use template::{NoTemplate, Part, Template};

/// All that the function may do, on its own secret and nowhere else; the deployer builds the role's policy from it.
pub const SECRET_ACTIONS: &[&str] = &[
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecretVersionStage",
];

/// What the function may do besides on the secret of its target's admin.
pub const ADMIN_SECRET_ACTIONS: &[&str] = &["secretsmanager:GetSecretValue"];

/// What the function may do besides on the ElastiCache user that is its target.
pub const ELASTICACHE_ACTIONS: &[&str] = &["elasticache:DescribeUsers", "elasticache:ModifyUser"];
