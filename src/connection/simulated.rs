//! A connection without Envoy, for tests and tools.

use std::collections::HashSet;

use super::handshake::Handshake;
use super::peer_certificate::PeerCertificate;
use super::questions::Connection;
use crate::config::Config;
use crate::config::compiled::{Id, Setting};

/// A connection of which everything is known beforehand.
#[derive(Debug)]
pub struct SimulatedConnection {
    peer_certificate: PeerCertificate,
    leaf: Option<Vec<u8>>,
    delivered: HashSet<Id>,
    /// How often each question was asked: whether the certificate was delivered, and for itself.
    pub asked: (usize, usize),
}

impl SimulatedConnection {
    /// A connection after `handshake`, over which nothing was delivered.
    #[must_use]
    pub fn new(config: &Config, handshake: Handshake) -> Self {
        Self {
            leaf: handshake.leaf().map(<[u8]>::to_vec),
            peer_certificate: PeerCertificate::compute(config, handshake),
            delivered: HashSet::new(),
            asked: (0, 0),
        }
    }

    /// Takes the certificate as delivered for `setting`.
    pub fn deliver(&mut self, setting: &Setting) {
        self.delivered.insert(setting.id);
    }
}

impl Connection for SimulatedConnection {
    fn was_delivered(&mut self, setting: &Setting) -> bool {
        self.asked.0 += 1;
        self.delivered.contains(&setting.id)
    }

    fn peer_certificate(&mut self, matched: Option<(usize, &Setting)>) -> &PeerCertificate {
        self.asked.1 += 1;
        self.peer_certificate.judge(matched, self.leaf.as_deref());
        &self.peer_certificate
    }
}
