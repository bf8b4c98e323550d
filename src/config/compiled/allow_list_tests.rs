//! What an attacker would try against an allow list.

use super::{AllowList, Names};
use crate::config::Config;

const FINGERPRINT: &str = "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:\
                           00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff";

fn list(entries: &str) -> AllowList {
    let json = format!(
        r#"{{"verified_by":"listener","settings":[{{"hostname":"a.example",
            "require_client_certificate":true,"allow_client_certificates":[{entries}]}}]}}"#
    );
    let mut config = Config::from_json(json.as_bytes()).expect(entries);
    config.settings.remove(0).allow_client_certificates.unwrap()
}

fn dns<'a>(san_dns: &[&'a str]) -> Names<'a> {
    Names {
        san_dns: san_dns.to_vec(),
        ..Names::default()
    }
}

fn uri(san_uri: &str) -> Names<'_> {
    Names {
        san_uri: vec![san_uri],
        ..Names::default()
    }
}

fn email(san_email: &str) -> Names<'_> {
    Names {
        san_email: vec![san_email],
        ..Names::default()
    }
}

#[test]
fn an_empty_list_allows_nobody() {
    let list = list("");
    assert!(!list.allows(&Names::default()));
    assert!(!list.allows(&dns(&["a.example"])));
}

#[test]
fn a_fingerprint_allows_its_certificate_alone() {
    let list = list(&format!(r#"{{"sha256":"{FINGERPRINT}"}}"#));
    let mut names = Names::default();
    assert!(!list.allows(&names));
    for (number, octet) in names.sha256.iter_mut().enumerate() {
        *octet = 0x11 * (number as u8 % 16);
    }
    assert!(list.allows(&names));
    names.sha256[31] ^= 1;
    assert!(!list.allows(&names));
}

#[test]
fn every_key_of_an_entry_must_match_and_any_entry_suffices() {
    let list = list(
        r#"{"subject_dn":"CN=a","issuer_dn":"CN=CA","san_dns":"a.example"},
           {"san_email":"a@b.example"}"#,
    );
    let all = Names {
        subject_dn: Some("CN=a"),
        issuer_dn: Some("CN=CA"),
        ..dns(&["x.example", "a.example"])
    };
    assert!(list.allows(&all));
    for other in [
        Names {
            subject_dn: Some("CN=b"),
            ..all.clone()
        },
        Names {
            subject_dn: None,
            ..all.clone()
        },
        Names {
            issuer_dn: Some("CN=CA,O=x"),
            ..all.clone()
        },
        Names {
            issuer_dn: None,
            ..all.clone()
        },
        Names {
            san_dns: vec!["x.example"],
            ..all.clone()
        },
        Names {
            san_dns: vec![],
            san_uri: vec!["a.example"],
            ..all.clone()
        },
    ] {
        assert!(!list.allows(&other), "{other:?}");
        let mailbox = Names {
            san_email: vec!["a@b.example"],
            ..other
        };
        assert!(list.allows(&mailbox));
    }
}

#[test]
fn one_certificate_cannot_match_two_halves_of_two_entries() {
    let list = list(
        r#"{"issuer_dn":"CN=CA 1","san_dns":"a.example"},{"issuer_dn":"CN=CA 2","san_dns":"b.example"}"#,
    );
    let names = Names {
        issuer_dn: Some("CN=CA 2"),
        ..dns(&["a.example"])
    };
    assert!(!list.allows(&names));
}

#[test]
fn distinguished_names_are_compared_exactly() {
    let list = list(r#"{"subject_dn":"CN=admin,O=Example"}"#);
    let subject = |subject_dn| Names {
        subject_dn: Some(subject_dn),
        ..Names::default()
    };
    assert!(list.allows(&subject("CN=admin,O=Example")));
    for name in [
        "CN=Admin,O=Example",
        "CN=admin",
        "O=Example,CN=admin",
        "CN=admin,O=Example,C=US",
        "OU=x,CN=admin,O=Example",
        r"CN=admin\,O=Example",
        "CN=admin, O=Example",
        "",
    ] {
        assert!(!list.allows(&subject(name)), "{name}");
    }
}

#[test]
fn dns_names_match_in_any_case_and_nothing_that_resembles_them() {
    let list = list(r#"{"san_dns":"Api.Example.com"}"#);
    assert!(list.allows(&dns(&["api.example.COM"])));
    for name in [
        "api.example.com.",
        ".api.example.com",
        "api.example.com\0",
        "api.example.com\0.evil.example",
        "api.example.com,evil.example",
        "evil.example,api.example.com",
        "x.api.example.com",
        "api.example.com.evil.example",
        "api\u{ff0e}example.com",
        "\u{430}pi.example.com",
        "*.example.com",
        "*",
        "",
    ] {
        assert!(!list.allows(&dns(&[name])), "{name:?}");
    }
    let common_name = Names {
        subject_dn: Some("CN=api.example.com"),
        ..Names::default()
    };
    assert!(!list.allows(&common_name));
}

#[test]
fn a_wildcard_takes_any_depth_below_and_only_names() {
    let list = list(r#"{"san_dns":"*.Example.com"}"#);
    for name in ["a.example.com", "a.b.EXAMPLE.com", "xn--a.example.com"] {
        assert!(list.allows(&dns(&[name])), "{name}");
    }
    for name in [
        "example.com",
        ".example.com",
        "a..example.com",
        "a.example.com.",
        "evilexample.com",
        "*.example.com",
        "evil.test\0.example.com",
        "evil.test,.example.com",
        "evil.test/.example.com",
        "evil.test .example.com",
        "\u{e9}.example.com",
        "-.example.com",
    ] {
        assert!(!list.allows(&dns(&[name])), "{name:?}");
    }
}

#[test]
fn uris_match_exactly_or_below_a_path_that_nobody_reads_as_another() {
    let exact = list(r#"{"san_uri":"spiffe://example.org/ns/prod/sa/a"}"#);
    assert!(exact.allows(&uri("spiffe://example.org/ns/prod/sa/a")));
    for name in [
        "spiffe://example.org/ns/prod/sa/a/",
        "spiffe://EXAMPLE.org/ns/prod/sa/a",
        "spiffe://example.org/ns/prod/sa/%61",
        "spiffe://example.org/ns/prod/sa/a?x",
        "spiffe://example.org/ns/prod/sa/a,b",
    ] {
        assert!(!exact.allows(&uri(name)), "{name}");
    }
    let below = list(r#"{"san_uri":"spiffe://example.org/ns/prod/*"}"#);
    for name in [
        "spiffe://example.org/ns/prod/a",
        "spiffe://example.org/ns/prod/sa/a.b..c",
    ] {
        assert!(below.allows(&uri(name)), "{name}");
    }
    for name in [
        "spiffe://example.org/ns/prod",
        "spiffe://example.org/ns/prod/",
        "spiffe://example.org/ns/prod/../admin/a",
        "spiffe://example.org/ns/prod/..",
        "spiffe://example.org/ns/prod/./a",
        "spiffe://example.org/ns/prod//a",
        "spiffe://example.org/ns/prod/a/",
        "spiffe://example.org/ns/prod/%2e%2e/admin",
        "spiffe://example.org/ns/prod/a%2f..%2fadmin",
        r"spiffe://example.org/ns/prod/..\admin",
        "spiffe://example.org/ns/prod/a?b",
        "spiffe://example.org/ns/prod/a#b",
        "spiffe://example.org/ns/prod/a\0",
        "spiffe://example.org/ns/prod/a b",
        "spiffe://example.org/ns/production/a",
        "SPIFFE://example.org/ns/prod/a",
        "spiffe://example.org.evil.test/ns/prod/a",
        "spiffe://evil.test/spiffe://example.org/ns/prod/a",
    ] {
        assert!(!below.allows(&uri(name)), "{name:?}");
    }
}

#[test]
fn the_segment_that_a_prefix_ends_in_counts_too() {
    let list = list(r#"{"san_uri":"spiffe://example.org/team.*"}"#);
    assert!(list.allows(&uri("spiffe://example.org/team.a")));
    assert!(!list.allows(&uri("spiffe://example.org/team./../admin")));
    let dots = self::list(r#"{"san_uri":"spiffe://example.org/.*"}"#);
    assert!(!dots.allows(&uri("spiffe://example.org/../admin")));
    assert!(!dots.allows(&uri("spiffe://example.org/.")));
}

#[test]
fn mailboxes_keep_the_case_of_their_local_part() {
    let list = list(r#"{"san_email":"Alice@Example.com"}"#);
    assert!(list.allows(&email("Alice@example.COM")));
    for name in [
        "alice@example.com",
        "Alice@example.com.",
        "Alice@example.com@x",
        "x,Alice@example.com",
    ] {
        assert!(!list.allows(&email(name)), "{name}");
    }
}

#[test]
fn a_name_of_another_kind_never_counts() {
    let list = list(r#"{"san_dns":"a.example"},{"san_uri":"urn:a"},{"san_email":"a@b.example"}"#);
    let names = Names {
        san_dns: vec!["urn:a", "a@b.example"],
        san_uri: vec!["a.example", "a@b.example"],
        san_email: vec!["a.example", "urn:a"],
        subject_dn: Some("a.example"),
        ..Names::default()
    };
    assert!(!list.allows(&names));
}

#[test]
fn long_lists_find_their_entries() {
    let entries: Vec<String> = (1..5000)
        .map(|number| format!(r#"{{"sha256":"{number:064x}"}},{{"san_dns":"h{number}.example"}}"#))
        .collect();
    let list = list(&entries.join(","));
    assert!(list.allows(&dns(&["h4999.example"])));
    assert!(!list.allows(&dns(&["h5000.example"])));
    let mut names = Names::default();
    names.sha256[30..].copy_from_slice(&4999u16.to_be_bytes());
    assert!(list.allows(&names));
    names.sha256[30..].copy_from_slice(&5000u16.to_be_bytes());
    assert!(!list.allows(&names));
}
