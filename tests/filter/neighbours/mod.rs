//! The filter among Envoy's other filters and routes: where it must stand, and which of them it
//! stands (SECURITY.md, *Placement*).

mod answering;
mod authorization;
mod caches;
mod disabled;
mod hedging;
mod redirected;
mod replayed;
