//! Counters, logs and memory, which operators watch (contract §4.9).

mod metrics;
mod vm_memory;
