//! Memory of Envoy and its wasm VMs: Envoy's statistics include the first but not the second.

use std::{fs, io};

use serde_json::Value;

use crate::envoy::Envoy;

/// V8's reservation for one linear memory, so that no 32-bit address can leave it: the pages in
/// use, then inaccessible ones.
const RESERVATION: u64 = 8 << 30;

impl Envoy {
    /// The linear memory of each of Envoy's VMs, in bytes: one per worker, one for the main thread,
    /// and one from which the others were cloned. `None` on systems other than Linux.
    ///
    /// # Panics
    /// When Envoy is gone.
    pub fn vm_memory(&self) -> Option<Vec<u64>> {
        cfg!(target_os = "linux").then(|| {
            linear_memories(self.pid())
                .unwrap_or_else(|error| panic!("Envoy's memory map: {error}"))
        })
    }

    /// The bytes in use from Envoy's own allocator, without V8's memory.
    pub async fn allocated_memory(&self) -> u64 {
        let text = self.admin("/memory").await;
        let memory: Value = serde_json::from_str(&text).expect("JSON of the admin interface");
        memory["allocated"]
            .as_str()
            .and_then(|bytes| bytes.parse().ok())
            .unwrap_or_else(|| panic!("no allocated bytes in {text}"))
    }
}

/// The sizes of the wasm linear memories of that process, in bytes, in the order of their
/// addresses.
///
/// # Errors
/// When the process has no readable memory map: it has ended, belongs to another user, or the
/// system isn't Linux.
pub fn linear_memories(process: u32) -> io::Result<Vec<u64>> {
    fs::read_to_string(format!("/proc/{process}/maps")).map(|maps| in_maps(&maps))
}

/// V8 reserves 8 GiB of addresses and makes the first pages accessible, more as the module grows.
/// So a linear memory is anonymous, readable and writable, and followed by an inaccessible region
/// up to 8 GiB from its start. Nothing else in Envoy looks like this. A neighbour with the same
/// access shows as one region with it, so the reservation may seem larger, never smaller.
fn in_maps(maps: &str) -> Vec<u64> {
    let regions: Vec<Region> = maps.lines().filter_map(Region::parse).collect();
    regions
        .windows(2)
        .filter_map(|pair| match pair {
            [used, guard] => {
                let is_memory = used.permissions == "rw-p"
                    && guard.permissions == "---p"
                    && used.end == guard.start
                    && guard.end - used.start >= RESERVATION;
                is_memory.then_some(used.end - used.start)
            }
            _ => None,
        })
        .collect()
}

struct Region<'a> {
    start: u64,
    end: u64,
    permissions: &'a str,
}

impl Region<'_> {
    /// An anonymous region's line: `start-end permissions offset device inode`, and no path.
    fn parse(line: &str) -> Option<Region<'_>> {
        let mut words = line.split_whitespace();
        let (start, end) = words.next()?.split_once('-')?;
        let permissions = words.next()?;
        let anonymous = words.nth(3).is_none();
        anonymous.then_some(Region {
            start: u64::from_str_radix(start, 16).ok()?,
            end: u64::from_str_radix(end, 16).ok()?,
            permissions,
        })
    }
}
