use serde::Serialize;

/// Where in a rotation something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// Understanding the event and the configuration, or the invocation as a whole.
    Invoke,
    /// Reading the secret.
    Read,
    /// Storing the new value as AWSPENDING.
    Create,
    /// Telling the target.
    Set,
    /// Trying the new value at the target.
    Test,
    /// Moving AWSCURRENT.
    Finish,
    /// Removing labels that have served.
    Clean,
    /// The self-check.
    Check,
}

impl Step {
    /// The step's name, as logs and metrics have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Invoke => "invoke",
            Self::Read => "read",
            Self::Create => "create",
            Self::Set => "set",
            Self::Test => "test",
            Self::Finish => "finish",
            Self::Clean => "clean",
            Self::Check => "check",
        }
    }
}

/// What sort of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// The function's role may not do it.
    Permission,
    /// The secret is not there.
    NotFound,
    /// AWS or the target could not be reached, or failed.
    Network,
    /// AWS or the target asked to slow down.
    Throttled,
    /// No value that the secret has opens the target.
    Credential,
    /// Something else changed the secret at the same time.
    Conflict,
    /// The secret's value cannot be edited.
    Value,
    /// The password policy allows no password, or the target refuses what it makes.
    Policy,
    /// The event or the environment is not what the deployer would send or set.
    Config,
    /// The server accepts neither the pending nor the current value, and nobody could restore it: a person has to.
    Lockout,
    /// A fault of the function itself, or an answer that it does not know.
    Internal,
}

impl Class {
    /// The class's name, as logs and metrics have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Permission => "permission",
            Self::NotFound => "not-found",
            Self::Network => "network",
            Self::Throttled => "throttled",
            Self::Credential => "credential",
            Self::Conflict => "conflict",
            Self::Value => "value",
            Self::Policy => "policy",
            Self::Config => "config",
            Self::Lockout => "lockout",
            Self::Internal => "internal",
        }
    }
}
