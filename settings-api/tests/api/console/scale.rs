//! 10,000 hostnames and 2,000 Envoys: the pages' sizes, and the server's time for each.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::visitor::{Visitor, program};
use crate::fixtures::{ZONE, forward};
use crate::program::Program;
use crate::simulated::{Subscriber, WAYS, channel};

const HOSTNAMES: usize = 10_000;
const ENVOYS: usize = 2_000;
/// A connection carries this many streams, of 200 that the server permits.
const STREAMS: usize = 125;
const ROUNDS: usize = 5;
const MAX_BYTES: usize = 300_000;
const RESOURCE: &str = "client_cert_forwarder";
/// The Envoys have the resource without hostnames: it takes them seconds, not minutes, to get it.
const SMALL_RESOURCE: &str = "other";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a benchmark of 20 seconds"]
async fn pages_stay_small_with_10_000_hostnames_and_2_000_envoys() {
    let program = program();
    let host = |number: usize| format!("host-{number:05}.example.com");
    let all: Vec<_> = (0..HOSTNAMES)
        .map(|number| forward(&host(number)))
        .collect();
    assert_eq!(program.put(json!(all)).await.status, 202);
    let envoys = connect(&program).await;
    let mut visitor = Visitor::signed_in(&program, &program.token).await;
    println!(
        "{HOSTNAMES} hostnames, {ENVOYS} Envoys, {} build:",
        profile()
    );
    println!(
        "{:<45} {:>8} {:>12} {:>12}",
        "page", "bytes", "median", "slowest"
    );
    for path in [
        "/hostnames".to_owned(),
        "/hostnames?q=host-09&forwarding=on&page=3".to_owned(),
        format!("/hostnames/setting?hostname={}", host(HOSTNAMES - 1)),
        "/fleet".to_owned(),
        "/fleet?state=rejected&page=5".to_owned(),
        "/certificates".to_owned(),
        "/audit".to_owned(),
        "/explain".to_owned(),
    ] {
        let mut bytes = 0;
        for _ in 0..ROUNDS {
            let page = visitor.get(&path).await;
            assert_eq!(page.status, 200, "{path}");
            bytes = page.text.len();
        }
        report(&program, &path, bytes);
    }
    let explained = [
        ("resource", RESOURCE),
        ("hostname", "host-05000.example.com"),
    ];
    let page = visitor.submit("/explain", &explained).await;
    assert_eq!(page.status, 200, "{page:?}");
    report(&program, "/explain", page.text.len());
    let off = format!("zones/{ZONE} off {}", host(7));
    assert_eq!(
        visitor
            .submit("/hostnames", &[("change", &off)])
            .await
            .status,
        303
    );
    drop(envoys);
}

/// Connects the Envoys, half of which reject the version.
async fn connect(program: &Program) -> Vec<Subscriber> {
    let start = Instant::now();
    let mut connecting = Vec::new();
    for connection in 0..ENVOYS / STREAMS {
        let channel = channel(program.xds()).await;
        connecting.push(tokio::spawn(async move {
            let mut envoys = Vec::new();
            for number in 0..STREAMS {
                let node = format!("envoy-{connection:02}-{number:03}");
                let names = [SMALL_RESOURCE];
                let envoy = Subscriber::subscribe(channel.clone(), WAYS[1], &node, &names, &[]);
                let mut envoy = envoy.await;
                let update = envoy.next().await;
                let error = (number >= STREAMS / 2 + connection % 2).then_some("no such module");
                envoy.answer(&update, &names, error).await;
                envoys.push(envoy);
            }
            envoys
        }));
    }
    let mut envoys = Vec::new();
    for connected in connecting {
        envoys.extend(connected.await.expect("connected"));
    }
    println!("{ENVOYS} Envoys connected in {:?}", start.elapsed());
    envoys
}

/// Prints the server's times of a page, from its log, and checks the page's size.
fn report(program: &Program, path: &str, bytes: usize) {
    let name = path.split('?').next().expect("a path");
    let log = program.log();
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let times = lines.filter(|line| line["span"]["path"] == name);
    let times = times.filter_map(|line| line["milliseconds"].as_f64());
    let mut times: Vec<_> = times
        .map(|it| Duration::from_secs_f64(it / 1000.0))
        .collect();
    let from = times.len().saturating_sub(ROUNDS);
    let times = &mut times[from..];
    times.sort_unstable();
    let (median, slowest) = (times[times.len() / 2], times[times.len() - 1]);
    println!("{path:<45} {bytes:>8} {median:>12.1?} {slowest:>12.1?}");
    assert!(bytes <= MAX_BYTES, "{path}: {bytes} bytes");
}

fn profile() -> &'static str {
    if cfg!(debug_assertions) {
        "debug"
    } else {
        "release"
    }
}
