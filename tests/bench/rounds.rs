//! Measures lanes of one or more processes in turn, in rounds of random order.

use std::{sync::Arc, time::Duration};

use fastrand::Rng;

use crate::{
    load::{Connection, Slice, Until, slice},
    outcome::Failure,
    progress::Progress,
};

/// One thing that is measured.
pub(crate) struct Runner {
    /// Connections in their steady state.
    pub(crate) connections: Vec<Connection>,
    /// The request that they send.
    pub(crate) request: Arc<[u8]>,
    /// The process whose processor time counts.
    pub(crate) pid: u32,
    /// How often a round measures it. A baseline is measured more than once, since every case is
    /// compared with it.
    pub(crate) weight: usize,
    /// The results so far.
    pub(crate) series: Series,
}

/// The results of the rounds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Series {
    /// Processor time per request in microseconds, of each slice.
    pub(crate) cpu: Vec<f64>,
    /// Requests per second, of each slice.
    pub(crate) rate: Vec<f64>,
    /// Microseconds that single requests took which waited for no other, of all rounds.
    pub(crate) latencies: Vec<f64>,
    /// Processor time of the load itself per request in microseconds, of each slice.
    pub(crate) load: Vec<f64>,
}

impl Series {
    fn push(&mut self, slice: &Slice) {
        self.cpu.push(slice.cpu_per_request());
        self.rate
            .push(slice.requests as f64 / slice.wall.as_secs_f64());
        self.load
            .push(slice.own_cpu.as_secs_f64() * 1e6 / slice.requests.max(1) as f64);
    }
}

impl Runner {
    /// Measures these connections.
    pub(crate) fn new(
        connections: Vec<Connection>,
        request: Arc<[u8]>,
        pid: u32,
        weight: usize,
    ) -> Runner {
        Runner {
            connections,
            request,
            pid,
            weight,
            series: Series::default(),
        }
    }

    async fn measure(&mut self, length: Duration) -> Result<Slice, Failure> {
        slice(
            &mut self.connections,
            &self.request,
            Until::Elapsed(length),
            false,
            self.pid,
        )
        .await
    }

    /// Requests one after the other on one connection, so that none waits for another.
    async fn measure_latency(&mut self, length: Duration) -> Result<(), Failure> {
        let rest = self.connections.split_off(1);
        let measured = slice(
            &mut self.connections,
            &self.request,
            Until::Elapsed(length),
            true,
            self.pid,
        )
        .await;
        self.connections.extend(rest);
        self.series.latencies.extend(measured?.latencies);
        Ok(())
    }
}

/// Measures each of the runners `rounds` times for `length`.
///
/// # Errors
/// Those of [`slice`].
pub(crate) async fn run(
    what: &'static str,
    runners: &mut [Runner],
    rounds: u32,
    length: Duration,
    latency: Option<Duration>,
    rng: &mut Rng,
) -> Result<(), Failure> {
    // Not counted: at first V8 still optimises the module's hot functions, and caches fill.
    for runner in runners.iter_mut() {
        runner.measure(length).await?;
    }
    let mut progress = Progress::new(what, u64::from(rounds));
    for _ in 0..rounds {
        let mut order: Vec<usize> = runners
            .iter()
            .enumerate()
            .flat_map(|(index, runner)| vec![index; runner.weight])
            .collect();
        rng.shuffle(&mut order);
        for index in order {
            let runner = &mut runners[index];
            let measured = runner.measure(length).await?;
            runner.series.push(&measured);
            if let Some(latency) = latency {
                runner.measure_latency(latency).await?;
            }
        }
        progress.step();
    }
    Ok(())
}
