//! Open connections: the memory of one, and whether many raise the cost of a request.

use std::slice;

use fastrand::Rng;
use serde_json::{Value, json};
use support::Envoy;
use tokio::net::TcpStream;

use super::{NO_FILTER, PLAIN, checked, largest_vm, no_filter, plain, runner, steady};
use crate::{
    options::Options,
    origin::SmallOrigin,
    outcome::{Failure, setup},
    processor,
    report::{self, with_interval},
    rounds,
    statistics::added,
};

/// How many of the connections are busy: as many as the fewest that are open.
const BUSY: usize = 1;
/// Files that this program has open beside the connections.
const OTHER_FILES: u64 = 300;

/// One Envoy of the pair, and the idle connections to it.
struct Side {
    envoy: Envoy,
    lane: &'static str,
    idle: Vec<TcpStream>,
    /// Bytes in use from Envoy's allocator before the first of them.
    empty: u64,
}

/// Measures two Envoys, one with the filter and one without, with ever more connections.
pub(crate) async fn run(
    options: &Options,
    origin: &SmallOrigin,
    rng: &mut Rng,
) -> Result<Value, Failure> {
    let files = processor::raise_open_files().map_err(setup("the limit of open files"))?;
    let most = u64::from(options.open_connections).min(files.saturating_sub(OTHER_FILES) / 2);
    let counts = [
        1,
        100,
        usize::try_from(most).map_err(setup("the limit of open files"))?,
    ];
    eprintln!(
        "scale: {} idle connections to each of two Envoys (up to {files} open files)",
        counts[2]
    );
    let mut sides = [
        Side::start(no_filter(), NO_FILTER, origin).await?,
        Side::start(plain(PLAIN, 100), PLAIN, origin).await?,
    ];

    let header = [
        "open connections",
        "added µs/request (95 %)",
        "Envoy's memory per connection",
        "of these by the filter",
        "VM linear memory",
    ];
    let mut table = report::table(&header);
    let mut rows = Vec::new();
    for count in counts {
        let mut runners = Vec::new();
        for side in &mut sides {
            side.open(count - BUSY).await?;
            runners.push(runner(&side.envoy, side.lane, BUSY, 1).await?);
        }
        let (mut per_connection, mut vm) = ([0.0; 2], 0);
        for (side, bytes) in sides.iter().zip(&mut per_connection) {
            let allocated = side
                .envoy
                .allocated_memory()
                .await
                .saturating_sub(side.empty);
            *bytes = allocated as f64 / count as f64;
            vm = largest_vm(&side.envoy);
        }
        rounds::run(
            "scale: connections, round",
            &mut runners,
            options.rounds,
            options.slice(),
            None,
            rng,
        )
        .await?;
        let added = added(
            slice::from_ref(&runners[1].series.cpu),
            slice::from_ref(&runners[0].series.cpu),
            rng,
        );
        let by_filter = per_connection[1] - per_connection[0];
        // The memory of the first connections is mostly allocated once by Envoy.
        let memory = |bytes: f64| {
            if count < 100 {
                "-".to_owned()
            } else {
                report::bytes(bytes)
            }
        };
        table.add_row(vec![
            count.to_string(),
            with_interval(&added, 1),
            memory(per_connection[1]),
            memory(by_filter),
            report::bytes(vm as f64),
        ]);
        rows.push(json!({ "connections": count, "added_us": added.value, "low": added.low, "high": added.high,
            "envoy_bytes_per_connection": per_connection[1], "filter_bytes_per_connection": by_filter, "vm_memory_bytes": vm }));
    }
    println!("Open connections: plain, steady state, {BUSY} busy and the others idle\n{table}");
    Ok(json!(rows))
}

impl Side {
    async fn start(
        lane: crate::bench_envoy::Lane,
        name: &'static str,
        origin: &SmallOrigin,
    ) -> Result<Side, Failure> {
        let envoy = checked(&[lane], origin).await?;
        let empty = envoy.allocated_memory().await;
        Ok(Side {
            envoy,
            lane: name,
            idle: Vec::new(),
            empty,
        })
    }

    /// Opens idle connections until there are that many. Only their sockets are kept on this side.
    async fn open(&mut self, count: usize) -> Result<(), Failure> {
        const AT_ONCE: usize = 1_000;
        while self.idle.len() < count {
            let missing = (count - self.idle.len()).min(AT_ONCE);
            let opened = steady(&self.envoy, self.lane, missing).await?;
            self.idle
                .extend(opened.into_iter().map(crate::load::Connection::into_socket));
        }
        Ok(())
    }
}
