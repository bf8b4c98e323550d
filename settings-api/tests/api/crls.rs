//! CRL files that the program watches: their entries reach Envoys, and bad ones change nothing.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::certificate_authority::{CertificateAuthority, ISSUER};
use crate::fixtures::{base, forward};
use crate::program::{PATIENCE, Program};
use crate::simulated::{Subscriber, Update, WAYS, channel};

const NAME: &str = "client_cert_forwarder";
const VALID: &str = "settings_api_crl_valid{file=\"ca.crl\"}";
const EXPIRED: &str = "-crl_lastupdate 20200101000000Z -crl_nextupdate 20200201000000Z";

fn base_with_crl() -> Value {
    let mut base = base();
    base["crls"] = json!([{ "file": "ca.crl", "ca": "ca.pem" }]);
    base
}

/// A program that does not run yet, with the CA's certificate and that CRL in its folder.
fn stopped(ca: &CertificateAuthority, crl: &str) -> Program {
    let program = Program::stopped(base_with_crl(), &[]);
    program.write("ca.pem", ca.certificate());
    program.write("ca.crl", crl);
    program
}

/// Replaces the CRL as careful tools do: all or nothing.
fn replace_crl(program: &Program, content: &str) -> Instant {
    program.write("ca.crl.new", content);
    let replaced = Instant::now();
    fs::rename(program.path("ca.crl.new"), program.path("ca.crl")).expect("renamed");
    replaced
}

/// The serials that the only resource of an update revokes, of the tests' CA.
fn serials(update: &Update) -> Vec<&str> {
    let entries = update.resources[0].plugin["revoked_certificates"].as_array();
    let entries = entries.map(Vec::as_slice).unwrap_or_default();
    let serial = |entry: &'_ Value| entry["issuer_dn"] == ISSUER;
    assert!(entries.iter().all(serial), "{entries:?}");
    let serials = entries
        .iter()
        .map(|entry| entry["serial"].as_str().expect("a serial"));
    serials.collect()
}

async fn wait_for(program: &Program, line: &str, wanted: u64) {
    let start = Instant::now();
    while program.metric(line).await != wanted {
        assert!(start.elapsed() < PATIENCE, "{line}\n{}", program.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn subscribe(program: &Program) -> Subscriber {
    Subscriber::subscribe(channel(program.xds()).await, WAYS[1], "one", &[NAME], &[]).await
}

/// Returns the seconds to the first `nextUpdate`, from `/metrics`.
async fn seconds_to_next_update(program: &Program) -> f64 {
    let text = program.metrics().await;
    let line = "settings_api_crl_next_update_seconds{file=\"ca.crl\"}";
    let value = text.lines().find_map(|found| found.strip_prefix(line));
    value.expect("the metric").trim().parse().expect("a number")
}

#[tokio::test]
async fn a_replaced_crl_reaches_envoys_within_two_seconds() {
    let ca = CertificateAuthority::new();
    let mut program = stopped(&ca, &ca.crl(&["01"], ""));
    program.run();
    let mut envoy = subscribe(&program).await;
    assert_eq!(serials(&envoy.next().await), ["01"]);

    let mut slowest = Duration::ZERO;
    for number in 2..=4_usize {
        let serials_now = ["01", "7F", "0ABCDEF0123456789ABCDEF0123456789ABCDEF0"];
        let crl = ca.crl(&serials_now[..number - 1], "");
        let replaced = replace_crl(&program, &crl);
        if number > 2 {
            assert_eq!(serials(&envoy.next().await).len(), number - 1);
            slowest = slowest.max(replaced.elapsed());
        }
    }
    println!("slowest of 2 changed CRLs: {slowest:?}");
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");

    let status = program.status().await;
    let crl = &status["crls"][0];
    assert_eq!(
        (&crl["file"], &crl["valid"]),
        (&json!("ca.crl"), &json!(true))
    );
    let list = &crl["lists"][0];
    assert_eq!(
        (&list["issuer_dn"], &list["entries"]),
        (&json!(ISSUER), &json!(3))
    );
    assert_eq!(list["number"], "0D", "{list}");
    assert_eq!(program.metric(VALID).await, 1);
    let entries = "settings_api_crl_entries{file=\"ca.crl\"}";
    assert_eq!(program.metric(entries).await, 3);
    let left = seconds_to_next_update(&program).await;
    let days = left / 86_400.0;
    assert!((29.9..30.0).contains(&days), "{days}");
}

#[tokio::test]
async fn a_bad_or_expired_crl_keeps_the_last_good_one() {
    let ca = CertificateAuthority::new();
    let mut program = stopped(&ca, &ca.crl(&["01"], ""));
    program.run();
    let mut envoy = subscribe(&program).await;
    assert_eq!(serials(&envoy.next().await), ["01"]);
    let stranger = CertificateAuthority::new();
    for (number, (crl, expected)) in [
        ("no CRL".to_owned(), "ca.crl: no CRL found"),
        (
            ca.crl(&[], EXPIRED),
            "expired at 2020-02-01T00:00:00Z; fetch",
        ),
        (stranger.crl(&[], ""), "the signature is not by the key"),
    ]
    .into_iter()
    .enumerate()
    {
        replace_crl(&program, &crl);
        let start = Instant::now();
        let message = loop {
            let answer = program.get_at(&format!("{}/status", program.url())).await;
            let message = answer.body["messages"][0]["message"].as_str();
            if let Some(message) = message.filter(|message| message.contains(expected)) {
                assert_eq!(answer.body["messages"][0]["code"], 10003);
                break message.to_owned();
            }
            assert!(start.elapsed() < PATIENCE, "{expected}: {answer:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        assert!(
            message.contains("the last good one is in force"),
            "{message}"
        );
        assert!(
            program
                .log()
                .contains("the CRL can't be used, the last good one stays")
        );
        assert_eq!(program.metric(VALID).await, 0);
        let status = program.status().await;
        assert_eq!(status["crls"][0]["valid"], false);
        assert_eq!(status["crls"][0]["lists"][0]["entries"], 1);

        // What is published meanwhile has the last good list.
        program
            .put(json!([forward(&format!("h{number}.example.com"))]))
            .await;
        assert_eq!(serials(&envoy.next().await), ["01"], "{expected}");
    }
    replace_crl(&program, &ca.crl(&["02"], ""));
    assert_eq!(serials(&envoy.next().await), ["02"]);
    wait_for(&program, VALID, 1).await;
    let answer = program.get_at(&format!("{}/status", program.url())).await;
    assert_eq!(answer.body["messages"], json!([]));
}

#[tokio::test]
async fn a_crl_that_expires_while_it_is_in_force_stays_and_is_reported() {
    let ca = CertificateAuthority::new();
    let mut program = stopped(&ca, &ca.crl(&["01"], "-crlsec 5"));
    program.run();
    wait_for(&program, VALID, 0).await;
    assert!(seconds_to_next_update(&program).await < 0.0);
    let status = program.status().await;
    let error = status["crls"][0]["error"].as_str().expect("an error");
    assert!(error.contains("expired at"), "{error}");
    assert_eq!(serials(&subscribe(&program).await.next().await), ["01"]);
}

#[tokio::test]
async fn crls_are_read_again_on_sighup() {
    let ca = CertificateAuthority::new();
    let mut program = stopped(&ca, &ca.crl(&["01"], ""));
    program.run();
    let count = || program.log().matches("\"CRL read\"").count();
    assert_eq!(count(), 1);
    program.signal("HUP");
    let start = Instant::now();
    while count() == 1 {
        assert!(start.elapsed() < PATIENCE, "{}", program.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(program.metric(VALID).await, 1);
}

#[test]
fn nothing_is_published_without_a_crl_that_was_asked_for() {
    let ca = CertificateAuthority::new();
    let program = stopped(&ca, "no CRL");
    for (crl, expected) in [
        (
            "no CRL".to_owned(),
            "base.json: crls[0]: ca.crl: no CRL found",
        ),
        (ca.crl(&[], EXPIRED), "expired at 2020-02-01T00:00:00Z"),
    ] {
        program.write("ca.crl", crl);
        let error = program.run_to_failure();
        assert!(error.contains(expected), "{error}");
    }
    for (entry, expected) in [
        (
            json!({ "file": "no.crl", "ca": "ca.pem" }),
            "crls[0]: no.crl: No such file",
        ),
        (
            json!({ "file": "ca.crl", "ca": "no.pem" }),
            "crls[0]: no.pem: No such file",
        ),
        (
            json!({ "file": "ca.crl" }),
            "crls[0].ca: required, but missing",
        ),
        (
            json!({ "file": "", "ca": "ca.pem" }),
            "crls[0].file: is empty",
        ),
        (
            json!({ "file": "a", "ca": "b", "url": "c" }),
            "crls[0].url: unknown key",
        ),
    ] {
        let mut base = base();
        base["crls"] = json!([entry]);
        program.write("base.json", base.to_string());
        let error = program.run_to_failure();
        assert!(error.contains(expected), "{error}");
    }
    let mut base = base_with_crl();
    let twice = base["crls"][0].clone();
    base["crls"].as_array_mut().expect("an array").push(twice);
    program.write("base.json", base.to_string());
    let error = program.run_to_failure();
    assert!(
        error.contains("crls[1].file: is the same as crls[0].file"),
        "{error}"
    );
}

#[tokio::test]
async fn a_changed_base_configuration_may_add_and_drop_crls_but_no_bad_one() {
    let ca = CertificateAuthority::new();
    let program = Program::start();
    program.write("ca.pem", ca.certificate());
    let mut envoy = subscribe(&program).await;
    assert!(serials(&envoy.next().await).is_empty());

    let failed = "settings_api_reload_failed{file=\"base\"}";
    program.write("base.json", base_with_crl().to_string());
    wait_for(&program, failed, 1).await;
    program.put(json!([forward("a.example.com")])).await;
    assert!(serials(&envoy.next().await).is_empty());

    program.write("ca.crl", ca.crl(&["01"], ""));
    program.signal("HUP");
    assert_eq!(serials(&envoy.next().await), ["01"]);
    wait_for(&program, failed, 0).await;

    // A CRL that is in force already may be bad: its last good one stays.
    replace_crl(&program, "no CRL");
    wait_for(&program, VALID, 0).await;
    let mut changed = base_with_crl();
    changed["resources"][NAME]["plugin"]["explain"] = json!(true);
    program.write("base.json", changed.to_string());
    let update = envoy.next().await;
    assert_eq!(update.resources[0].plugin["explain"], true);
    assert_eq!(serials(&update), ["01"]);

    program.write("base.json", base().to_string());
    assert!(serials(&envoy.next().await).is_empty());
}

#[test]
fn check_reads_the_crls_from_the_folder_of_the_base_configuration() {
    let ca = CertificateAuthority::new();
    let program = stopped(&ca, &ca.crl(&["01", "02"], ""));
    let check = || {
        let output = Command::new(env!("CARGO_BIN_EXE_settings-api"))
            .args(["check", "--base"])
            .arg(program.path("base.json"))
            .current_dir("/")
            .output()
            .expect("the program runs");
        let text = [output.stdout, output.stderr].concat();
        (
            output.status.success(),
            String::from_utf8(text).expect("text"),
        )
    };
    let (is_valid, text) = check();
    assert!(is_valid, "{text}");
    assert!(
        text.contains("1 CRL files with 2 revoked certificates"),
        "{text}"
    );
    program.write("ca.crl", "no CRL");
    let (is_valid, text) = check();
    assert!(!is_valid && text.contains("crls[0]: /"), "{text}");
}
