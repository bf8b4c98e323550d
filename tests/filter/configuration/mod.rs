//! Which configurations the filter takes, and its errors for the others (contract §3).

mod accepted;
mod refused;
