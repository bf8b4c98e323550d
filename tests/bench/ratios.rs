//! The ratios that the contract limits (contract §6).

use crate::cases::{
    FAST_PATH_EVERY, FAST_PATH_FIELDS, FAST_PATH_STEADY, LUA_EVERY, LUA_FIRST, NATIVE_XFCC,
    PLAIN_FIELDS, PLAIN_STEADY,
};

/// A case's cost over no filter, to another's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ratio {
    /// Both, in words.
    pub(crate) what: &'static str,
    /// The name of the case that is limited.
    pub(crate) of: &'static str,
    /// The name of the one that it is compared with.
    pub(crate) to: &'static str,
    /// The largest ratio.
    pub(crate) limit: f64,
}

pub(crate) const RATIOS: [Ratio; 5] = [
    Ratio {
        what: "fast path, steady state : Lua for the same job",
        of: FAST_PATH_STEADY,
        to: LUA_FIRST,
        limit: 0.5,
    },
    Ratio {
        what: "fast path, every_request : Lua on every request",
        of: FAST_PATH_EVERY,
        to: LUA_EVERY,
        limit: 0.6,
    },
    Ratio {
        what: "fast path, every_request : native XFCC",
        of: FAST_PATH_EVERY,
        to: NATIVE_XFCC,
        limit: 0.8,
    },
    Ratio {
        what: "fast path, five fields : plain, five fields",
        of: FAST_PATH_FIELDS,
        to: PLAIN_FIELDS,
        limit: 0.36,
    },
    Ratio {
        what: "plain, steady state : Lua for the same job",
        of: PLAIN_STEADY,
        to: LUA_FIRST,
        limit: 1.1,
    },
];
