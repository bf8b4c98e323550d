//! The recipes of `docs/authorization.md` allow whom they say, and nobody else.

use std::fs;

use client_cert_forwarder::{
    config::Config,
    connection::{Handshake, Presented, SimulatedConnection},
    decision::{Inbound, Refusal, Verdict, decide},
    headers::map::{HeaderMap, serialize},
};
use sha2::{Digest, Sha256};
use support::{
    der::{
        ALTERNATIVE_NAME, COMMON_NAME, Template, UTF8, attribute, extension, hex, name, sequence,
        tlv,
    },
    wasm::repository,
};

const ORGANIZATION: &str = "2.5.4.10";
const UNIT: &str = "2.5.4.11";
const URI: u8 = 0x86;

/// The recipe's configuration for that hostname, as the page has it.
fn recipe(hostname: &str) -> String {
    let page = fs::read_to_string(repository().join("docs/authorization.md")).expect("the page");
    let blocks = page.split("```json\n").skip(1);
    let blocks = blocks.filter_map(|block| Some(block.split_once("\n```")?.0.to_owned()));
    let named = format!("\"hostname\": \"{hostname}\"");
    let mut found: Vec<String> = blocks.filter(|block| block.contains(&named)).collect();
    assert_eq!(found.len(), 1, "recipes for {hostname}");
    found.remove(0)
}

/// A name with these parts, the common name first as its text has it.
fn distinguished_name(parts: &[(&str, &str)]) -> Vec<u8> {
    let parts = parts.iter().rev();
    let rdns: Vec<_> = parts
        .map(|(oid, text)| vec![attribute(oid, UTF8, text.as_bytes())])
        .collect();
    name(&rdns)
}

fn with_uri(uri: &str) -> Vec<u8> {
    let names = sequence(&[tlv(URI, uri.as_bytes())]);
    Template {
        extensions: vec![extension(ALTERNATIVE_NAME, false, &names)],
        ..Template::plain()
    }
    .der()
}

/// Whether a request for `hostname` goes on over a connection of that client.
#[track_caller]
fn is_allowed(configuration: &str, hostname: &str, leaf: Vec<u8>) -> bool {
    let config = Config::from_json(configuration.as_bytes()).expect("a configuration");
    let handshake = Handshake {
        server_name: Some(hostname.as_bytes().to_vec()),
        presented: Presented::Certificate {
            leaf,
            chain: Vec::new(),
            is_verified: true,
        },
    };
    let mut connection = SimulatedConnection::new(&config, handshake);
    let headers = serialize(&[(b":authority", hostname.as_bytes())]);
    let headers = HeaderMap::parse(&headers).expect("headers");
    let request = Inbound::scan(headers, &config);
    match decide(&request, &config, &mut connection).verdict {
        Verdict::Pass(_) => true,
        Verdict::Refuse(Refusal::NotAllowed) => false,
        Verdict::Refuse(other) => panic!("another refusal: {other:?}"),
    }
}

#[test]
fn the_recipe_for_a_trust_domain_takes_its_workloads_and_no_other_domains() {
    let (hostname, recipe) = ("spiffe.example.com", recipe("spiffe.example.com"));
    for (uri, expected) in [
        ("spiffe://example.org/ns/prod/sa/a", true),
        ("spiffe://example.org/web", true),
        ("spiffe://example.org.evil.test/web", false),
        ("spiffe://evil.test/example.org", false),
        ("spiffe://example.org/", false),
        ("spiffe://example.org/../evil", false),
        ("https://example.org/web", false),
    ] {
        assert_eq!(
            is_allowed(&recipe, hostname, with_uri(uri)),
            expected,
            "{uri}"
        );
    }
    assert!(!is_allowed(&recipe, hostname, Template::plain().der()));
}

#[test]
fn the_recipe_for_a_partner_takes_the_two_certificates_that_it_lists() {
    let (hostname, recipe) = ("partner.example.com", recipe("partner.example.com"));
    let certificate = |serial| {
        Template {
            serial: vec![serial],
            ..Template::plain()
        }
        .der()
    };
    let plain = "d9fbb9d2c8e2a8ee7c80a9fd1d2a3b6e3dd2f5a7ef9b7a1c0d4e5f60718293a4";
    let colons = "0B:1C:2D:3E:4F:50:61:72:83:94:A5:B6:C7:D8:E9:FA:\
                  0B:1C:2D:3E:4F:50:61:72:83:94:A5:B6:C7:D8:E9:FA";
    assert!(recipe.contains(plain) && recipe.contains(colons));
    let digest = |serial| hex(&Sha256::digest(certificate(serial)));
    let with_colons: Vec<String> = digest(2)
        .to_uppercase()
        .as_bytes()
        .chunks(2)
        .map(|pair| String::from_utf8_lossy(pair).into_owned())
        .collect();
    let adapted = recipe
        .replace(plain, &digest(1))
        .replace(colons, &with_colons.join(":"));
    for (serial, expected) in [(1, true), (2, true), (3, false)] {
        let observed = is_allowed(&adapted, hostname, certificate(serial));
        assert_eq!(observed, expected, "certificate {serial}");
    }
    assert!(!is_allowed(&recipe, hostname, certificate(1)));
}

#[test]
fn the_recipe_for_a_team_takes_its_members_and_what_its_own_ca_issues() {
    let (hostname, recipe) = ("team.example.com", recipe("team.example.com"));
    let example = (ORGANIZATION, "Example");
    let payments = (UNIT, "Payments");
    let person = |common_name, unit, issuer| {
        Template {
            subject: distinguished_name(&[(COMMON_NAME, common_name), unit, example]),
            issuer: distinguished_name(&[(COMMON_NAME, issuer), example]),
            ..Template::plain()
        }
        .der()
    };
    for (common_name, unit, issuer, expected) in [
        ("alice", payments, "Staff CA", true),
        ("bob", payments, "Staff CA", true),
        ("dave", payments, "Payments CA", true),
        ("carol", payments, "Staff CA", false),
        ("alice", (UNIT, "Sales"), "Staff CA", false),
        ("alice", payments, "Other CA", false),
        ("Alice", payments, "Staff CA", false),
        // A common name with an OU written into it.
        ("alice,OU=Payments", (UNIT, "Sales"), "Staff CA", false),
    ] {
        let observed = is_allowed(&recipe, hostname, person(common_name, unit, issuer));
        assert_eq!(observed, expected, "{common_name} {unit:?} {issuer}");
    }
}
