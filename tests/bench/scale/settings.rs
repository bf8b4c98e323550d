//! The number of settings: a request must cost the same, and loading must be quick.

use std::{
    slice,
    time::{Duration, Instant},
};

use fastrand::Rng;
use serde_json::{Value, json};
use support::{Envoy, Origin, Update};

use super::{NO_FILTER, checked, largest_vm, no_filter, plain, processor_time, runner};
use crate::{
    filters::settings,
    options::Options,
    origin::SmallOrigin,
    outcome::{Failure, Outcome, Target},
    quiet::Watch,
    report::{self, with_interval},
    rounds,
    statistics::{Estimate, added, median},
};

const COUNTS: [usize; 4] = [1, 10, 1_000, 10_000];
/// How often loading is timed.
const LOADS: usize = 5;
/// The largest error of the difference, in microseconds.
const ERROR: f64 = 1.0;
const LONGEST_LOAD: Duration = Duration::from_secs(1);

/// Measures one Envoy with a listener for each number of settings.
pub(crate) async fn run(
    options: &Options,
    origin: &SmallOrigin,
    rng: &mut Rng,
) -> Result<(Outcome, Value), Failure> {
    eprintln!("scale: settings");
    let mut lanes = vec![no_filter()];
    lanes.extend(COUNTS.map(|count| plain(&name(count), count)));
    let envoy = checked(&lanes, origin).await?;
    let mut runners = Vec::new();
    for lane in &lanes {
        let weight = if lane.name == NO_FILTER { 2 } else { 1 };
        runners.push(runner(&envoy, &lane.name, options.connections as usize, weight).await?);
    }
    let watch = Watch::start(processor_time(&envoy)?)?;
    rounds::run(
        "scale: settings, round",
        &mut runners,
        options.rounds,
        options.slice(),
        None,
        rng,
    )
    .await?;
    let baseline = runners[0].series.cpu.clone();
    let mut doubts = watch.doubts("settings", processor_time(&envoy)?, &baseline)?;

    let mut table = report::table(&[
        "settings",
        "added µs/request (95 %)",
        "load time",
        "VM linear memory",
    ]);
    let mut rows = Vec::new();
    let mut longest = Duration::ZERO;
    for (count, runner) in COUNTS.iter().zip(&runners[1..]) {
        let added = added(
            slice::from_ref(&runner.series.cpu),
            slice::from_ref(&baseline),
            rng,
        );
        let (load, memory) = load_time(*count).await?;
        longest = longest.max(load);
        let milliseconds = load.as_secs_f64() * 1e3;
        table.add_row(vec![
            count.to_string(),
            with_interval(&added, 1),
            format!("{milliseconds:.0} ms"),
            report::bytes(memory as f64),
        ]);
        rows.push(json!({ "settings": count, "added_us": added.value, "low": added.low, "high": added.high,
            "load_ms": milliseconds, "vm_memory_bytes": memory }));
    }
    println!("Settings: plain, steady state\n{table}");
    println!(
        "Load time: from a new configuration by ECDS until Envoy says that it is in force, median of {LOADS}."
    );
    let dearer = added(
        slice::from_ref(&runners[4].series.cpu),
        slice::from_ref(&runners[2].series.cpu),
        rng,
    );
    let error = (dearer.high - dearer.low) / 2.0;
    if error > ERROR {
        doubts.push(format!(
            "settings: the difference of 10,000 and 10 is only known within {error:.1} µs (at most {ERROR:.1} µs)"
        ));
    }
    let targets = vec![no_dearer(&dearer), loads_in_time(longest)];
    Ok((Outcome { targets, doubts }, json!(rows)))
}

fn name(count: usize) -> String {
    format!("plain-{count}")
}

/// The median time in which an Envoy changes from one setting to that many, and the VM's linear
/// memory afterwards.
async fn load_time(count: usize) -> Result<(Duration, u64), Failure> {
    let configuration =
        |count| serde_json::from_str::<Value>(&settings(count, &json!({}))).unwrap_or_default();
    let mut seconds = Vec::new();
    let mut memory = 0;
    for _ in 0..LOADS {
        let origin = Origin::start().await;
        let envoy = Envoy::with_filter(configuration(1))
            .discovered()
            .try_start(&origin)
            .await;
        let envoy = envoy.map_err(|log| Failure::Setup(format!("Envoy did not start:\n{log}")))?;
        let mut new = configuration(count);
        // One that differs, or Envoy would have nothing to load.
        new["explain"] = json!(true);
        let start = Instant::now();
        let update = envoy.update_config(&new).await;
        seconds.push(start.elapsed().as_secs_f64());
        if update != Update::Accepted {
            return Err(Failure::WrongState(format!(
                "{count} settings: Envoy refused them\n{}",
                envoy.log()
            )));
        }
        memory = largest_vm(&envoy);
    }
    Ok((Duration::from_secs_f64(median(&seconds)), memory))
}

/// Within noise: zero lies in the interval, or the difference is too small to matter.
fn no_dearer(difference: &Estimate) -> Target {
    const NOISE: f64 = 0.5;
    Target {
        what: "10,000 settings cost no more per request than 10".to_owned(),
        limit: format!("noise, or {NOISE} µs"),
        measured: format!("{} µs", with_interval(difference, 2)),
        met: Some(difference.low <= 0.0 || difference.value <= NOISE),
    }
}

fn loads_in_time(load: Duration) -> Target {
    Target {
        what: "10,000 settings load".to_owned(),
        limit: "1 s".to_owned(),
        measured: format!("{:.2} s", load.as_secs_f64()),
        met: Some(load < LONGEST_LOAD),
    }
}
