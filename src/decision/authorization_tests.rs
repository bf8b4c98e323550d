//! Allow lists and revocation (contract §4.11), decided on connections without Envoy.

use super::*;
use crate::certificate::names::Names;
use crate::certificate::{PeerCertificateStatus, pem};
use crate::config::Config;
use crate::connection::{Handshake, Presented, SimulatedConnection};
use crate::headers::map::{HeaderMap, serialize};
use crate::outcome::Outcome;

const RFC_9440_CERTIFICATES: &[u8] = include_bytes!("../certificate/testdata/rfc9440.pem");

fn leaf() -> Vec<u8> {
    pem::decode(RFC_9440_CERTIFICATES).unwrap()
}

/// The entry of `revoked_certificates` or `allow_client_certificates` for a fingerprint.
fn by_fingerprint(der: &[u8]) -> String {
    let digits: Vec<String> = Names::read(der)
        .unwrap()
        .sha256
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    format!(r#"{{"sha256":"{}"}}"#, digits.join(":"))
}

fn by_serial(der: &[u8]) -> String {
    let names = Names::read(der).unwrap();
    let (issuer, serial) = (names.issuer_dn, names.serial);
    format!(r#"{{"issuer_dn":{issuer:?},"serial":"{serial}"}}"#)
}

fn config(revoked: &str, setting: &str) -> Config {
    let json = format!(
        r#"{{"verified_by":"attribute","revoked_certificates":[{revoked}],
            "settings":[{{"hostname":"a.example",{setting}}}]}}"#
    );
    Config::from_json(json.as_bytes()).expect(&json)
}

fn handshake(leaf: Vec<u8>, is_verified: bool) -> Handshake {
    Handshake {
        server_name: Some(b"a.example".to_vec()),
        presented: Presented::Certificate {
            leaf,
            chain: Vec::new(),
            is_verified,
        },
    }
}

/// The refusal and the headers that the request goes on with, as names and values.
fn outcome(
    config: &Config,
    connection: &mut SimulatedConnection,
) -> (Option<Refusal>, Option<Progress>, Vec<String>) {
    let bytes = serialize(&[(b":authority", b"a.example")]);
    let request = Inbound::scan(HeaderMap::parse(&bytes).unwrap(), config);
    match decide(&request, config, connection).verdict {
        Verdict::Refuse(refusal) => (Some(refusal), None, Vec::new()),
        Verdict::Pass(pass) => {
            let texts = pass.add.iter().map(|added| {
                let value = String::from_utf8_lossy(added.value);
                format!("{}: {value}", added.header.name)
            });
            (None, Some(pass.progress), texts.collect())
        }
    }
}

#[test]
fn a_revoked_certificate_counts_as_not_verified() {
    let setting = r#""client_certificate_forwarding":true,
        "request_headers":{"x-revoked":"certRevoked","x-verified":"certVerified"}"#;
    let status = ["x-revoked: 1", "x-verified: FAILED"];
    for revoked in [by_fingerprint(&leaf()), by_serial(&leaf())] {
        for is_verified in [true, false] {
            let config = config(&revoked, setting);
            let mut connection = SimulatedConnection::new(&config, handshake(leaf(), is_verified));
            let (refusal, progress, headers) = outcome(&config, &mut connection);
            assert_eq!(refusal, None);
            assert_eq!(progress, Some(Progress::Concluded(Outcome::Revoked)));
            assert_eq!(headers, status, "{revoked}");
        }
    }
}

#[test]
fn a_revoked_certificate_is_forwarded_where_unverified_ones_are() {
    let setting = r#""client_certificate_forwarding":true,"forward_unverified":true"#;
    let config = config(&by_fingerprint(&leaf()), setting);
    let mut connection = SimulatedConnection::new(&config, handshake(leaf(), true));
    let (_, progress, headers) = outcome(&config, &mut connection);
    assert_eq!(progress, Some(Progress::Pending(Outcome::Forwarded)));
    assert_eq!(headers.len(), 2);
}

#[test]
fn a_revoked_certificate_is_refused_where_one_is_required_and_the_body_does_not_tell_why() {
    let setting = r#""require_client_certificate":true"#;
    let config = config(&by_serial(&leaf()), setting);
    let mut connection = SimulatedConnection::new(&config, handshake(leaf(), true));
    let (refusal, ..) = outcome(&config, &mut connection);
    let refusal = refusal.unwrap();
    let expected = Refusal::CertificateRequired(PeerCertificateStatus::Revoked);
    assert_eq!(refusal, expected);
    assert_eq!(refusal.details(), "client_cert_forwarder_revoked");
    let unverified = Refusal::CertificateRequired(PeerCertificateStatus::Unverified);
    assert_eq!(refusal.body(), unverified.body());
}

#[test]
fn a_certificate_that_cannot_be_read_counts_as_revoked_where_serials_are_listed() {
    let setting = r#""require_client_certificate":true"#;
    for (revoked, is_refused) in [(by_serial(&leaf()), true), (by_fingerprint(&leaf()), false)] {
        let config = config(&revoked, setting);
        let mut connection = SimulatedConnection::new(&config, handshake(vec![1, 2, 3], true));
        let (refusal, ..) = outcome(&config, &mut connection);
        assert_eq!(refusal.is_some(), is_refused, "{revoked}");
    }
}

#[test]
fn only_certificates_on_the_allow_list_may_call() {
    let issuer = Names::read(&leaf()).unwrap().issuer_dn;
    for (allowed, is_refused) in [
        (String::new(), true),
        (by_fingerprint(&leaf()), false),
        (format!(r#"{{"issuer_dn":{issuer:?}}}"#), false),
        (r#"{"san_dns":"other.example"}"#.to_owned(), true),
        (
            format!(r#"{{"issuer_dn":{issuer:?},"san_dns":"x.example"}}"#),
            true,
        ),
    ] {
        let setting =
            format!(r#""require_client_certificate":true,"allow_client_certificates":[{allowed}]"#);
        let config = config("", &setting);
        let mut connection = SimulatedConnection::new(&config, handshake(leaf(), true));
        for _ in 0..2 {
            let (refusal, ..) = outcome(&config, &mut connection);
            let expected = is_refused.then_some(Refusal::NotAllowed);
            assert_eq!(refusal, expected, "{allowed}");
        }
    }
}

#[test]
fn a_certificate_that_cannot_be_read_or_was_not_verified_is_never_allowed() {
    let unreadable = vec![0x30, 0x03, 0x02, 0x01, 0x05];
    let digest = "0".repeat(64);
    let setting = format!(
        r#""require_client_certificate":true,
            "allow_client_certificates":[{{"sha256":"{digest}"}},{}]"#,
        by_fingerprint(&leaf())
    );
    let config = config("", &setting);
    for (leaf, is_verified, expected) in [
        (unreadable, true, Refusal::NotAllowed),
        (
            leaf(),
            false,
            Refusal::CertificateRequired(PeerCertificateStatus::Unverified),
        ),
    ] {
        let mut connection = SimulatedConnection::new(&config, handshake(leaf, is_verified));
        let (refusal, ..) = outcome(&config, &mut connection);
        assert_eq!(refusal, Some(expected));
    }
}
