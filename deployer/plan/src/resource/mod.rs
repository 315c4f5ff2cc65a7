//! The resources of a stack, one file a kind: what it should be, what it is, and both as attributes.
//!
//! Every `attributes` function takes its struct apart field by field: a new field breaks the build until it is compared.

use serde::{Deserialize, Serialize};

use crate::spec::Trigger;

pub mod function;
pub mod log_group;
pub mod permission;
pub mod role;
pub mod rotation;
pub mod schedule;
pub mod schedule_group;
pub mod secret;

/// The kinds of resources, in the order in which a person reads them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
    /// Secrets Manager's right to invoke the function.
    Permission,
    /// The secret's own rotation rules.
    Rotation,
}

/// One of a stack's two roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The function's.
    Execution,
    /// The schedule's.
    Invoke,
}

impl Kind {
    /// Which of the roles it is, if it is one.
    #[must_use]
    pub const fn role(self) -> Option<Role> {
        match self {
            Self::ExecutionRole => Some(Role::Execution),
            Self::InvokeRole => Some(Role::Invoke),
            Self::Secret
            | Self::LogGroup
            | Self::Function
            | Self::ScheduleGroup
            | Self::Schedule
            | Self::Permission
            | Self::Rotation => None,
        }
    }

    /// All kinds.
    pub const ALL: [Self; 9] = [
        Self::Secret,
        Self::ExecutionRole,
        Self::LogGroup,
        Self::Function,
        Self::ScheduleGroup,
        Self::InvokeRole,
        Self::Schedule,
        Self::Permission,
        Self::Rotation,
    ];

    /// Whether a stack with that trigger has it.
    #[must_use]
    pub const fn is_wanted(self, trigger: &Trigger) -> bool {
        match self {
            Self::Secret | Self::ExecutionRole | Self::LogGroup | Self::Function => true,
            Self::ScheduleGroup | Self::InvokeRole | Self::Schedule => matches!(trigger, Trigger::Schedule),
            Self::Permission | Self::Rotation => matches!(trigger, Trigger::Managed(_)),
        }
    }

    /// The kind whose tags say whose it is: its own, where it can carry tags.
    #[must_use]
    pub const fn owned_through(self) -> Self {
        match self {
            Self::Schedule => Self::ScheduleGroup,
            Self::Permission => Self::Function,
            Self::Rotation => Self::Secret,
            own => own,
        }
    }

    /// The other kind that starts rotations: never are both there, for each would undo the other's.
    #[must_use]
    pub const fn rival(self) -> Option<Self> {
        match self {
            Self::Schedule => Some(Self::Rotation),
            Self::Rotation => Some(Self::Schedule),
            _ => None,
        }
    }

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
            Self::Permission => "permission",
            Self::Rotation => "rotation",
        }
    }

    /// The kinds that must be as desired before this one is created or updated.
    ///
    /// The function writes to its group and reads its secret as its role; the schedule must not fire before the function
    /// can work, and Secrets Manager asks for its permission when the rules are set. Deletion goes the other way round.
    #[must_use]
    pub const fn needs(self) -> &'static [Self] {
        match self {
            Self::Secret | Self::ExecutionRole | Self::LogGroup | Self::ScheduleGroup | Self::InvokeRole => &[],
            Self::Function => &[Self::Secret, Self::ExecutionRole, Self::LogGroup],
            Self::Schedule => &[Self::Function, Self::ScheduleGroup, Self::InvokeRole],
            Self::Permission => &[Self::Secret, Self::Function],
            Self::Rotation => &[Self::Secret, Self::Function, Self::Permission],
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.address())
    }
}
