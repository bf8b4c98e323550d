//! `bench scale`: whether settings, open connections or past requests raise the cost of a request,
//! and the memory of each.

mod connections;
mod requests;
mod settings;

use std::time::Duration;

use fastrand::Rng;
use serde_json::json;
use support::{Envoy, wasm_module};

use crate::{
    bench_envoy::{DIRECT, Lane, start},
    expectation::Expectation,
    filters::{settings, wasm},
    head::Head,
    load::{Connection, client_tls, open_all, request},
    options::Options,
    origin::{CHECKED, SmallOrigin},
    outcome::{Failure, Outcome, setup},
    processor, report,
    rounds::Runner,
};

/// The names of the listeners.
const NO_FILTER: &str = "no-filter";
const PLAIN: &str = "plain";

/// Runs it.
pub(crate) async fn run(options: &Options, head: &Head, rng: &mut Rng) -> Result<Outcome, Failure> {
    let origin = SmallOrigin::start()?;
    let mut outcome = Outcome::default();
    println!("\n{}", head.line());
    let (of_settings, settings) = settings::run(options, &origin, rng).await?;
    outcome.extend(of_settings);
    let connections = connections::run(options, &origin, rng).await?;
    let (of_requests, requests) = requests::run(options, &origin, rng).await?;
    outcome.extend(of_requests);
    let json = json!({
        "head": head.to_json(), "settings": settings, "connections": connections, "requests": requests,
        "doubts": outcome.doubts
    });
    report::write_json("scale.json", &json)?;
    Ok(outcome)
}

/// The listener without a filter.
fn no_filter() -> Lane {
    Lane::new(NO_FILTER, vec![])
}

/// A listener with the filter and that many settings.
fn plain(name: &str, count: usize) -> Lane {
    Lane::new(
        name,
        vec![wasm(name, &wasm_module(), &settings(count, &json!({})))],
    )
}

/// An Envoy with these listeners, each of which has met its expectation.
async fn checked(lanes: &[Lane], origin: &SmallOrigin) -> Result<Envoy, Failure> {
    let envoy = start(lanes, origin.address).await?;
    for lane in lanes {
        let mut connection = open_all(1, envoy.address(&lane.name), &client_tls(), &[]).await?;
        expectation(lane)
            .check(&lane.name, &mut connection[0], origin)
            .await?;
    }
    Ok(envoy)
}

fn expectation(lane: &Lane) -> Expectation {
    match lane.filters.is_empty() {
        true => Expectation::nothing(),
        false => Expectation::first_request(),
    }
}

/// That many new connections to the listener, to which the certificate was delivered.
async fn steady(envoy: &Envoy, lane: &str, count: usize) -> Result<Vec<Connection>, Failure> {
    let first = [request(&format!("{CHECKED}first"), &[])];
    open_all(count, envoy.address(lane), &client_tls(), &first).await
}

/// Measures that many connections to the listener.
async fn runner(envoy: &Envoy, lane: &str, count: usize, weight: usize) -> Result<Runner, Failure> {
    let connections = steady(envoy, lane, count).await?;
    Ok(Runner::new(
        connections,
        request(DIRECT, &[]),
        envoy.pid(),
        weight,
    ))
}

fn processor_time(envoy: &Envoy) -> Result<Duration, Failure> {
    processor::time_of(envoy.pid()).map_err(setup("Envoy's processor time"))
}

/// The largest linear memory of Envoy's VMs: the worker's, when there is one filter.
fn largest_vm(envoy: &Envoy) -> u64 {
    envoy
        .vm_memory()
        .unwrap_or_default()
        .into_iter()
        .max()
        .unwrap_or(0)
}
