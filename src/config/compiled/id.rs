//! Ids that tell configurations and settings apart.

use sha2::{Digest, Sha256};

/// First 8 bytes of a SHA-256: tells configurations, or settings, apart.
pub type Id = [u8; 8];

pub(super) fn id(parts: &[&[u8]]) -> Id {
    let mut hash = Sha256::new();
    for part in parts {
        // As 64 bits in the 32-bit module too: native programs make matchers that name its ids.
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let mut id = Id::default();
    id.iter_mut()
        .zip(hash.finalize())
        .for_each(|(to, from)| *to = from);
    id
}
