//! Requests so far: nothing may grow, and no request may get dearer.

use serde_json::{Value, json};

use super::{NO_FILTER, PLAIN, checked, largest_vm, no_filter, plain, processor_time, steady};
use crate::{
    bench_envoy::DIRECT,
    load::{Until, request, slice},
    options::Options,
    origin::SmallOrigin,
    outcome::{Failure, Outcome, Target},
    progress::Progress,
    quiet::Watch,
    report,
    statistics::{median, spread},
};

/// Into how many windows the requests are divided.
const WINDOWS: u64 = 10;
/// Parts of a window that alternate with as many of the baseline.
const PARTS: u64 = 10;
/// Short-lived connections in all.
const CONNECTIONS: usize = 20_000;
/// The first windows, in which caches and allocators still fill.
const WARM_UP: usize = 2;

struct Window {
    added: f64,
    envoy: u64,
    vm: u64,
}

/// Sends all the requests, and opens and closes the connections between them.
pub(crate) async fn run(
    options: &Options,
    origin: &SmallOrigin,
) -> Result<(Outcome, Value), Failure> {
    eprintln!(
        "scale: {} requests and {CONNECTIONS} connections",
        options.requests
    );
    let envoy = checked(&[no_filter(), plain(PLAIN, 100)], origin).await?;
    let count = options.connections as usize;
    let mut plain = steady(&envoy, PLAIN, count).await?;
    let mut baseline = steady(&envoy, NO_FILTER, count).await?;
    let sent = request(DIRECT, &[]);
    let each = (options.requests / WINDOWS / PARTS / u64::from(options.connections)).max(1);
    let watch = Watch::start(processor_time(&envoy)?)?;
    let mut progress = Progress::new("scale: requests, window", WINDOWS);
    let (mut windows, mut baselines) = (Vec::new(), Vec::new());
    for _ in 0..WINDOWS {
        drop(steady(&envoy, PLAIN, CONNECTIONS / WINDOWS as usize).await?);
        let mut added = Vec::new();
        for _ in 0..PARTS {
            let with = slice(&mut plain, &sent, Until::Requests(each), false, envoy.pid()).await?;
            let without = slice(
                &mut baseline,
                &sent,
                Until::Requests(each),
                false,
                envoy.pid(),
            )
            .await?;
            added.push(with.cpu_per_request() - without.cpu_per_request());
            baselines.push(without.cpu_per_request());
        }
        windows.push(Window {
            added: median(&added),
            envoy: envoy.allocated_memory().await,
            vm: largest_vm(&envoy),
        });
        progress.step();
    }
    let doubts = watch.doubts("requests so far", processor_time(&envoy)?, &baselines)?;

    let mut table = report::table(&[
        "requests so far",
        "connections",
        "added µs/request",
        "Envoy's allocated memory",
        "VM linear memory",
    ]);
    let mut rows = Vec::new();
    for (number, window) in (1..).zip(&windows) {
        let (requests, connections) = (
            number * PARTS * each * u64::from(options.connections),
            number as usize * CONNECTIONS / WINDOWS as usize,
        );
        table.add_row(vec![
            requests.to_string(),
            connections.to_string(),
            format!("{:.1}", window.added),
            report::bytes(window.envoy as f64),
            report::bytes(window.vm as f64),
        ]);
        rows.push(
            json!({ "requests": requests, "connections": connections, "added_us": window.added,
            "envoy_bytes": window.envoy, "vm_memory_bytes": window.vm }),
        );
    }
    println!("Requests so far: plain, steady state\n{table}");
    Ok((
        Outcome {
            targets: targets(&windows),
            doubts,
        },
        json!(rows),
    ))
}

/// The windows after the warm-up are compared: the later half with the earlier one.
fn targets(windows: &[Window]) -> Vec<Target> {
    const SLACK_OF_MEMORY: f64 = 0.05;
    let settled = windows.get(WARM_UP..).unwrap_or_default();
    let (earlier, later) = settled.split_at(settled.len() / 2);
    let of = |windows: &[Window], figure: fn(&Window) -> f64| {
        median(&windows.iter().map(figure).collect::<Vec<_>>())
    };
    let growth = |figure: fn(&Window) -> f64| of(later, figure) / of(earlier, figure) - 1.0;
    let all: Vec<f64> = settled.iter().map(|window| window.added).collect();
    // Windows of one and the same cost lie this far apart.
    let noise = spread(&all).max(0.05);
    let cost = growth(|window| window.added);
    let (envoy, vm) = (
        growth(|window| window.envoy as f64),
        growth(|window| window.vm as f64),
    );
    let percent = |share: f64| format!("{:+.1} %", share * 100.0);
    vec![
        Target {
            what: "cost per request, later half against earlier".to_owned(),
            limit: percent(noise),
            measured: percent(cost),
            met: Some(cost <= noise),
        },
        Target {
            what: "Envoy's allocated memory, later half against earlier".to_owned(),
            limit: percent(SLACK_OF_MEMORY),
            measured: percent(envoy),
            met: Some(envoy <= SLACK_OF_MEMORY),
        },
        Target {
            what: "VM linear memory, later half against earlier".to_owned(),
            limit: percent(0.0),
            measured: percent(vm),
            met: Some(vm <= 0.0),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::{Window, targets};

    fn met(shape: impl Fn(f64) -> Window) -> Vec<Option<bool>> {
        let windows: Vec<Window> = (0..10).map(|number| shape(f64::from(number))).collect();
        targets(&windows)
            .into_iter()
            .map(|target| target.met)
            .collect()
    }

    #[test]
    fn what_grows_is_told_from_what_only_varies() {
        let steady = |number: f64| Window {
            added: 10.0 + number % 2.0,
            envoy: 1_000_000,
            vm: 1 << 20,
        };
        assert_eq!(met(steady), [Some(true); 3]);
        let dearer = met(|number| Window {
            added: 10.0 * (1.0 + number),
            ..steady(number)
        });
        assert_eq!(dearer, [Some(false), Some(true), Some(true)]);
        let leaking = met(|number| Window {
            envoy: 1_000_000 + number as u64 * 50_000,
            ..steady(number)
        });
        assert_eq!(leaking, [Some(true), Some(false), Some(true)]);
        let growing = met(|number| Window {
            vm: if number < 7.0 { 1 << 20 } else { 2 << 20 },
            ..steady(number)
        });
        assert_eq!(growing, [Some(true), Some(true), Some(false)]);
    }
}
