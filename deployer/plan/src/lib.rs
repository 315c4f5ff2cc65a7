//! Spec to desired state to plan: pure functions of data.
//!
//! There is no AWS client here, no async, no clock, no environment and no terminal, and the crate's dependencies keep
//! it so: what decides can be tested without any of them.
#![forbid(unsafe_code)]

pub mod actions;
pub mod again;
pub mod attribute;
pub mod desired;
pub mod doctor;
pub mod estimate;
pub mod limits;
pub mod live;
pub mod naming;
pub mod ownership;
pub mod package;
#[allow(clippy::module_inception, reason = "the crate is named for its main product")]
pub mod plan;
pub mod policy;
pub mod precondition;
pub mod renamed;
pub mod render;
pub mod resource;
pub mod resource_policy;
pub mod rights;
pub mod saved;
pub mod spec;
pub mod teardown;
