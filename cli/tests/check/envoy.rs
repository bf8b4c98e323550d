//! Generated configurations: `ccf check` accepts those that a real Envoy accepts, and no others.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};
use support::version::envoy_binary;
use support::{Envoy, Installation, Update, random, wasm_module};

use crate::program::{Run, ccf, repository};

/// How many configurations are tried; each takes Envoy about 30 ms.
const COUNT: usize = 300;

/// The shipped recipes, and one with every key.
fn seeds() -> Vec<String> {
    let folder = repository().join("envoy/recipes");
    let files = fs::read_dir(folder).unwrap();
    let mut seeds: Vec<String> = files
        .map(|file| fs::read_to_string(file.unwrap().path()).unwrap())
        .collect();
    seeds.sort();
    let hash = "ab".repeat(32);
    let every_key = json!({
        "$schema": "x",
        "verified_by": "listener",
        "on_spoofed_header": "strip",
        "certificate_chain_source": "xfcc",
        "max_certificate_bytes": 4096,
        "max_certificate_chain_bytes": 16384,
        "explain": true,
        "revoked_certificates": [{ "sha256": hash }, { "issuer_dn": "CN=CA", "serial": "2A" }],
        "settings": [
            {
                "hostname": "*.example.com",
                "china_network": false,
                "client_certificate_forwarding": true,
                "forward_on": "every_request",
                "forward_unverified": false,
                "require_client_certificate": true,
                "sni_must_match": true,
                "allow_client_certificates": [{ "san_dns": "*.example.com", "sha256": hash }],
                "add_client_certificate_headers": true,
                "request_headers": { "Client-Cert": "certRFC9440", "X-A": "certSerial" },
                "response_headers": { "X-B": "certSKI" }
            },
            { "hostname": "127.0.0.1" }
        ]
    });
    seeds.push(serde_json::to_string_pretty(&every_key).unwrap());
    seeds
}

/// Pieces that are likely to make, or to mend, a mistake.
const PIECES: [&str; 24] = [
    "",
    ",",
    "{",
    "}",
    "[]",
    "\"",
    "null",
    "true",
    "1",
    "-1",
    "\"*\"",
    "\"a\"",
    ":",
    " ",
    "\n",
    "\"settings\"",
    "\"hostname\"",
    "listener",
    "first_request",
    "certSerial",
    "X-A",
    "Host",
    "example.com",
    "\u{e9}",
];

/// Changes a text at one to three places: a piece inserted, exchanged for a word, or a word gone.
fn mutated(seed: &str, random: &mut fastrand::Rng) -> String {
    let mut text = seed.to_owned();
    for _ in 0..random.usize(1..=3) {
        let words: Vec<(usize, usize)> = words(&text);
        if words.is_empty() {
            return text;
        }
        let (start, end) = words[random.usize(..words.len())];
        let piece = PIECES[random.usize(..PIECES.len())];
        match random.u8(..4) {
            0 => text.insert_str(start, piece),
            1 => text.replace_range(start..end, piece),
            2 => text.replace_range(start..end, ""),
            _ => {
                let (from, to) = words[random.usize(..words.len())];
                let word = text[from..to].to_owned();
                text.replace_range(start..end, &word);
            }
        }
    }
    text
}

/// Start and end of each word and of each other character but spaces.
fn words(text: &str) -> Vec<(usize, usize)> {
    let is_word = |character: char| character.is_ascii_alphanumeric() || "_-.*".contains(character);
    let mut words: Vec<(usize, usize)> = Vec::new();
    for (offset, character) in text.char_indices() {
        let end = offset + character.len_utf8();
        match words.last_mut() {
            Some((start, last))
                if *last == offset
                    && is_word(character)
                    && text[*start..*last].chars().all(is_word) =>
            {
                *last = end
            }
            _ if character.is_whitespace() => {}
            _ => words.push((offset, end)),
        }
    }
    words
}

fn is_accepted(run: &Run) -> bool {
    let found = run.json();
    let mut levels = found.as_array().unwrap().iter().map(|one| &one["level"]);
    !levels.any(|level| level == "error")
}

#[tokio::test]
async fn a_running_envoy_accepts_the_same_configurations() {
    let seed = random::seed("CCF_SEED");
    println!("CCF_SEED={seed} runs this again");
    let mut random = fastrand::Rng::with_seed(seed);
    let first = json!({ "settings": [] });
    let scene = Envoy::with_filter(first).discovered().scene().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plugin.json");
    let path = path.to_str().unwrap();
    let seeds = seeds();
    let mut accepted = 0;
    let mut last = String::new();
    for number in 0..COUNT {
        let seed = &seeds[number % seeds.len()];
        let text = if number < seeds.len() {
            seed.clone()
        } else {
            mutated(seed, &mut random)
        };
        // Envoy does not take the same configuration twice.
        if text == last {
            continue;
        }
        last.clone_from(&text);
        fs::write(path, &text).unwrap();
        let run = ccf(["--format", "json", "check", path]);
        let update = scene.envoy.update_config_text(&text).await;
        assert_eq!(
            update == Update::Accepted,
            is_accepted(&run),
            "{text}\n{}",
            run.stdout
        );
        accepted += usize::from(update == Update::Accepted);
    }
    // Both answers are tried many times.
    assert!(
        (COUNT / 20..COUNT * 19 / 20).contains(&accepted),
        "{accepted} of {COUNT} accepted"
    );
}

#[test]
fn envoys_validation_accepts_the_same_files() {
    let installation = Installation::new(&wasm_module());
    let example = fs::read_to_string(repository().join("envoy/optional-mtls.yaml")).unwrap();
    for (old, new, is_valid) in [
        ("", "", true),
        ("\"attribute\"", "\"listner\"", false),
        ("\"www.example.com\"", "\"admin.example.com\"", false),
        ("\"www.example.com\"", "\"www_1.example.com\"", true),
        ("certSubjectDN", "certSubject", false),
        ("\"settings\": [", "\"settings\": [,", false),
    ] {
        let text = installation.adapt(&example.replacen(old, new, 1));
        let path = installation.path().join("envoy.yaml");
        fs::write(&path, text).unwrap();
        let output = Command::new(envoy_binary())
            .args(["--mode", "validate", "--disable-hot-restart", "-c"])
            .arg(&path)
            .output()
            .unwrap();
        let run = ccf(["--format", "json", "check", path.to_str().unwrap()]);
        let log = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.success(), is_valid, "{new}: {log}");
        assert_eq!(is_accepted(&run), is_valid, "{new}: {}", run.stdout);
    }
}

#[test]
fn mutations_make_mistakes_of_many_kinds() {
    let mut random = fastrand::Rng::with_seed(1);
    let seeds = seeds();
    let texts: Vec<String> = (0..100).map(|_| mutated(&seeds[0], &mut random)).collect();
    let are_json = texts
        .iter()
        .filter(|text| serde_json::from_str::<Value>(text).is_ok())
        .count();
    assert!((10..90).contains(&are_json), "{are_json} of 100 are JSON");
}
