//! Signatures of CRLs, by the algorithms that rustls takes for certificates.

use crate::asn1::{Signed, SubjectPublicKeyInfo};
use der::oid::ObjectIdentifier;
use der::oid::db::DB;
use der::{Decode, SliceReader};
use webpki::ALL_VERIFICATION_ALGS;

/// A CA's public key, as signature algorithms take it.
#[derive(Clone, Debug)]
pub(crate) struct PublicKey {
    /// Contents octets of the `AlgorithmIdentifier`.
    algorithm: Vec<u8>,
    /// Octets of `subjectPublicKey`.
    key: Vec<u8>,
}

/// The outcome of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The key has made the signature.
    Good,
    /// It has not.
    Bad,
    /// The signature algorithm is unknown.
    Unsupported,
}

impl PublicKey {
    pub(crate) fn read(info: &SubjectPublicKeyInfo<'_>) -> PublicKey {
        let key = info.subject_public_key.as_bytes();
        PublicKey {
            algorithm: info.algorithm.value().to_vec(),
            key: key.unwrap_or_default().to_vec(),
        }
    }

    /// Algorithms of `webpki` each fit one kind of key, so a key of another kind gives
    /// [`Outcome::Bad`].
    pub(crate) fn verify(&self, signed: &Signed<'_>) -> Outcome {
        let mut candidates = ALL_VERIFICATION_ALGS
            .iter()
            .filter(|algorithm| *algorithm.signature_alg_id() == *signed.algorithm)
            .peekable();
        if candidates.peek().is_none() {
            return Outcome::Unsupported;
        }
        let is_good = candidates
            .filter(|algorithm| *algorithm.public_key_alg_id() == *self.algorithm)
            .any(|algorithm| {
                algorithm
                    .verify_signature(&self.key, &signed.message, signed.signature)
                    .is_ok()
            });
        if is_good { Outcome::Good } else { Outcome::Bad }
    }
}

/// `1.2.840.113549.1.1.5 (sha1WithRSAEncryption)`, the name when it is known.
pub(crate) fn oid_text(oid: &ObjectIdentifier) -> String {
    match DB.by_oid(oid) {
        Some(name) => format!("{oid} ({name})"),
        None => oid.to_string(),
    }
}

/// The same for the contents octets of an `AlgorithmIdentifier`.
pub(crate) fn algorithm_text(algorithm: &[u8]) -> String {
    let oid =
        SliceReader::new(algorithm).and_then(|mut reader| ObjectIdentifier::decode(&mut reader));
    oid.map_or_else(|_| "of no OID".to_owned(), |oid| oid_text(&oid))
}
