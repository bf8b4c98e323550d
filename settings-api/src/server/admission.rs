//! Caps the connections of each port, per client address and in all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::client_address;
use crate::metrics::RefusalReason;

/// The most connections of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ConnectionLimits {
    /// In all.
    pub(super) total: usize,
    /// Of one client address; always fewer than in all, so that no client can take them all.
    pub(super) per_address: usize,
}

/// Descriptors for everything but connections: listeners, databases, files, the runtime.
const RESERVED_DESCRIPTORS: u64 = 32;

impl ConnectionLimits {
    /// Lowers the limits to values that the process's descriptors allow, on so many ports.
    pub(super) fn within(self, descriptors: u64, ports: u64) -> Self {
        let per_port = descriptors.saturating_sub(RESERVED_DESCRIPTORS) / ports.max(1);
        let total = usize::try_from(per_port).unwrap_or(usize::MAX).max(2);
        let total = self.total.min(total);
        Self {
            total,
            per_address: self.per_address.min(total / 2).max(1),
        }
    }
}

/// Admits connections within the limits.
pub(super) struct Admission {
    limits: ConnectionLimits,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

impl Admission {
    /// Starts without connections.
    pub(super) fn new(limits: ConnectionLimits) -> Arc<Self> {
        Arc::new(Self {
            limits,
            open: Mutex::default(),
        })
    }

    /// Admits a connection until the value is dropped.
    ///
    /// # Errors
    /// The limit that is reached.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr) -> Result<Admitted, RefusalReason> {
        let address = client_address::group(address);
        let mut open = self.lock();
        if open.total >= self.limits.total {
            return Err(RefusalReason::Total);
        }
        let of_address = open.by_address.entry(address).or_default();
        if *of_address >= self.limits.per_address {
            return Err(RefusalReason::PerAddress);
        }
        *of_address += 1;
        open.total += 1;
        Ok(Admitted {
            admission: Arc::clone(self),
            address,
        })
    }

    fn release(&self, address: IpAddr) {
        let mut open = self.lock();
        open.total = open.total.saturating_sub(1);
        if let Some(of_address) = open.by_address.get_mut(&address) {
            *of_address = of_address.saturating_sub(1);
            if *of_address == 0 {
                open.by_address.remove(&address);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An admitted connection.
pub(super) struct Admitted {
    admission: Arc<Admission>,
    address: IpAddr,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.admission.release(self.address);
    }
}

#[cfg(test)]
mod tests {
    use super::{Admission, ConnectionLimits};
    use crate::metrics::RefusalReason;

    #[test]
    fn connections_are_capped_per_address_and_in_all() {
        let admission = Admission::new(ConnectionLimits {
            total: 3,
            per_address: 2,
        });
        let addresses = ["192.0.2.1", "192.0.2.2"].map(|address| address.parse().unwrap());
        let first = admission.admit(addresses[0]).ok().unwrap();
        let _second = admission.admit(addresses[0]).ok().unwrap();
        let refused = |number: usize| admission.admit(addresses[number]).err();
        assert_eq!(refused(0), Some(RefusalReason::PerAddress));
        let _third = admission.admit(addresses[1]).ok().unwrap();
        assert_eq!(refused(1), Some(RefusalReason::Total));
        drop(first);
        assert_eq!(refused(0), None);
    }

    #[test]
    fn limits_follow_the_descriptors_and_leave_room_for_a_second_client() {
        let wanted = ConnectionLimits {
            total: 4096,
            per_address: 256,
        };
        for (descriptors, ports, total, per_address) in [
            (1 << 20, 2, 4096, 256),
            (1024, 2, 496, 248),
            (1024, 3, 330, 165),
            (64, 2, 16, 8),
            (10, 2, 2, 1),
        ] {
            let expected = ConnectionLimits { total, per_address };
            assert_eq!(wanted.within(descriptors, ports), expected, "{descriptors}");
        }
    }
}
