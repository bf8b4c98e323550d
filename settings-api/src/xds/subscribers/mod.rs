//! The connected Envoys, and their answers to updates.

mod registry;
mod status;

pub(crate) use registry::{Subscriber, Subscribers};
pub(crate) use status::{ProtocolKind, SubscriberState, SubscriberStatus};
