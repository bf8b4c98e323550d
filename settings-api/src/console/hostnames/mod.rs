//! The hostnames, their settings, and the switch.

mod change;
mod detail;
mod list;

pub(super) use change::{add, change};
pub(super) use detail::detail;
pub(super) use list::list;
