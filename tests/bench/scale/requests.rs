//! Requests so far: nothing may grow, and no request may get dearer.

use fastrand::Rng;
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
    statistics::{median, ratio, undisturbed},
};

/// Into how many windows the requests are divided.
const WINDOWS: u64 = 10;
/// Parts of a window that alternate with as many of the baseline.
const PARTS: u64 = 10;
/// Short-lived connections in all.
const CONNECTIONS: usize = 20_000;
/// The first windows, in which caches and allocators still fill.
const WARM_UP: usize = 2;
/// The largest error of the change of cost, as a share of it.
const ERROR: f64 = 0.10;

struct Window {
    /// Processor time per request of each part.
    with: Vec<f64>,
    /// The same of the baseline.
    without: Vec<f64>,
    envoy: u64,
    vm: u64,
}

impl Window {
    fn added(&self) -> f64 {
        undisturbed(&self.with) - undisturbed(&self.without)
    }
}

/// Sends all the requests, and opens and closes the connections between them.
pub(crate) async fn run(
    options: &Options,
    origin: &SmallOrigin,
    rng: &mut Rng,
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
        let (mut with_filter, mut without_filter) = (Vec::new(), Vec::new());
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
            with_filter.push(with.cpu_per_request());
            without_filter.push(without.cpu_per_request());
            baselines.push(without.cpu_per_request());
        }
        windows.push(Window {
            with: with_filter,
            without: without_filter,
            envoy: envoy.allocated_memory().await,
            vm: largest_vm(&envoy),
        });
        progress.step();
    }
    let mut doubts = watch.doubts("requests so far", processor_time(&envoy)?, &baselines)?;

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
            format!("{:.1}", window.added()),
            report::bytes(window.envoy as f64),
            report::bytes(window.vm as f64),
        ]);
        rows.push(
            json!({ "requests": requests, "connections": connections, "added_us": window.added(),
            "envoy_bytes": window.envoy, "vm_memory_bytes": window.vm }),
        );
    }
    println!("Requests so far: plain, steady state\n{table}");
    let targets = targets(&windows, rng, &mut doubts);
    Ok((Outcome { targets, doubts }, json!(rows)))
}

/// Compares the later half of the windows after the warm-up with the earlier half. Adds a doubt if
/// noise hides the answer.
fn targets(windows: &[Window], rng: &mut Rng, doubts: &mut Vec<String>) -> Vec<Target> {
    const SLACK: f64 = 0.05;
    let settled = windows.get(WARM_UP..).unwrap_or_default();
    let (earlier, later) = settled.split_at(settled.len() / 2);
    let parts = |windows: &[Window], of: fn(&Window) -> &[f64]| {
        [windows.iter().flat_map(of).copied().collect::<Vec<_>>()]
    };
    let [later_cost, earlier_cost] = [later, earlier].map(|windows| {
        [
            parts(windows, |window| &window.with),
            parts(windows, |window| &window.without),
        ]
    });
    let cost = ratio(
        [&later_cost[0], &later_cost[1]],
        [&earlier_cost[0], &earlier_cost[1]],
        rng,
    );
    if cost.relative_error() > ERROR {
        doubts.push(format!(
            "requests so far: the change of cost is only known within {:.0} % (at most {:.0} %)",
            cost.relative_error() * 100.0,
            ERROR * 100.0
        ));
    }
    let growth = |figure: fn(&Window) -> u64| {
        let of = |windows: &[Window]| {
            median(
                &windows
                    .iter()
                    .map(|window| figure(window) as f64)
                    .collect::<Vec<_>>(),
            )
        };
        of(later) / of(earlier) - 1.0
    };
    let target = |what: &str, most: f64, growth: f64, met: bool| Target {
        what: format!("{what}, later half against earlier"),
        limit: format!("{:+.0} %", most * 100.0),
        measured: format!("{:+.1} %", growth * 100.0),
        met: Some(met),
    };
    let (envoy, vm) = (growth(|window| window.envoy), growth(|window| window.vm));
    vec![
        target(
            "cost per request",
            SLACK,
            cost.value - 1.0,
            cost.value <= 1.0 + SLACK || cost.low <= 1.0,
        ),
        target("Envoy's allocated memory", SLACK, envoy, envoy <= SLACK),
        target("VM linear memory", 0.0, vm, vm <= 0.0),
    ]
}

#[cfg(test)]
mod tests {
    use super::{Window, targets};
    use fastrand::Rng;

    fn met(shape: impl Fn(u32) -> Window) -> Vec<Option<bool>> {
        let windows: Vec<Window> = (0..10).map(shape).collect();
        let (mut rng, mut doubts) = (Rng::with_seed(7), Vec::new());
        let targets = targets(&windows, &mut rng, &mut doubts);
        assert!(doubts.is_empty(), "{doubts:?}");
        targets.into_iter().map(|target| target.met).collect()
    }

    fn window(added: f64) -> Window {
        Window {
            with: (0..10)
                .map(|part| 30.0 + added + f64::from(part % 3) / 10.0)
                .collect(),
            without: (0..10)
                .map(|part| 30.0 + f64::from(part % 3) / 10.0)
                .collect(),
            envoy: 1_000_000,
            vm: 1 << 20,
        }
    }

    #[test]
    fn what_grows_is_told_from_what_only_varies() {
        let (well, grown) = (Some(true), Some(false));
        assert_eq!(
            met(|number| window(10.0 + f64::from(number % 2))),
            [well; 3]
        );
        assert_eq!(
            met(|number| window(10.0 + f64::from(number))),
            [grown, well, well]
        );
        let leaking = |number: u32| Window {
            envoy: 1_000_000 + u64::from(number) * 50_000,
            ..window(10.0)
        };
        assert_eq!(met(leaking), [well, grown, well]);
        let growing = |number: u32| Window {
            vm: if number < 7 { 1 << 20 } else { 2 << 20 },
            ..window(10.0)
        };
        assert_eq!(met(growing), [well, well, grown]);
    }

    #[test]
    fn noise_that_hides_the_answer_is_a_doubt() {
        let mut rng = Rng::with_seed(7);
        let windows: Vec<Window> = (0..10)
            .map(|_| Window {
                with: (0..10).map(|_| 30.0 + rng.f64() * 100.0).collect(),
                ..window(0.0)
            })
            .collect();
        let mut doubts = Vec::new();
        targets(&windows, &mut rng, &mut doubts);
        assert_eq!(doubts.len(), 1);
    }
}
