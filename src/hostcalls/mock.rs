//! A host for tests: answers from memory, and remembers what it was asked to do.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Hostcalls, Level, LocalReply, Map};
use crate::headers::map::serialize;

type Headers = Vec<(Vec<u8>, Vec<u8>)>;

/// A connection with its requests, one after the other.
#[derive(Default)]
pub(crate) struct MockEnvoy {
    pub(crate) headers: RefCell<HashMap<Map, Headers>>,
    pub(crate) properties: RefCell<HashMap<String, Vec<u8>>>,
    pub(crate) counters: RefCell<BTreeMap<String, u32>>,
    pub(crate) logged: RefCell<Vec<String>>,
    pub(crate) replied: RefCell<Option<LocalReply>>,
    pub(crate) unreadable: Cell<bool>,
    pub(crate) unremovable: Cell<bool>,
    /// Name of a property that the host does not take.
    pub(crate) unwritable: RefCell<String>,
    /// Names of the properties written, in their order.
    pub(crate) property_writes: RefCell<Vec<String>>,
    pub(crate) property_reads: RefCell<Vec<String>>,
    counter_names: RefCell<Vec<String>>,
    said: RefCell<HashSet<String>>,
}

impl MockEnvoy {
    /// A TLS connection with that SNI, whose client presented the certificate with this PEM.
    pub(crate) fn with_certificate(sni: &str, pem: &str) -> Self {
        let host = Self::default();
        host.set("connection.requested_server_name", sni.as_bytes());
        host.set("connection.tls_version", b"TLSv1.3");
        host.set("connection.mtls", &[1]);
        host.set("connection.peer_certificate", pem.as_bytes());
        host.set("connection.peer_certificate_valid", &[1]);
        host.set("response.code_details", b"via_upstream");
        host
    }

    pub(crate) fn set(&self, property: &str, value: &[u8]) {
        self.properties
            .borrow_mut()
            .insert(property.to_owned(), value.to_vec());
    }

    pub(crate) fn set_headers(&self, map: Map, headers: &[(&str, &str)]) {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()))
            .collect();
        self.headers.borrow_mut().insert(map, headers);
    }

    /// The values of that header, as text.
    pub(crate) fn values(&self, map: Map, name: &str) -> Vec<String> {
        let headers = self.headers.borrow();
        let of_map = headers.get(&map).into_iter().flatten();
        of_map
            .filter(|(other, _)| other == name.as_bytes())
            .map(|(_, value)| String::from_utf8_lossy(value).into_owned())
            .collect()
    }

    /// What was counted, as `outcome hostname` → times.
    pub(crate) fn counted(&self, hostname: &str, outcome: &str) -> u32 {
        let name =
            format!("client_cert_forwarder.hostname={hostname};.outcome={outcome};.requests");
        self.counters.borrow().get(&name).copied().unwrap_or(0)
    }

    fn change(&self, map: Map, name: &[u8], value: Option<&[u8]>, keep: bool) -> bool {
        let mut headers = self.headers.borrow_mut();
        let headers = headers.entry(map).or_default();
        headers.retain(|(other, _)| keep || other != name);
        headers.extend(value.map(|value| (name.to_vec(), value.to_vec())));
        true
    }
}

impl Hostcalls for MockEnvoy {
    fn headers(&self, map: Map) -> Option<Vec<u8>> {
        let headers = self.headers.borrow();
        let pairs: Vec<(&[u8], &[u8])> = headers
            .get(&map)
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.as_slice(), value.as_slice()))
            .collect();
        (!self.unreadable.get()).then(|| serialize(&pairs))
    }

    fn header(&self, map: Map, name: &str) -> Option<Vec<u8>> {
        let headers = self.headers.borrow();
        let mut headers = headers.get(&map)?.iter();
        headers
            .find(|(other, _)| other == name.as_bytes())
            .map(|(_, value)| value.clone())
    }

    fn add_header(&self, map: Map, name: &str, value: &[u8]) -> bool {
        self.change(map, name.as_bytes(), Some(value), true)
    }

    fn set_header(&self, map: Map, name: &str, value: &[u8]) -> bool {
        self.change(map, name.as_bytes(), Some(value), false)
    }

    fn remove_header(&self, map: Map, name: &[u8]) -> bool {
        !self.unremovable.get() && self.change(map, name, None, false)
    }

    fn property(&self, path: &str) -> Option<Vec<u8>> {
        let path = path.replace('\0', ".");
        self.property_reads.borrow_mut().push(path.clone());
        self.properties.borrow().get(&path).cloned()
    }

    fn set_connection_property(&self, name: &str, value: &[u8]) -> bool {
        self.property_writes.borrow_mut().push(name.to_owned());
        let is_taken = name != *self.unwritable.borrow();
        if is_taken {
            self.set(name, value);
        }
        is_taken
    }

    fn reply(&self, reply: &LocalReply) -> bool {
        self.replied.replace(Some(reply.clone()));
        true
    }

    fn define_counter(&self, name: &str) -> Option<u32> {
        self.counter_names.borrow_mut().push(name.to_owned());
        u32::try_from(self.counter_names.borrow().len() - 1).ok()
    }

    fn increment_counter(&self, id: u32) {
        let name = self.counter_names.borrow()[id as usize].clone();
        *self.counters.borrow_mut().entry(name).or_default() += 1;
    }

    fn log(&self, _: Level, message: &str) {
        self.logged.borrow_mut().push(message.to_owned());
    }

    fn first_in_process(&self, key: &str) -> bool {
        self.said.borrow_mut().insert(key.to_owned())
    }
}
