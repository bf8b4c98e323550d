//! Envoy refuses a regular expression whose RE2 program has more than 100 instructions: none of the
//! generated ones does, whatever the names in the configuration.

use fastrand::Rng;
use serde_json::{Map, Value, json};
use support::{Deployment, Envoy, Protocol, random};

use super::entered;
use crate::common::{SHA256, configuration, forward_every};

/// RFC 9110's separators of tokens, which fold to `-`.
const SEPARATORS: &[char] = &['-', '_', '.', '!', '~'];

fn name(rng: &mut Rng, length: usize, separators: usize) -> String {
    let mut name: String = (0..length).map(|_| rng.lowercase()).collect();
    for _ in 0..separators.min(length / 2) {
        let at = rng.usize(1..length);
        let separator = rng.choice(SEPARATORS).copied().unwrap_or('-');
        name.replace_range(at..=at, &separator.to_string());
    }
    // Names in `c` share a regular expression with the families; separators count nine times.
    let start = rng.choice(['x', 'c', '~']).unwrap_or('x');
    format!("{start}{name}")
}

/// Header names up to the longest that has a fast path: 96 characters without a separator.
fn request_headers(rng: &mut Rng) -> Value {
    let mut headers = Map::new();
    for separators in 0..10 {
        for _ in 0..8 {
            let longest = 87 - 8 * separators;
            let length = rng.usize(8..=longest);
            headers.insert(name(rng, length, separators), json!("certSerial"));
        }
    }
    headers.insert(format!("x{}", "y".repeat(95)), json!("certSerial"));
    Value::Object(headers)
}

/// A wildcard whose whole name, with a label of two letters in its place, has `length` bytes.
fn wildcard(length: usize) -> String {
    let mut suffix = ".example.com".to_owned();
    while suffix.len() + 2 < length {
        let label = (length - suffix.len() - 3).clamp(1, 60);
        suffix = format!(".{}{suffix}", "w".repeat(label));
    }
    format!("*{suffix}")
}

#[tokio::test]
async fn names_of_every_length_have_regular_expressions_that_envoy_takes() {
    let seed = random::seed("LIMITS_SEED");
    println!("LIMITS_SEED={seed}");
    let mut rng = Rng::with_seed(seed);
    let hostnames: Vec<String> = [60, 66, 67, 68, 80, 93, 94, 100, 150, 200, 253]
        .map(wildcard)
        .to_vec();
    let mut settings: Vec<Value> = hostnames.iter().map(|host| forward_every(host)).collect();
    settings.push(json!({ "hostname": "*", "request_headers": request_headers(&mut rng) }));
    let scene = Envoy::with_filter(configuration(settings))
        .deployment(Deployment::FastPath)
        .log_every_call()
        .scene()
        .await;
    let client = scene.connect(Protocol::Http1).await;
    for hostname in &hostnames {
        for label in ["aa", "bb"] {
            let host = hostname.replace('*', label);
            assert_eq!(client.get(&host, "/").await.status, 200, "{host}");
            let received = scene.origin.last_request();
            assert_eq!(received.headers.all(SHA256).len(), 1, "{host}");
        }
    }
    // A setting's first host enters the VM; the second is served by what was decided for the first.
    assert_eq!(entered(&scene.envoy).await, hostnames.len());
}
