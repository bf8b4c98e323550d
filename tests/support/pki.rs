//! Certificates of one test run: a CA, the server's certificate, and those of several clients.

use std::sync::OnceLock;

use base64::{Engine, engine::general_purpose::STANDARD};
use client_cert_forwarder::certificate::names::Names;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertificateRevocationListParams,
    CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair,
    KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest, Sha256};

/// The certificates of this test process, made on first use.
pub fn pki() -> &'static Pki {
    static PKI: OnceLock<Pki> = OnceLock::new();
    PKI.get_or_init(Pki::generate)
}

/// A CA and everything it signed, and one certificate that it did not.
pub struct Pki {
    /// The CA that both sides trust, PEM.
    pub ca_pem: String,
    /// The same, DER.
    pub ca_der: CertificateDer<'static>,
    /// Envoy's own certificate: valid for every hostname that [`SERVER_NAMES`] lists.
    pub server: Identity,
    /// A client that the CA vouches for.
    pub client: Identity,
    /// Another client that the CA vouches for.
    pub other_client: Identity,
    /// A client with a self-signed certificate.
    pub untrusted: Identity,
    /// A trusted client with a certificate of about 20 KB, as post-quantum keys make them.
    pub huge: Identity,
    /// A trusted client whose certificate was signed by an intermediate CA, which it presents too.
    pub chained: Identity,
    /// A trusted client with a serial number of 64 octets; RFC 5280 §4.1.2.2 allows 20. BoringSSL
    /// accepts it, strict parsers refuse it.
    pub long_serial: Identity,
    ca: Issuer<'static, KeyPair>,
}

/// The names in the server certificate.
pub const SERVER_NAMES: [&str; 8] = [
    "example.com",
    "*.example.com",
    "*.eu.example.com",
    "example.org",
    "*.example.org",
    "*.test",
    "localhost",
    "127.0.0.1",
];

impl Pki {
    fn generate() -> Pki {
        let ca_key = new_key();
        let ca_params = authority("Test Root CA");
        let ca_certificate = ca_params.self_signed(&ca_key).expect("a CA certificate");
        let ca = Issuer::new(ca_params, ca_key);

        let intermediate_key = new_key();
        let intermediate_params = authority("Test Intermediate CA");
        let intermediate_certificate = intermediate_params
            .signed_by(&intermediate_key, &ca)
            .expect("an intermediate certificate");
        let intermediate = Issuer::new(intermediate_params, intermediate_key);

        let mut server_params = leaf("Test Server", ExtendedKeyUsagePurpose::ServerAuth);
        server_params.subject_alt_names = CertificateParams::new(SERVER_NAMES.map(String::from))
            .expect("server names")
            .subject_alt_names;

        let mut huge_params = client_params("Huge Client");
        // 1.3.6.1.4.1.99999.1: a private extension that no verifier looks into.
        huge_params.custom_extensions = vec![CustomExtension::from_oid_content(
            &[1, 3, 6, 1, 4, 1, 99999, 1],
            octet_string(&[0x5a; 20_000]),
        )];
        let mut long_serial_params = client_params("Long Serial Client");
        long_serial_params.serial_number = Some(SerialNumber::from_slice(&[0x42; 64]));

        let mut chained = Identity::signed(&client_params("Chained Client"), &intermediate);
        chained.chain.push(intermediate_certificate.der().clone());

        let untrusted_key = new_key();
        let untrusted = client_params("Untrusted Client")
            .self_signed(&untrusted_key)
            .expect("a certificate");

        Pki {
            ca_pem: ca_certificate.pem(),
            ca_der: ca_certificate.der().clone(),
            server: Identity::signed(&server_params, &ca),
            client: Identity::signed(&client_params("Test Client"), &ca),
            other_client: Identity::signed(&client_params("Other Client"), &ca),
            untrusted: Identity::new(&untrusted, &untrusted_key),
            huge: Identity::signed(&huge_params, &ca),
            chained,
            long_serial: Identity::signed(&long_serial_params, &ca),
            ca,
        }
    }

    /// A trusted client whose certificate the test shapes itself.
    pub fn client_with(&self, shape: impl FnOnce(&mut CertificateParams)) -> Identity {
        let mut params = client_params("Shaped Client");
        shape(&mut params);
        Identity::signed(&params, &self.ca)
    }

    /// A CRL of the CA, PEM, that revokes these certificates.
    pub fn crl(&self, revoked: &[&Identity]) -> String {
        let revoked = revoked.iter().map(|identity| RevokedCertParams {
            serial_number: identity.serial(),
            revocation_time: date_time_ymd(2026, 1, 1),
            reason_code: None,
            invalidity_date: None,
        });
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2026, 1, 1),
            next_update: date_time_ymd(2049, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let list = list.signed_by(&self.ca).expect("a CRL");
        list.pem().expect("PEM")
    }
}

/// A certificate, the chain presented with it, and its key.
pub struct Identity {
    /// The leaf first, then the intermediates that are sent with it.
    pub chain: Vec<CertificateDer<'static>>,
    key: KeyPair,
}

impl Identity {
    /// The leaf's DER.
    pub fn der(&self) -> &[u8] {
        &self.chain[0]
    }

    /// The leaf's DER in base64: one line, padded (`Cf-Client-Cert-Der-Base64`).
    pub fn der_base64(&self) -> String {
        STANDARD.encode(self.der())
    }

    /// The SHA-256 of the leaf's DER in 64 lowercase hex digits (`Cf-Client-Cert-Sha256`).
    pub fn sha256(&self) -> String {
        Sha256::digest(self.der())
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    fn serial(&self) -> SerialNumber {
        let serial = Names::read(self.der()).expect("a certificate").serial;
        let octets = serial.as_bytes().chunks(2).map(|digits| {
            let digits = std::str::from_utf8(digits).expect("ASCII");
            u8::from_str_radix(digits, 16).expect("hex digits")
        });
        SerialNumber::from(octets.collect::<Vec<u8>>())
    }

    /// The certificates as PEM, the leaf first.
    pub fn chain_pem(&self) -> String {
        self.chain
            .iter()
            .map(|certificate| pem_block("CERTIFICATE", certificate))
            .collect()
    }

    /// The private key as PKCS #8 PEM.
    pub fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// The private key as rustls takes it.
    pub fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.serialize_der()).into()
    }

    fn signed(params: &CertificateParams, issuer: &Issuer<'static, KeyPair>) -> Identity {
        let key = new_key();
        let certificate = params.signed_by(&key, issuer).expect("a certificate");
        Identity {
            chain: vec![certificate.der().clone()],
            key,
        }
    }

    fn new(certificate: &Certificate, key: &KeyPair) -> Identity {
        let key = KeyPair::try_from(key.serialize_der()).expect("a key that was just made");
        Identity {
            chain: vec![certificate.der().clone()],
            key,
        }
    }
}

fn new_key() -> KeyPair {
    KeyPair::generate().expect("a P-256 key")
}

fn authority(common_name: &str) -> CertificateParams {
    let mut params = named(common_name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn client_params(common_name: &str) -> CertificateParams {
    leaf(common_name, ExtendedKeyUsagePurpose::ClientAuth)
}

fn leaf(common_name: &str, usage: ExtendedKeyUsagePurpose) -> CertificateParams {
    let mut params = named(common_name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![usage];
    params
}

fn named(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::OrganizationName, "Client Certificate Forwarder");
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params
}

fn octet_string(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len())
        .expect("less than 64 KB")
        .to_be_bytes();
    [&[0x04, 0x82], length.as_slice(), content].concat()
}

fn pem_block(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let lines: Vec<&str> = body
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).expect("base64 is ASCII"))
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}
