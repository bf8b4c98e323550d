//! Generated fast paths: each that `ccf filters` prints is one that Envoy takes.
//!
//! Envoy refuses a regular expression whose program in RE2 has more than 100 instructions, which
//! depends on the names and hostnames of a configuration, and on Envoy's version.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use client_cert_forwarder::certificate::field::Field;
use serde_json::{Map, Value, json};
use support::version::envoy_binary;
use support::{random, wasm_module};

use super::findings;
use crate::program::{ccf_with, repository};

/// How many configurations are tried; each takes about 20 ms of `ccf`, and of each Envoy.
const COUNT: usize = 80;

fn text(random: &mut fastrand::Rng, letters: &[u8], length: usize) -> String {
    let letter = |_| char::from(letters[random.usize(..letters.len())]);
    (0..length).map(letter).collect()
}

/// A hostname of at most `most` bytes, in labels of up to 63.
fn hostname(random: &mut fastrand::Rng, most: usize) -> String {
    let mut name = String::new();
    while name.len() < most {
        let room = (most - name.len()).min(62);
        let length = if random.bool() {
            room
        } else {
            random.usize(1..=room)
        };
        name += &text(random, b"abcdexyz0189", length);
        if name.len() + 2 > most {
            break;
        }
        name.push('.');
    }
    // The last label is no number, and no dot stands at the end.
    name.pop();
    name + "a"
}

/// A header's name, whose expression is about as long as Envoy allows, or shorter.
fn header_name(random: &mut fastrand::Rng, prefix: &str) -> String {
    // A separator counts as much as nine letters.
    let separators = random.usize(..=10);
    let room = 96 - 9 * separators;
    let most = if random.bool() { room.min(12) } else { room };
    // One name in two hundred is too long.
    let more = if random.u8(..200) == 0 { 96 } else { 0 };
    let letters = random.usize(1..=most) + more;
    let mut name: Vec<char> = text(random, b"abcxyzABC0189", letters).chars().collect();
    for separator in text(random, b"--__.!#$%&'*+^`|~", separators).chars() {
        name.insert(random.usize(..=name.len()), separator);
    }
    format!("{prefix}{}", name.into_iter().collect::<String>())
}

fn headers(random: &mut fastrand::Rng, prefix: &str) -> Value {
    let mut headers = Map::new();
    for _ in 0..random.usize(..=12) {
        let (_, field) = Field::ALL[random.usize(..Field::ALL.len())];
        headers.insert(header_name(random, prefix), field.name().into());
    }
    Value::Object(headers)
}

fn setting(random: &mut fastrand::Rng) -> Value {
    let most = [12, 40, 100, 200, 251][random.usize(..5)];
    let name = match random.u8(..8) {
        0 => "*".to_owned(),
        1 => format!("192.0.2.{}", random.u8(..)),
        2 => format!("2001:db8::{:x}", random.u16(1..)),
        3 | 4 => hostname(random, most + 2),
        _ => format!("*.{}", hostname(random, most)),
    };
    json!({
        "hostname": name,
        "client_certificate_forwarding": random.bool(),
        "forward_unverified": random.bool(),
        "require_client_certificate": random.u8(..4) == 0,
        "add_client_certificate_headers": random.u8(..4) == 0,
        "request_headers": headers(random, ""),
        "response_headers": headers(random, "r-"),
    })
}

fn configuration(random: &mut fastrand::Rng) -> String {
    let settings: Vec<Value> = (0..random.usize(1..=3)).map(|_| setting(random)).collect();
    json!({ "verified_by": "listener", "settings": settings }).to_string()
}

/// The Envoys that are at hand: the one under test, and those that were fetched for the others.
fn envoys() -> Vec<PathBuf> {
    let mut envoys = vec![envoy_binary()];
    for version in ["1.36.4", "1.38.2", "1.39.3"] {
        let envoy = repository().join(".envoy").join(version).join("envoy");
        envoys.extend(Some(envoy).filter(|envoy| envoy.is_file()));
    }
    envoys
}

/// One Envoy with a listener for each filter.
fn bootstrap(filters: &[&Value]) -> String {
    let listener = |(number, filter): (usize, &&Value)| {
        json!({
            "name": format!("listener-{number}"),
            "address": { "socket_address": { "address": "127.0.0.1", "port_value": 0 } },
            "filter_chains": [{ "filters": [{
                "name": "manager",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                    "stat_prefix": "x",
                    "route_config": {},
                    "http_filters": [filter, {
                        "name": "router",
                        "typed_config": { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" }
                    }]
                }
            }] }]
        })
    };
    let listeners: Vec<Value> = filters.iter().enumerate().map(listener).collect();
    let tag = |name: &str| json!({ "tag_name": name, "regex": format!("({name}=(.+?);\\.)") });
    let tags = [tag("hostname"), tag("outcome")];
    json!({
        "stats_config": { "stats_tags": tags },
        "static_resources": { "listeners": listeners }
    })
    .to_string()
}

/// Envoy's complaints, `None` when it takes the file.
fn refusal(envoy: &PathBuf, bootstrap: &str) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("envoy.json");
    fs::write(&path, bootstrap).unwrap();
    let output = Command::new(envoy)
        .args(["--mode", "validate", "--disable-hot-restart", "-c"])
        .arg(&path)
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    (!output.status.success()).then_some(log)
}

#[test]
fn envoy_takes_every_fast_path_that_ccf_prints() {
    let seed = random::seed("CCF_SEED");
    println!("CCF_SEED={seed} runs this again");
    let mut random = fastrand::Rng::with_seed(seed);
    let module = wasm_module();
    let options = [
        "filters",
        "--format",
        "json",
        "--wasm",
        module.to_str().unwrap(),
        "-",
    ];
    // Those for every Envoy, and those for 1.38 and later.
    let (mut filters, mut newer) = (Vec::new(), Vec::new());
    for _ in 0..COUNT {
        let text = configuration(&mut random);
        let run = ccf_with(&options, &text, &[]);
        if run.code == 0 {
            let is_newer = run.stderr.contains("needs Envoy 1.38 or later");
            let list = if is_newer { &mut newer } else { &mut filters };
            list.push((run.json()[0].clone(), text));
        } else {
            assert_eq!(run.code, 1, "{text}\n{}", run.stderr);
        }
    }
    let printed = filters.len() + newer.len();
    println!("{printed} of {COUNT} have a fast path");
    assert!(printed >= COUNT / 2, "{printed} of {COUNT}");
    for envoy in envoys() {
        let is_old = envoy.to_str().unwrap().contains("1.36");
        let newer = newer.iter().filter(|_| !is_old);
        let all: Vec<&(Value, String)> = filters.iter().chain(newer).collect();
        let together: Vec<&Value> = all.iter().map(|(filter, _)| filter).collect();
        if refusal(&envoy, &bootstrap(&together)).is_none() {
            continue;
        }
        for (filter, text) in all {
            if let Some(log) = refusal(&envoy, &bootstrap(&[filter])) {
                panic!("{}: {text}\n{log}", envoy.display());
            }
        }
        panic!(
            "{} takes each fast path, but not all of them",
            envoy.display()
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("envoy.json");
    let all: Vec<&Value> = filters
        .iter()
        .chain(&newer)
        .map(|(filter, _)| filter)
        .collect();
    fs::write(&path, bootstrap(&all)).unwrap();
    let found = findings(path.to_str().unwrap());
    let errors: Vec<&String> = found
        .iter()
        .filter(|one| one.starts_with("error"))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
}
