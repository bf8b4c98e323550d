//! Signatures of CRLs, by the algorithms of rustls, and ECDSA that it lacks with *ring*.

use crate::asn1::{Signed, SubjectPublicKeyInfo};
use crate::ecdsa;
use der::asn1::UintRef;
use der::oid::ObjectIdentifier;
use der::oid::db::DB;
use der::{Decode, Sequence, SliceReader};
use rustls_pki_types::{SignatureVerificationAlgorithm, alg_id};
use webpki::ALL_VERIFICATION_ALGS;

/// 2048 bits.
const LEAST_MODULUS_OCTETS: usize = 256;

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
    UnsupportedAlgorithm,
    /// The key is of an unknown kind, or too short.
    UnsupportedKey,
}

impl PublicKey {
    pub(crate) fn read(info: &SubjectPublicKeyInfo<'_>) -> PublicKey {
        let key = info.subject_public_key.as_bytes();
        PublicKey {
            algorithm: info.algorithm.value().to_vec(),
            key: key.unwrap_or_default().to_vec(),
        }
    }

    pub(crate) fn verify(&self, signed: &Signed<'_>) -> Outcome {
        if !algorithms().any(|one| *one.signature_alg_id() == *signed.algorithm) {
            return Outcome::UnsupportedAlgorithm;
        }
        if self.is_short() || !algorithms().any(|one| self.fits(one)) {
            return Outcome::UnsupportedKey;
        }
        let is_good = algorithms()
            .filter(|one| *one.signature_alg_id() == *signed.algorithm && self.fits(*one))
            .any(|one| {
                one.verify_signature(&self.key, &signed.message, signed.signature)
                    .is_ok()
            });
        if is_good { Outcome::Good } else { Outcome::Bad }
    }

    fn fits(&self, algorithm: &dyn SignatureVerificationAlgorithm) -> bool {
        *algorithm.public_key_alg_id() == *self.algorithm
    }

    /// Whether this is an RSA key that is shorter than all algorithms take.
    fn is_short(&self) -> bool {
        let is_rsa = *self.algorithm == *alg_id::RSA_ENCRYPTION;
        let key = RsaPublicKey::from_der(&self.key);
        is_rsa && key.is_ok_and(|key| key.modulus.as_bytes().len() < LEAST_MODULUS_OCTETS)
    }
}

/// RFC 8017 §A.1.1.
#[derive(Sequence)]
struct RsaPublicKey<'a> {
    modulus: UintRef<'a>,
    public_exponent: UintRef<'a>,
}

fn algorithms() -> impl Iterator<Item = &'static dyn SignatureVerificationAlgorithm> {
    ALL_VERIFICATION_ALGS
        .iter()
        .chain(&ecdsa::ALGORITHMS)
        .copied()
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
