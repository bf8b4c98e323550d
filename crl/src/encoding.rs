//! The CRLs and certificates of a file, PEM (RFC 7468) or DER.

use crate::asn1::Certificate;
use crate::error::{Error, Place, Reason};
use der::{Decode, Reader, SliceReader};
use rustls_pki_types::pem::{PemObject, SectionKind};

/// First octet of every DER-encoded CRL and certificate, and the digit 0 in a text.
const SEQUENCE: u8 = 0x30;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
const PEM_BEGIN: &[u8] = b"-----BEGIN ";

/// A file's name, for messages, and its bytes.
#[derive(Clone, Copy, Debug)]
pub struct File<'a> {
    /// The name that messages say.
    pub name: &'a str,
    /// One or several CRLs or certificates, all PEM or all DER.
    pub bytes: &'a [u8],
}

/// The blocks that are wanted from a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contents {
    Crls,
    Certificates,
}

impl Contents {
    fn section(self) -> SectionKind {
        match self {
            Contents::Crls => SectionKind::Crl,
            Contents::Certificates => SectionKind::Certificate,
        }
    }

    fn not_found(self, certificate: bool) -> Reason {
        match self {
            Contents::Crls => Reason::NoCrl { certificate },
            Contents::Certificates => Reason::NoCertificate,
        }
    }
}

/// Applies `read` to the DER of each block. Other PEM blocks, and text between them, are skipped.
///
/// # Errors
///
/// One for each block that `read` refuses, or one for a file without such a block.
pub(crate) fn read_each<T>(
    file: &File<'_>,
    contents: Contents,
    read: impl Fn(Place, &[u8]) -> Result<T, Error>,
) -> Result<Vec<T>, Vec<Error>> {
    let mut place = Place {
        file: file.name.to_owned(),
        number: None,
        issuer_dn: None,
    };
    let blocks = blocks(file.bytes, contents).map_err(|reason| vec![place.error(reason)])?;
    let (mut values, mut errors) = (Vec::new(), Vec::new());
    for (index, block) in blocks.iter().enumerate() {
        place.number = (blocks.len() > 1).then_some(index + 1);
        match read(place.clone(), block) {
            Ok(value) => values.push(value),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() {
        Ok(values)
    } else {
        Err(errors)
    }
}

fn blocks(bytes: &[u8], contents: Contents) -> Result<Vec<Vec<u8>>, Reason> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let is_pem = bytes
        .windows(PEM_BEGIN.len())
        .any(|window| window == PEM_BEGIN);
    match der_blocks(bytes) {
        _ if bytes.first() != Some(&SEQUENCE) && !is_pem => Err(contents.not_found(false)),
        Ok(blocks)
            if contents == Contents::Crls && blocks.iter().any(|der| is_certificate(der)) =>
        {
            Err(contents.not_found(true))
        }
        Ok(blocks) => Ok(blocks),
        Err(_) if is_pem => pem_blocks(bytes, contents),
        Err(error) => Err(error.into()),
    }
}

/// The DER elements that `bytes` are made of, to the last byte.
fn der_blocks(bytes: &[u8]) -> Result<Vec<Vec<u8>>, der::Error> {
    let mut reader = SliceReader::new(bytes)?;
    let mut blocks = Vec::new();
    while !reader.is_finished() {
        blocks.push(reader.tlv_bytes()?.to_vec());
    }
    Ok(blocks)
}

fn pem_blocks(pem: &[u8], contents: Contents) -> Result<Vec<Vec<u8>>, Reason> {
    let mut blocks = Vec::new();
    let mut has_certificate = false;
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(pem) {
        let (kind, der) = section.map_err(|error| Reason::Pem(error.to_string()))?;
        has_certificate |= kind == SectionKind::Certificate;
        if kind == contents.section() {
            blocks.push(der);
        }
    }
    if blocks.is_empty() {
        return Err(contents.not_found(has_certificate));
    }
    Ok(blocks)
}

fn is_certificate(der: &[u8]) -> bool {
    Certificate::from_der(der).is_ok()
}
