//! ECDSA on P-521, and on P-256 and P-384 with SHA-512, which *ring* lacks. BoringSSL, and so
//! Envoy, verifies client certificates with all of them.

use p256::ecdsa::signature::hazmat::PrehashVerifier;
use rustls_pki_types::{
    AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id,
};
use sha2::{Digest, Sha256, Sha384, Sha512};

#[derive(Clone, Copy, Debug)]
enum Curve {
    P256,
    P384,
    P521,
}

#[derive(Clone, Copy, Debug)]
enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

#[derive(Debug)]
struct Ecdsa(Curve, Hash);

pub(crate) static ALGORITHMS: [&dyn SignatureVerificationAlgorithm; 5] = [
    &Ecdsa(Curve::P256, Hash::Sha512),
    &Ecdsa(Curve::P384, Hash::Sha512),
    &Ecdsa(Curve::P521, Hash::Sha256),
    &Ecdsa(Curve::P521, Hash::Sha384),
    &Ecdsa(Curve::P521, Hash::Sha512),
];

impl SignatureVerificationAlgorithm for Ecdsa {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let Ecdsa(curve, hash) = self;
        let digest = hash.digest(message);
        let verified = match curve {
            Curve::P256 => p256(public_key, &digest, signature),
            Curve::P384 => p384(public_key, &digest, signature),
            Curve::P521 => p521(public_key, &digest, signature),
        };
        verified.map_err(|_| InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        match self.0 {
            Curve::P256 => alg_id::ECDSA_P256,
            Curve::P384 => alg_id::ECDSA_P384,
            Curve::P521 => alg_id::ECDSA_P521,
        }
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        match self.1 {
            Hash::Sha256 => alg_id::ECDSA_SHA256,
            Hash::Sha384 => alg_id::ECDSA_SHA384,
            Hash::Sha512 => alg_id::ECDSA_SHA512,
        }
    }
}

impl Hash {
    fn digest(self, message: &[u8]) -> Vec<u8> {
        match self {
            Hash::Sha256 => Sha256::digest(message).to_vec(),
            Hash::Sha384 => Sha384::digest(message).to_vec(),
            Hash::Sha512 => Sha512::digest(message).to_vec(),
        }
    }
}

fn p256(key: &[u8], digest: &[u8], signature: &[u8]) -> p256::ecdsa::signature::Result<()> {
    let signature = p256::ecdsa::Signature::from_der(signature)?;
    p256::ecdsa::VerifyingKey::from_sec1_bytes(key)?.verify_prehash(digest, &signature)
}

fn p384(key: &[u8], digest: &[u8], signature: &[u8]) -> p256::ecdsa::signature::Result<()> {
    let signature = p384::ecdsa::Signature::from_der(signature)?;
    p384::ecdsa::VerifyingKey::from_sec1_bytes(key)?.verify_prehash(digest, &signature)
}

fn p521(key: &[u8], digest: &[u8], signature: &[u8]) -> p256::ecdsa::signature::Result<()> {
    let signature = p521::ecdsa::Signature::from_der(signature)?;
    p521::ecdsa::VerifyingKey::from_sec1_bytes(key)?.verify_prehash(digest, &signature)
}
