//! `bench cost`: processor time per request, beside the alternatives.

use std::{fs, time::Duration};

use fastrand::Rng;
use serde_json::{Value, json};
use support::{Envoy, wasm_module};

use crate::{
    bench_envoy,
    cases::{Case, NO_FILTER, cases, chosen, find},
    chart::{self, Bar},
    head::Head,
    load::{client_tls, open_all, request},
    options::Options,
    origin::SmallOrigin,
    outcome::{Failure, Outcome, Target, setup},
    processor,
    quiet::Watch,
    ratios::{RATIOS, Ratio},
    report::{self, with_interval},
    rounds::{self, Runner, Series},
    statistics::{Estimate, added, median, over_starts, quantile, ratio},
};

/// How long one measurement of latency takes: requests one after the other on one connection.
const LATENCY: Duration = Duration::from_millis(30);
/// The largest error of a ratio, as a share of it, with which a second run can agree.
const ERROR: f64 = 0.10;
/// The largest module that the contract allows, in bytes.
const LARGEST_MODULE: u64 = 350 * 1024;

/// Runs it.
pub(crate) async fn run(options: &Options, head: &Head, rng: &mut Rng) -> Result<Outcome, Failure> {
    let folder = tempfile::Builder::new()
        .prefix("bench-")
        .tempdir()
        .map_err(setup("a temporary folder"))?;
    let cases = chosen(cases(folder.path(), options.anatomy)?, &options.only)?;
    let origin = SmallOrigin::start()?;
    let mut measured: Vec<Measured> = cases.iter().map(|_| Measured::default()).collect();
    let mut doubts = Vec::new();
    for start in 1..=options.starts {
        eprintln!(
            "cost: starting Envoy with {} listeners ({start} of {}), and checking that each case does its job …",
            cases.len(),
            options.starts
        );
        let series = one_start(&cases, &origin, options, rng, &mut doubts).await?;
        for (measured, series) in measured.iter_mut().zip(series) {
            measured.add(series);
        }
    }
    doubts.sort();
    doubts.dedup();

    let rows = rows(&cases, &measured, rng);
    println!(
        "\nProcessor time of Envoy per request, HTTP/1.1 keep-alive over mTLS, one worker\n{}",
        head.line()
    );
    print_table(&rows);
    let targets = targets(&cases, &measured, rng, &mut doubts)?;
    let load = median(
        &measured
            .iter()
            .flat_map(|measured| measured.load.clone())
            .collect::<Vec<_>>(),
    );
    println!("The load itself took {load:.1} µs per request, in this program's own time.");
    let json = json!({
        "head": head.to_json(), "starts": options.starts, "rounds": options.rounds, "cases": rows.iter().map(Row::to_json).collect::<Vec<_>>(),
        "load_us": load, "doubts": doubts
    });
    report::write_json("cost.json", &json)?;
    let svg = report::write("cost.svg", &svg(&rows, head))?;
    println!("Chart: {}", svg.display());
    Ok(Outcome { targets, doubts })
}

/// The results of one case in all starts of Envoy.
#[derive(Default)]
struct Measured {
    /// Processor time per request in microseconds: for each start, that of each slice.
    cpu: Vec<Vec<f64>>,
    rate: Vec<f64>,
    latencies: Vec<f64>,
    load: Vec<f64>,
}

impl Measured {
    fn add(&mut self, series: Series) {
        self.cpu.push(series.cpu);
        self.rate.extend(series.rate);
        self.latencies.extend(series.latencies);
        self.load.extend(series.load);
    }
}

/// Measures every case in one start of Envoy, with its share of the requested rounds.
async fn one_start(
    cases: &[Case],
    origin: &SmallOrigin,
    options: &Options,
    rng: &mut Rng,
    doubts: &mut Vec<String>,
) -> Result<Vec<Series>, Failure> {
    let lanes: Vec<_> = cases.iter().map(|case| case.lane.clone()).collect();
    let envoy = bench_envoy::start(&lanes, origin.address).await?;
    let mut runners = Vec::new();
    for case in cases {
        runners.push(prepare(case, &envoy, origin, options).await?);
    }
    let time = || processor::time_of(envoy.pid()).map_err(setup("Envoy's processor time"));
    let watch = Watch::start(time()?)?;
    rounds::run(
        "cost: round",
        &mut runners,
        options.rounds.div_ceil(options.starts),
        options.slice(),
        Some(LATENCY),
        rng,
    )
    .await?;
    let baseline = find(cases, &runners, NO_FILTER).expect("the baseline is a case");
    doubts.extend(watch.doubts("cost", time()?, &baseline.series.cpu)?);
    for case in cases {
        check(case, &envoy, origin).await?;
    }
    let reloads = envoy.vm_reloads().await;
    if reloads > 0 {
        return Err(Failure::WrongState(format!(
            "Envoy had to start a VM anew {reloads} times under load"
        )));
    }
    Ok(runners.into_iter().map(|runner| runner.series).collect())
}

/// Opens the case's connections, and lets each of them prove that it does its job.
async fn prepare(
    case: &Case,
    envoy: &Envoy,
    origin: &SmallOrigin,
    options: &Options,
) -> Result<Runner, Failure> {
    let address = envoy.address(case.name());
    let count = options.connections as usize;
    let mut connections = open_all(count, address, &client_tls(), &[]).await?;
    for connection in &mut connections {
        let checked = case.expectation.check(case.title, connection, origin).await;
        checked.map_err(|failure| with_log(failure, envoy))?;
    }
    let weight = if case.baseline.is_none() { 2 } else { 1 };
    Ok(Runner::new(
        connections,
        request(case.path, &[]),
        envoy.pid(),
        weight,
    ))
}

/// Looks once more, on a new connection.
async fn check(case: &Case, envoy: &Envoy, origin: &SmallOrigin) -> Result<(), Failure> {
    let mut connections = open_all(1, envoy.address(case.name()), &client_tls(), &[]).await?;
    case.expectation
        .check(case.title, &mut connections[0], origin)
        .await
}

fn with_log(failure: Failure, envoy: &Envoy) -> Failure {
    match failure {
        Failure::WrongState(what) if !envoy.log().is_empty() => {
            Failure::WrongState(format!("{what}\nEnvoy's log:\n{}", envoy.log()))
        }
        other => other,
    }
}

struct Row<'a> {
    case: &'a Case,
    cpu: f64,
    /// The same of each slice of each start.
    slices: Vec<Vec<f64>>,
    /// Over the baseline; `None` for a baseline.
    added: Option<Estimate>,
    rate: f64,
    /// Median and 99th percentile, over the baseline's except for a baseline.
    latency: (f64, f64),
}

fn rows<'a>(cases: &'a [Case], all: &[Measured], rng: &mut Rng) -> Vec<Row<'a>> {
    cases
        .iter()
        .zip(all)
        .map(|(case, measured)| {
            let baseline = case.baseline.and_then(|name| find(cases, all, name));
            let latency = |share: f64| {
                let base = baseline.map_or(0.0, |base| quantile(&base.latencies, share));
                quantile(&measured.latencies, share) - base
            };
            Row {
                case,
                cpu: over_starts(&measured.cpu),
                slices: measured.cpu.clone(),
                added: baseline.map(|base| added(&measured.cpu, &base.cpu, rng)),
                rate: median(&measured.rate),
                latency: (latency(0.5), latency(0.99)),
            }
        })
        .collect()
}

impl Row<'_> {
    fn to_json(&self) -> Value {
        json!({
            "name": self.case.name(), "title": self.case.title, "cpu_us": self.cpu,
            "added_us": self.added.map(|added| json!({ "value": added.value, "low": added.low, "high": added.high })),
            "slices_cpu_us": self.slices,
            "requests_per_second": self.rate, "baseline": self.case.baseline,
            "latency_us": { "p50": self.latency.0, "p99": self.latency.1 }
        })
    }
}

fn print_table(rows: &[Row<'_>]) {
    let header = [
        "case",
        "µs/request",
        "added µs (95 %)",
        "requests/s",
        "latency p50 µs",
        "p99 µs",
    ];
    let mut table = report::table(&header);
    for row in rows {
        let signed = |value: f64| match row.added {
            Some(_) => format!("{value:+.1}"),
            None => format!("{value:.1}"),
        };
        table.add_row(vec![
            row.case.title.to_owned(),
            format!("{:.1}", row.cpu),
            row.added
                .map_or_else(|| "-".to_owned(), |added| with_interval(&added, 1)),
            format!("{:.0}", row.rate),
            signed(row.latency.0),
            signed(row.latency.1),
        ]);
    }
    println!("{table}");
    println!(
        "Added: over the case without a filter, measured in turn with it and on the same way; 10th percentile of the slices, averaged over the starts of Envoy. Latency: one request at a time."
    );
}

fn svg(rows: &[Row<'_>], head: &Head) -> String {
    let bars: Vec<Bar> = rows
        .iter()
        .filter_map(|row| {
            let added = row.added?;
            Some(Bar {
                label: row.case.title.to_owned(),
                value: added.value,
                interval: (added.low, added.high),
                own: row.case.title.starts_with("plain") || row.case.title.starts_with("fast path"),
            })
        })
        .collect();
    chart::bars(
        "Envoy's processor time per request over no filter",
        &head.line(),
        "µs",
        &bars,
    )
}

/// The limits of the contract, as ratios of added processor time.
fn targets(
    cases: &[Case],
    all: &[Measured],
    rng: &mut Rng,
    doubts: &mut Vec<String>,
) -> Result<Vec<Target>, Failure> {
    let series = |name: &str| {
        let case = cases.iter().find(|case| case.name() == name)?;
        let base = find(cases, all, case.baseline?)?;
        Some([find(cases, all, name)?, base].map(|measured| measured.cpu.as_slice()))
    };
    let mut targets = Vec::new();
    for Ratio {
        what,
        of,
        to,
        limit,
    } in RATIOS
    {
        let ratio = match (series(of), series(to)) {
            (Some(of), Some(to)) => Some(ratio(of, to, rng)),
            _ => None,
        };
        if let Some(ratio) = ratio.filter(|ratio| ratio.relative_error() > ERROR) {
            doubts.push(format!(
                "{what}: the ratio is only known within {:.0} % (at most {:.0} %): more rounds may help",
                ratio.relative_error() * 100.0,
                ERROR * 100.0
            ));
        }
        targets.push(Target {
            what: what.to_owned(),
            limit: limit.to_string(),
            measured: ratio.map_or_else(|| "-".to_owned(), |ratio| with_interval(&ratio, 2)),
            met: ratio.map(|ratio| ratio.value <= limit),
        });
    }
    let module = fs::metadata(wasm_module())
        .map_err(setup("the wasm module"))?
        .len();
    targets.push(Target {
        what: "the wasm module".to_owned(),
        limit: report::bytes(LARGEST_MODULE as f64),
        measured: report::bytes(module as f64),
        met: Some(module <= LARGEST_MODULE),
    });
    Ok(targets)
}
