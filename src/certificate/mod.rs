//! The client certificate (the fields beyond the two forwarding headers come next).
pub mod field;
pub mod pem;
pub mod xfcc;
use base64::Engine;
use field::Field;
use sha2::Digest;
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verification {
    NotPresented,
    Verified,
    Failed,
}
#[derive(Debug)]
pub struct Limits {
    pub max_certificate_bytes: usize,
    pub max_certificate_chain_bytes: usize,
}
pub struct Certificate {
    der: Vec<u8>,
}
impl Certificate {
    pub fn new(der: Vec<u8>, _chain: Vec<Vec<u8>>) -> Self {
        Self { der }
    }
    pub fn too_large(&self, l: &Limits) -> bool {
        self.der.len().div_ceil(3) * 4 > l.max_certificate_bytes
    }
    pub fn value(&self, f: Field, l: &Limits) -> String {
        match f {
            Field::CertDerBase64 => {
                if self.too_large(l) {
                    String::new()
                } else {
                    base64::engine::general_purpose::STANDARD.encode(&self.der)
                }
            }
            Field::CertFingerprintSha256 => sha2::Sha256::digest(&self.der)
                .iter()
                .map(|b| format!("{b:02x}"))
                .collect(),
            _ => String::new(),
        }
    }
}
pub fn status_value(f: Field, v: Verification) -> Option<&'static str> {
    if f == Field::CertPresented {
        Some(if v == Verification::NotPresented {
            "0"
        } else {
            "1"
        })
    } else {
        None
    }
}
