//! What a connection was served for: the settings whose certificate headers the origin has had (spec §4.5).
//!
//! Envoy keeps it with the downstream connection and frees it with that. It is text, because Envoy's own matcher reads it too: the
//! fast path ([`crate::fast_path`]) skips this filter where the mark of the request's setting is there.

use crate::config::compiled::Id;

/// The connection-wide property that holds a connection's [`Delivered`].
pub const DELIVERED: &str = "client_cert_forwarder.delivered";

/// One setting under one configuration: both ids in hexadecimal, and a comma.
///
/// What the filter itself asks is whether the setting's half is there: a reload changes nothing about what a connection was served for.
/// Envoy's matcher asks for the whole mark, so that a matcher made for one configuration skips nothing under another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark([u8; LENGTH]);

const SETTING: usize = 2 * size_of::<Id>();
const LENGTH: usize = 2 * SETTING + 1;

impl Mark {
    /// The mark of `setting` under `configuration`.
    #[must_use]
    pub fn new(setting: &Id, configuration: &Id) -> Self {
        let digits = setting
            .iter()
            .chain(configuration)
            .flat_map(|byte| [byte >> 4, byte & 15])
            .map(|digit| {
                if digit < 10 {
                    b'0' + digit
                } else {
                    b'a' - 10 + digit
                }
            });
        let mut text = [b','; LENGTH];
        text.iter_mut()
            .zip(digits)
            .for_each(|(to, digit)| *to = digit);
        Self(text)
    }

    /// The mark as Envoy's matcher finds it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }

    fn setting(&self) -> &[u8] {
        self.0.get(..SETTING).unwrap_or_default()
    }
}

/// The marks of one connection, one per setting, one after the other.
#[derive(Debug, Default)]
pub struct Delivered {
    marks: Vec<u8>,
}

/// What a connection's marks say of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The origin has had the certificate for it, and Envoy's matcher can see it.
    Marked,
    /// The same, but under another configuration: the mark is to be renewed.
    MarkedBefore,
    /// It is still to be sent.
    Due,
}

impl Delivered {
    /// The marks that the `DELIVERED` property's value holds.
    #[must_use]
    pub fn from_bytes(marks: Vec<u8>) -> Self {
        Self { marks }
    }

    /// The `DELIVERED` property's value.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.marks
    }

    /// What they say of the setting of that mark.
    #[must_use]
    pub fn of(&self, mark: &Mark) -> Delivery {
        let marks = self.marks.as_chunks::<LENGTH>().0;
        match marks.iter().find(|held| held.starts_with(mark.setting())) {
            Some(held) if *held == mark.0 => Delivery::Marked,
            Some(_) => Delivery::MarkedBefore,
            None => Delivery::Due,
        }
    }

    /// Adds `mark`, in the place of an older one of its setting.
    pub fn add(&mut self, mark: &Mark) {
        let marks = self.marks.as_chunks_mut::<LENGTH>().0;
        match marks
            .iter_mut()
            .find(|held| held.starts_with(mark.setting()))
        {
            Some(held) => *held = mark.0,
            None => self.marks.extend(mark.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Delivered, Delivery, Mark};

    fn mark(setting: &[u8; 8], configuration: &[u8; 8]) -> Mark {
        Mark::new(setting, configuration)
    }

    #[test]
    fn a_mark_is_two_ids_in_hexadecimal_and_a_comma() {
        let mark = Mark::new(&[0x00, 0x9f, 0xa0, 0xff, 1, 2, 3, 4], b"config 1");
        assert_eq!(mark.as_str(), "009fa0ff01020304636f6e6669672031,");
    }

    #[test]
    fn delivery_is_known_per_setting_and_survives_a_new_configuration() {
        let mut delivered = Delivered::default();
        delivered.add(&mark(b"setting1", b"config 1"));
        delivered.add(&mark(b"setting2", b"config 1"));
        for (setting, configuration, expected) in [
            (b"setting1", b"config 1", Delivery::Marked),
            (b"setting2", b"config 1", Delivery::Marked),
            (b"setting2", b"config 2", Delivery::MarkedBefore),
            (b"setting3", b"config 1", Delivery::Due),
            (b"config 1", b"setting1", Delivery::Due),
            (b"ting1con", b"fig 1set", Delivery::Due),
        ] {
            let delivered = Delivered::from_bytes(delivered.as_bytes().to_vec());
            assert_eq!(delivered.of(&mark(setting, configuration)), expected);
        }
    }

    #[test]
    fn a_renewed_mark_takes_the_place_of_the_older_one() {
        let mut delivered = Delivered::default();
        delivered.add(&mark(b"setting1", b"config 1"));
        delivered.add(&mark(b"setting2", b"config 1"));
        delivered.add(&mark(b"setting1", b"config 2"));
        let expected = [
            mark(b"setting1", b"config 2").as_str(),
            mark(b"setting2", b"config 1").as_str(),
        ]
        .concat();
        assert_eq!(delivered.as_bytes(), expected.as_bytes());
        assert_eq!(
            delivered.of(&mark(b"setting1", b"config 1")),
            Delivery::MarkedBefore
        );
    }

    #[test]
    fn no_marks_and_cut_marks_say_nothing() {
        let whole = mark(b"setting1", b"config 1");
        for length in 0..whole.as_str().len() {
            let cut = whole.as_str().as_bytes()[..length].to_vec();
            assert_eq!(Delivered::from_bytes(cut).of(&whole), Delivery::Due);
        }
    }
}
