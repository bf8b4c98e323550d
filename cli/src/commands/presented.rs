//! Certificates as a client presents them, from a file.

use anyhow::{Result, bail};
use client_cert_forwarder::certificate::pem;

use crate::input::Input;

/// A leaf and the certificates behind it.
#[derive(Debug)]
pub(super) struct Presented {
    pub(super) leaf: Vec<u8>,
    pub(super) chain: Vec<Vec<u8>>,
}

/// Reads a file of certificates, PEM or one in DER, the leaf first.
///
/// # Errors
/// When it can't be read, or holds no certificate.
pub(super) fn read(input: &Input) -> Result<Presented> {
    let mut certificates = read_all(input)?.into_iter();
    match certificates.next() {
        Some(leaf) => Ok(Presented {
            leaf,
            chain: certificates.collect(),
        }),
        None => {
            bail!("{input}: holds no certificate: give PEM (-----BEGIN CERTIFICATE-----) or DER")
        }
    }
}

/// Reads every certificate of a file; there may be none.
///
/// # Errors
/// When it can't be read.
pub(super) fn read_all(input: &Input) -> Result<Vec<Vec<u8>>> {
    /// The first octet of a certificate: SEQUENCE with a length of two octets.
    const DER: &[u8] = b"\x30\x82";
    let bytes = input.read()?;
    if bytes.starts_with(DER) {
        return Ok(vec![bytes]);
    }
    Ok(pem::decode_all(&bytes))
}
