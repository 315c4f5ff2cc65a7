//! Plans as a person or a machine reads them.

mod code;
mod doctor;
mod markdown;
mod page;
mod saved;
mod text;

pub use code::live_code;
pub use doctor::doctor;
pub use markdown::markdown;
pub use page::{Page, Paint, Palette, Styled, escaped, is_plain};
pub use saved::{difference, differences};
pub use text::{plan, teardown};

/// Version of the JSON documents that the deployer writes; it rises when a field changes its meaning or goes.
pub const FORMAT_VERSION: u32 = 1;
