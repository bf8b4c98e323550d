//! Counters, logs and memory, which operators watch (contract §4.9).

mod load_warnings;
mod metrics;
mod vm_memory;
