//! The clients: each opens one connection after the other, follows its plan, and judges every
//! response.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use support::{Client, Envoy, Identity, PROTOCOLS, Request, Response, client::Error};
use tokio::{
    sync::RwLock,
    task::JoinSet,
    time::{Duration, timeout},
};

use crate::{
    model::{Certificate, Counters, Expected, Model},
    origin::{CountingOrigin, FORGED, SEEN_MANAGED, SEEN_SHA256},
    plan::{CONNECTIONS, Fate, Forwards, Plan, Step},
};

/// Connections at a time.
const CLIENTS: u64 = 32;
/// How long a request may take to reach the origin.
const PATIENCE: Duration = Duration::from_secs(30);
/// More failures than this are only counted.
const FAILURES_KEPT: usize = 10;

/// The load and its results so far.
pub(crate) struct Load {
    envoy: Arc<Envoy>,
    origin: CountingOrigin,
    seed: u64,
    next: AtomicU64,
    stopped: AtomicBool,
    /// Every connection holds a read lock as long as it lives; the write lock means that Envoy has
    /// no connections.
    gate: RwLock<()>,
    /// Requests that were answered, for the progress line.
    requests: AtomicU64,
    tally: Mutex<Tally>,
}

/// The clients' counts.
#[derive(Clone, Default)]
pub(crate) struct Tally {
    /// Connections that are over, in the order of [`PROTOCOLS`].
    pub(crate) connections: [u64; 3],
    /// Requests that are over, likewise.
    pub(crate) requests: [u64; 3],
    /// Those of them that the origin has to have got.
    pub(crate) at_origin: u64,
    /// Those that carried a certificate there and got no answer.
    pub(crate) unanswered: u64,
    /// The counts expected of the filter.
    pub(crate) counters: Counters,
    /// Responses that were not as the contract says, and connections that failed.
    pub(crate) failures: u64,
    /// The first of them.
    pub(crate) examples: Vec<String>,
}

impl Load {
    pub(crate) fn new(envoy: Arc<Envoy>, origin: CountingOrigin, seed: u64) -> Arc<Load> {
        Arc::new(Load {
            envoy,
            origin,
            seed,
            next: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
            gate: RwLock::new(()),
            requests: AtomicU64::new(0),
            tally: Mutex::default(),
        })
    }

    /// Runs until all planned connections have ended, or until the open ones have after
    /// [`Load::stop`].
    pub(crate) async fn run(self: Arc<Load>) {
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            clients.spawn(Arc::clone(&self).client());
        }
        clients.join_all().await;
    }

    /// Opens no more connections.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Waits until every connection is over, does `work`, and lets the clients go on.
    pub(crate) async fn paused<T>(&self, work: impl Future<Output = T>) -> T {
        let _gate = self.gate.write().await;
        work.await
    }

    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    pub(crate) fn tally(&self) -> Tally {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn client(self: Arc<Load>) {
        loop {
            let _gate = self.gate.read().await;
            if self.stopped.load(Ordering::Relaxed) {
                return;
            }
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= CONNECTIONS {
                return;
            }
            let plan = Plan::draw(self.seed, number);
            let mut connection = Connection {
                load: &self,
                number,
                model: Model::new(&plan),
                tally: Tally::default(),
                protocol: PROTOCOLS
                    .iter()
                    .position(|protocol| *protocol == plan.protocol)
                    .expect("one of the three"),
            };
            if let Err(error) = connection.run(&plan).await {
                connection.fail(format!("{error}, after {:?}", plan.protocol));
            }
            connection.tally.connections[connection.protocol] += 1;
            self.lock().add(connection.tally);
        }
    }
}

impl Tally {
    /// How many connections are over.
    pub(crate) fn connections(&self) -> u64 {
        self.connections.iter().sum()
    }

    /// How many requests are over.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.iter().sum()
    }

    fn add(&mut self, other: Tally) {
        for protocol in 0..PROTOCOLS.len() {
            self.connections[protocol] += other.connections[protocol];
            self.requests[protocol] += other.requests[protocol];
        }
        self.at_origin += other.at_origin;
        self.unanswered += other.unanswered;
        for (key, count) in other.counters {
            *self.counters.entry(key).or_default() += count;
        }
        self.failures += other.failures;
        self.examples.extend(other.examples);
        self.examples.truncate(FAILURES_KEPT);
    }
}

struct Connection<'a> {
    load: &'a Load,
    number: u64,
    model: Model,
    tally: Tally,
    /// The place in [`PROTOCOLS`].
    protocol: usize,
}

impl Connection<'_> {
    async fn run(&mut self, plan: &Plan) -> Result<(), Error> {
        let mut connector = Client::over(plan.protocol, &self.load.envoy).sni(plan.server_name);
        if let Some(identity) = plan.who.identity() {
            connector = connector.with(identity);
        }
        let client = connector.try_connect().await?;
        for step in &plan.steps {
            let expected = self.model.expect(step);
            if step.fate == Fate::Abandoned && !self.model.refuses(step.host) {
                self.abandon(&client, step).await?;
                self.count(step, expected, expected.outcome);
            } else {
                self.send(&client, plan.who.identity(), step, expected)
                    .await?;
            }
            self.model.done(step, expected);
        }
        Ok(())
    }

    async fn send(
        &mut self,
        client: &Client,
        identity: Option<&Identity>,
        step: &Step,
        expected: Expected,
    ) -> Result<(), Error> {
        let mut carried = 0;
        if step.at_once == 1 {
            let response = client.try_send(request(step, path(step.fate))).await?;
            carried += u64::from(self.judge(&response, identity, step, expected));
        } else {
            let requests = (0..step.at_once).map(|_| client.try_send(request(step, "/")));
            for response in futures_util::future::join_all(requests).await {
                carried += u64::from(self.judge(&response?, identity, step, expected));
            }
        }
        if expected.certificate == Certificate::Either && carried == 0 {
            self.fail(format!(
                "{step:?}: none of the requests carried the certificate"
            ));
        }
        Ok(())
    }

    /// Sends a request and goes away once the origin has it.
    async fn abandon(&mut self, client: &Client, step: &Step) -> Result<(), Error> {
        let path = format!("/abandoned/{}", self.number);
        let arrival = self.load.origin.arrival(&path);
        let answer = client.try_send(request(step, &path));
        tokio::select! {
            arrived = timeout(PATIENCE, arrival) => { arrived??; Ok(()) }
            answer = answer => Err(format!("{step:?}: answered with {:?}", answer.map(|answer| answer.status)).into()),
        }
    }

    /// Whether the request carried the certificate, after a look at all else.
    fn judge(
        &mut self,
        response: &Response,
        identity: Option<&Identity>,
        step: &Step,
        expected: Expected,
    ) -> bool {
        let at_origin = response.header(SEEN_MANAGED).is_some();
        let sha256 = response.header(SEEN_SHA256);
        let carried = sha256.is_some();
        let mut wrong = Vec::new();
        if Some(response.status) != expected.status {
            wrong.push(format!("status {}", response.status));
        }
        if at_origin != (expected.status == Some(200)) {
            wrong.push(format!("at the origin: {at_origin}"));
        }
        if at_origin {
            let due = match expected.certificate {
                Certificate::Sent => true,
                Certificate::Held => false,
                Certificate::Either => carried,
            };
            if due != carried {
                wrong.push(format!("carried the certificate: {carried}"));
            }
            if carried && sha256 != identity.map(Identity::sha256).as_deref() {
                wrong.push(format!("carried {sha256:?}"));
            }
            let managed = response
                .header(SEEN_MANAGED)
                .and_then(|number| number.parse().ok());
            if !managed.is_some_and(|managed| self.is_right_number(managed, carried, step)) {
                wrong.push(format!("{managed:?} managed headers"));
            }
            if response.body.len() != step.body {
                wrong.push(format!("{} bytes came back", response.body.len()));
            }
        }
        if !wrong.is_empty() {
            self.fail(format!(
                "{step:?}: {}; expected {expected:?}",
                wrong.join(", ")
            ));
        }
        let outcome = match expected.certificate {
            Certificate::Either if !carried => None,
            _ => expected.outcome,
        };
        self.count(step, expected, outcome);
        carried
    }

    fn is_right_number(&self, managed: u64, carried: bool, step: &Step) -> bool {
        match (step.host.forwards, carried) {
            // Presented, verified and revoked are said of every connection.
            (Forwards::Fields, false) => managed == 3,
            (Forwards::Fields, true) => managed > 10,
            (_, false) => managed == 0,
            (_, true) => managed == if self.model.is_too_large() { 1 } else { 2 },
        }
    }

    fn count(&mut self, step: &Step, expected: Expected, outcome: Option<&'static str>) {
        self.load.requests.fetch_add(1, Ordering::Relaxed);
        self.tally.requests[self.protocol] += 1;
        let reaches_origin = matches!(step.fate, Fate::Answered | Fate::Reset | Fate::Abandoned);
        if reaches_origin && !matches!(expected.status, Some(403 | 421)) {
            self.tally.at_origin += 1;
            let unanswered = step.fate != Fate::Answered && outcome == Some("undelivered");
            self.tally.unanswered += u64::from(unanswered);
        }
        let spoofed = step.spoofed.map(|_| "spoof_stripped");
        for outcome in spoofed.into_iter().chain(outcome) {
            let key = (step.host.setting.to_owned(), outcome.to_owned());
            *self.tally.counters.entry(key).or_default() += 1;
        }
    }

    fn fail(&mut self, what: String) {
        self.tally.failures += 1;
        if self.tally.examples.len() < FAILURES_KEPT {
            self.tally
                .examples
                .push(format!("connection {}: {what}", self.number));
        }
    }
}

fn path(fate: Fate) -> &'static str {
    match fate {
        Fate::Answered => "/",
        Fate::Refused => "/refused",
        Fate::NoUpstream => "/no-upstream",
        Fate::LocalReply => "/local-reply",
        Fate::Reset => "/reset",
        // Only of a request that the filter refuses.
        Fate::Abandoned => "/abandoned",
    }
}

fn request(step: &Step, path: &str) -> Request {
    let request = match step.body {
        0 => Request::get(step.host.name, path),
        length => Request::post(step.host.name, path, vec![b'x'; length]),
    };
    match step.spoofed {
        Some(name) => request.header(name, FORGED),
        None => request,
    }
}
