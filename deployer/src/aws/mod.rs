//! The only place that talks to AWS: one file a service or kind of resource.

mod client;
mod code;
mod credentials;
mod error;
mod function;
mod health;
mod invoke;
mod kms;
mod log_group;
mod mutate;
mod observe;
mod pages;
mod permission;
mod preflight;
mod queue;
mod retry;
mod role;
mod rotation;
mod schedule;
mod schedule_group;
mod secret;
mod tags;

pub use client::{ATTEMPT_SECONDS, Clients, Identity, environment};
pub use code::{Meaning, meaning, reason};
pub use credentials::{Expiry, LastExpiry};
pub use error::{Class, Error, Remedy, Result};
pub use invoke::{FunctionError, Invocation, LogLine};
pub use mutate::Mutator;
pub use observe::Observer;
pub use preflight::look as preflight;
pub use retry::Wait;
pub use secret::Deleted;
