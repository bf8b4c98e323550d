//! Random secrets of sessions and forms.

use subtle::ConstantTimeEq;

use crate::hex;

/// 256 random bits, as 64 hexadecimal digits. Never logged.
#[derive(Clone)]
pub(super) struct Secret(String);

impl Secret {
    /// Draws a secret; none if the system has no random bytes.
    pub(super) fn draw() -> Option<Self> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).ok()?;
        Some(Self(hex::encode(&bytes)))
    }

    /// Reads the form of [`Secret::as_str`].
    pub(super) fn parse(text: &str) -> Option<Self> {
        hex::decode_32_bytes(text).map(|bytes| Self(hex::encode(&bytes)))
    }

    /// Compares in constant time.
    pub(super) fn is(&self, text: &str) -> bool {
        self.0.as_bytes().ct_eq(text.as_bytes()).into()
    }

    /// Returns the digits.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}
