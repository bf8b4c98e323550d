//! `bench peers`: the same job done by other proxies, each with one worker and the same small
//! origin.

mod configuration;
mod program;

use std::{slice, sync::Arc};

use fastrand::Rng;
use serde_json::{Value, json};
use support::{Envoy, pki, wasm_module};

use crate::{
    bench_envoy::{Lane, TO_ORIGIN, start},
    expectation::{DER, Expectation, SHA256, Want},
    filters::{settings, wasm},
    head::Head,
    load::{Connection, client_tls, open_all, request},
    options::Options,
    origin::SmallOrigin,
    outcome::{Failure, Outcome, setup},
    processor,
    quiet::Watch,
    report::{self, with_interval},
    rounds::{self, Runner},
    statistics::{estimate, median},
};
use configuration::Mode;
use program::{Program, Proxy};

/// How many requests the bytes at the origin are counted for.
const COUNTED: u64 = 100;

/// A proxy that is measured, or that is not there.
struct Row {
    title: String,
    /// The index of its runner, and the bytes that the origin gets.
    measured: Option<(usize, u64)>,
    note: String,
}

/// Runs it.
pub(crate) async fn run(options: &Options, head: &Head, rng: &mut Rng) -> Result<Outcome, Failure> {
    let origin = SmallOrigin::start()?;
    eprintln!("peers: starting the proxies, and checking that each does its job …");
    let mut bench = Bench {
        options,
        origin: &origin,
        rows: Vec::new(),
        runners: Vec::new(),
    };
    let envoy = bench.add_envoy().await?;
    let mut proxies: Vec<Proxy> = Vec::new();
    for program in Program::ALL {
        for mode in program.modes() {
            proxies.extend(bench.add(program, *mode).await?);
        }
    }

    let Bench {
        rows, mut runners, ..
    } = bench;
    let mut pids = vec![envoy.pid()];
    pids.extend(proxies.iter().map(Proxy::pid));
    let measured = || {
        pids.iter()
            .map(|pid| processor::time_of(*pid))
            .sum::<std::io::Result<_>>()
            .map_err(setup("the proxies' processor time"))
    };
    let watch = Watch::start(measured()?)?;
    rounds::run(
        "peers: round",
        &mut runners,
        options.rounds.div_ceil(2),
        options.slice(),
        None,
        rng,
    )
    .await?;
    let doubts = watch.doubts("peers", measured()?, &runners[0].series.cpu)?;

    println!(
        "\nThe same job in other proxies: one worker, HTTP/1.1 over mTLS, keep-alive to the origin\n{}",
        head.line()
    );
    let rows = print(&rows, &runners, rng);
    report::write_json(
        "peers.json",
        &json!({ "head": head.to_json(), "proxies": rows, "doubts": doubts }),
    )?;
    Ok(Outcome {
        targets: Vec::new(),
        doubts,
    })
}

struct Bench<'a> {
    options: &'a Options,
    origin: &'a SmallOrigin,
    rows: Vec<Row>,
    runners: Vec<Runner>,
}

impl Bench<'_> {
    async fn add_envoy(&mut self) -> Result<Envoy, Failure> {
        let product = |name: &str, extra: Value| {
            Lane::new(
                name,
                vec![wasm(name, &wasm_module(), &settings(100, &extra))],
            )
        };
        let lanes = [
            (
                Lane::new("no-filter", vec![]),
                "Envoy, no filter",
                Expectation::nothing(),
            ),
            (
                product("plain", json!({})),
                "Envoy, plain, first request",
                Expectation::first_request(),
            ),
            (
                product("plain-every", json!({ "forward_on": "every_request" })),
                "Envoy, plain, every_request",
                Expectation::every_request(),
            ),
        ];
        let all: Vec<Lane> = lanes.iter().map(|(lane, ..)| lane.clone()).collect();
        let envoy = start(&all, self.origin.address).await?;
        for (lane, title, expectation) in &lanes {
            let note = match title.contains("no filter") {
                true => "sends nothing",
                false => "base64 of the DER, SHA-256",
            };
            self.measure(
                title,
                note,
                expectation,
                envoy.address(&lane.name),
                envoy.pid(),
            )
            .await?;
        }
        Ok(envoy)
    }

    /// Starts the proxy and checks it; a program that is not installed is only a row.
    async fn add(&mut self, program: Program, mode: Mode) -> Result<Option<Proxy>, Failure> {
        let title = format!("{}, {}", program.title(), mode.title());
        let Some(proxy) = Proxy::start(program, mode, self.origin.address).await? else {
            let note = format!(
                "not installed: make peers, or name it in {}",
                program.variable()
            );
            self.rows.push(Row {
                title,
                measured: None,
                note,
            });
            return Ok(None);
        };
        let expectation = expectation(program, mode);
        self.measure(
            &title,
            program.note(),
            &expectation,
            proxy.address(),
            proxy.pid(),
        )
        .await?;
        Ok(Some(proxy))
    }

    async fn measure(
        &mut self,
        title: &str,
        note: &str,
        expectation: &Expectation,
        address: std::net::SocketAddr,
        pid: u32,
    ) -> Result<(), Failure> {
        let sent = request(TO_ORIGIN, &[]);
        let mut connections = open_all(
            self.options.connections as usize,
            address,
            &client_tls(),
            &[],
        )
        .await?;
        for connection in &mut connections {
            expectation.check(title, connection, self.origin).await?;
        }
        let mut fresh = open_all(1, address, &client_tls(), &[]).await?;
        let bytes = self.count_bytes(&mut fresh[0], &sent).await?;
        self.rows.push(Row {
            title: title.to_owned(),
            measured: Some((self.runners.len(), bytes)),
            note: note.to_owned(),
        });
        self.runners.push(Runner::new(connections, sent, pid, 1));
        Ok(())
    }

    /// Requests of a new connection that carry the headers.
    async fn count_bytes(
        &self,
        connection: &mut Connection,
        sent: &Arc<[u8]>,
    ) -> Result<u64, Failure> {
        let before = self.origin.bytes();
        for _ in 0..COUNTED {
            connection
                .exchange(sent)
                .await
                .map_err(setup("counting the origin's bytes"))?;
        }
        Ok(self.origin.bytes() - before)
    }
}

/// The headers that each of them can send: nginx has neither DER nor SHA-256.
fn expectation(program: Program, mode: Mode) -> Expectation {
    let headers = match program {
        Program::Nginx => vec![
            (DER, Want::Contains("BEGIN%20CERTIFICATE".to_owned())),
            (configuration::FINGERPRINT, Want::Contains(String::new())),
        ],
        Program::HaProxy | Program::Caddy => vec![
            (DER, Want::Is(pki().client.der_base64())),
            (SHA256, Want::Is(pki().client.sha256())),
        ],
    };
    match mode {
        Mode::FirstRequest => Expectation::headers_once(headers),
        Mode::EveryRequest => Expectation::headers(headers),
    }
}

fn print(rows: &[Row], runners: &[Runner], rng: &mut Rng) -> Vec<Value> {
    let bytes = format!("bytes at the origin / {COUNTED} requests");
    let mut table = report::table(&["proxy", "µs/request (95 %)", "requests/s", &bytes, "sends"]);
    let mut values = Vec::new();
    for row in rows {
        let Some((index, bytes)) = row.measured else {
            table.add_row(vec![row.title.as_str(), "-", "-", "-", row.note.as_str()]);
            values.push(json!({ "proxy": row.title, "not_measured": row.note }));
            continue;
        };
        let series = &runners[index].series;
        let (cpu, rate) = (
            estimate(slice::from_ref(&series.cpu), rng),
            median(&series.rate),
        );
        table.add_row(vec![
            row.title.clone(),
            with_interval(&cpu, 1),
            format!("{rate:.0}"),
            bytes.to_string(),
            row.note.clone(),
        ]);
        values.push(json!({ "proxy": row.title, "cpu_us": cpu.value, "low": cpu.low, "high": cpu.high,
            "requests_per_second": rate, "origin_bytes_per_100_requests": bytes, "sends": row.note }));
    }
    println!("{table}");
    values
}
