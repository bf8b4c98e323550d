//! An Envoy of memory for one downstream connection. Unlike the tests' mock of the filter it can give header maps that are no maps, and
//! knows which headers the filter made.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use client_cert_forwarder::header_map::serialize;
use client_cert_forwarder::hostcalls::{Hostcalls, Level, LocalReply, Map};

use crate::model::header_map::pairs;

/// A header, and whether the filter made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) name: Vec<u8>,
    pub(super) value: Vec<u8>,
    pub(super) is_of_filter: bool,
}

/// A header map, or the bytes that are none.
type Headers = Result<Vec<Line>, Vec<u8>>;

#[derive(Default)]
pub(super) struct Connection {
    pub(super) properties: RefCell<HashMap<String, Vec<u8>>>,
    pub(super) replies: RefCell<Vec<LocalReply>>,
    /// Whether headers can't be removed.
    pub(super) is_stubborn: Cell<bool>,
    maps: RefCell<HashMap<Map, Headers>>,
    logged: RefCell<Vec<String>>,
}

impl Connection {
    /// Puts the serialised map in place; bytes that are none are given to the filter as they are.
    pub(super) fn receive(&self, map: Map, bytes: &[u8]) {
        let of_client = |(name, value)| Line {
            name,
            value,
            is_of_filter: false,
        };
        let lines = pairs(bytes).map(|pairs| pairs.into_iter().map(of_client).collect());
        self.maps
            .borrow_mut()
            .insert(map, lines.ok_or_else(|| bytes.to_vec()));
    }

    /// The headers as they are now; `None` where there never was a map.
    pub(super) fn lines(&self, map: Map) -> Option<Vec<Line>> {
        self.maps.borrow().get(&map)?.clone().ok()
    }

    fn change(&self, map: Map, name: &[u8], keep: bool, value: Option<&[u8]>) -> bool {
        let mut maps = self.maps.borrow_mut();
        let Some(Ok(lines)) = maps.get_mut(&map) else {
            return false;
        };
        lines.retain(|line| keep || line.name != name);
        lines.extend(value.map(|value| Line {
            name: name.to_vec(),
            value: value.to_vec(),
            is_of_filter: true,
        }));
        true
    }
}

impl Hostcalls for Connection {
    fn headers(&self, map: Map) -> Option<Vec<u8>> {
        match self.maps.borrow().get(&map)? {
            Err(bytes) => Some(bytes.clone()),
            Ok(lines) => {
                let pairs = lines
                    .iter()
                    .map(|line| (line.name.as_slice(), line.value.as_slice()));
                Some(serialize(&pairs.collect::<Vec<_>>()))
            }
        }
    }

    fn add_header(&self, map: Map, name: &str, value: &[u8]) -> bool {
        self.change(map, name.as_bytes(), true, Some(value))
    }

    fn set_header(&self, map: Map, name: &str, value: &[u8]) -> bool {
        self.change(map, name.as_bytes(), false, Some(value))
    }

    fn remove_header(&self, map: Map, name: &[u8]) -> bool {
        !self.is_stubborn.get() && self.change(map, name, false, None)
    }

    fn property(&self, path: &str) -> Option<Vec<u8>> {
        self.properties
            .borrow()
            .get(&path.replace('\0', "."))
            .cloned()
    }

    fn set_connection_property(&self, name: &str, value: &[u8]) -> bool {
        self.properties
            .borrow_mut()
            .insert(name.to_owned(), value.to_vec());
        true
    }

    fn reply(&self, reply: &LocalReply) -> bool {
        self.replies.borrow_mut().push(reply.clone());
        true
    }

    fn define_counter(&self, _: &str) -> Option<u32> {
        Some(0)
    }

    fn increment_counter(&self, _: u32) {}

    fn log(&self, _: Level, message: &str) {
        assert!(!message.contains('\n'), "{message:?}");
        self.logged.borrow_mut().push(message.to_owned());
    }

    fn first_in_process(&self, _: &str) -> bool {
        true
    }
}
