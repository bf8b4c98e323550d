//! The outcome of a request as a value: compared by tests, applied to Envoy, printed by tools.

#[cfg(test)]
mod authorization_tests;
mod decide;
mod inbound;
mod progress;
mod refusal;
#[cfg(test)]
mod tests;
mod verdict;
mod warning;

#[cfg(any(target_arch = "wasm32", test))]
pub(crate) use decide::may_send;
pub use decide::{decide, decide_trailers};
pub use inbound::Inbound;
pub use progress::{Explanation, Idle, Progress};
pub use refusal::Refusal;
pub use verdict::{Decision, HeaderValue, Pass, TrailersDecision, Verdict};
pub use warning::Warning;
