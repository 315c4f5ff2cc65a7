//! The resources of a stack, one file a kind: what it should be, what it is, and both as attributes.
//!
//! Every `attributes` function takes its struct apart field by field: a new field breaks the build until it is compared.

use serde::Serialize;

pub mod function;
pub mod log_group;
pub mod role;
pub mod schedule;
pub mod schedule_group;
pub mod secret;

/// The kinds of resources, in the order in which a person reads them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The secret under rotation.
    Secret,
    /// The role as which the function runs.
    ExecutionRole,
    /// The function's logs.
    LogGroup,
    /// The rotator.
    Function,
    /// The stack's schedule group, which owns the schedule.
    ScheduleGroup,
    /// The role as which the schedule invokes the function.
    InvokeRole,
    /// When the function runs.
    Schedule,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::Secret,
        Self::ExecutionRole,
        Self::LogGroup,
        Self::Function,
        Self::ScheduleGroup,
        Self::InvokeRole,
        Self::Schedule,
    ];

    /// The address within a stack, as `--adopt` takes it.
    #[must_use]
    pub const fn address(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::ExecutionRole => "execution-role",
            Self::LogGroup => "log-group",
            Self::Function => "function",
            Self::ScheduleGroup => "schedule-group",
            Self::InvokeRole => "invoke-role",
            Self::Schedule => "schedule",
        }
    }

    /// The kinds that must be as desired before this one is created or updated.
    ///
    /// The function writes to its group and reads its secret as its role; the schedule must not fire before the function
    /// can work. Deletion goes the other way round.
    #[must_use]
    pub const fn needs(self) -> &'static [Self] {
        match self {
            Self::Secret | Self::ExecutionRole | Self::LogGroup | Self::ScheduleGroup | Self::InvokeRole => &[],
            Self::Function => &[Self::Secret, Self::ExecutionRole, Self::LogGroup],
            Self::Schedule => &[Self::Function, Self::ScheduleGroup, Self::InvokeRole],
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.address())
    }
}
