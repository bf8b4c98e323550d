//! The ratios that the contract limits (contract §6).

use crate::cases::{FAST_PATH_STEADY, IDLE_WASM, LUA_EVERY, LUA_FIRST, PLAIN_EVERY, PLAIN_STEADY};

/// A case's cost over no filter, to another's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ratio {
    /// Both, in words.
    pub(crate) what: &'static str,
    /// The name of the case that is limited.
    pub(crate) of: &'static str,
    /// The name of the one that it is compared with.
    pub(crate) to: &'static str,
    /// The largest ratio of processor times.
    pub(crate) limit: f64,
}

pub(crate) const RATIOS: [Ratio; 4] = [
    Ratio {
        what: "fast path, steady state : Lua for the same job",
        of: FAST_PATH_STEADY,
        to: LUA_FIRST,
        limit: 0.6,
    },
    Ratio {
        what: "plain, steady state : Lua for the same job",
        of: PLAIN_STEADY,
        to: LUA_FIRST,
        limit: 1.2,
    },
    Ratio {
        what: "plain, steady state : wasm that does nothing",
        of: PLAIN_STEADY,
        to: IDLE_WASM,
        limit: 2.2,
    },
    Ratio {
        what: "plain, every_request : Lua on every request",
        of: PLAIN_EVERY,
        to: LUA_EVERY,
        limit: 1.3,
    },
];
