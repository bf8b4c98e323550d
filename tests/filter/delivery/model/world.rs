//! One Envoy with its origin, the connections of the sequences, and the observations of each
//! request.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use fastrand::Rng;
use serde_json::json;
use support::{
    Client, Envoy, Identity, Listener, Origin, Protocol, Request, Update, mtls_protocols, pki,
};
use tokio::task::JoinHandle;

use super::{
    rules::{Mode, Observed},
    steps::{Fate, ORIGINS_OWN, Settings, Step, UNKNOWN},
};
use crate::common::{DER, SHA256, carries_certificate};

/// Path and certificate of each request that has passed the filter, logged at its end, however it
/// ended.
const LOG: &str = "request %REQ(:PATH)% carried %REQ(CF-CLIENT-CERT-SHA256)%";

/// Envoy and origin.
pub(crate) struct World {
    pub(crate) origin: Origin,
    pub(crate) envoy: Envoy,
    /// Its requests show which settings are in force.
    control: Client,
    settings: Settings,
    reloads: usize,
    connections: usize,
    sent: Vec<Sent>,
}

/// A connection, and another when that one has failed.
struct Slot {
    protocol: Protocol,
    identity: &'static Identity,
    connection: usize,
    client: Arc<Client>,
    failed: Arc<AtomicBool>,
}

/// A request that was sent.
struct Sent {
    sequence: usize,
    path: String,
    connection: usize,
    identity: &'static Identity,
    setting: Option<(&'static str, Mode)>,
    course: Course,
}

enum Course {
    UnderWay(JoinHandle<Seen>),
    Over(Seen),
}

/// The client's observation.
#[derive(Clone, Copy)]
struct Seen {
    sent: Instant,
    /// When it had the head of an answer.
    head: Option<Instant>,
    /// Whether that was the origin's.
    of_origin: bool,
}

impl World {
    pub(crate) async fn start() -> World {
        let origin = Origin::start().await;
        // Early answers don't wait for it.
        origin.release();
        let settings = Settings::draw(&mut Rng::with_seed(0));
        let listener = Listener::strict()
            .every_mtls_protocol()
            .access_log(LOG)
            // An HTTP/1.1 connection whose response breaks off is closed at once, not after a
            // second.
            .connection_manager("delayed_close_timeout", json!("0.01s"));
        let envoy = Envoy::with_filter(settings.to_json(&sentinel(0)))
            .discovered()
            .listener(listener)
            .start(&origin)
            .await;
        let control = Client::http2(&envoy).with(&pki().client).connect().await;
        World {
            origin,
            envoy,
            control,
            settings,
            reloads: 0,
            connections: 0,
            sent: Vec::new(),
        }
    }

    /// Two connections of each protocol with different certificates, and that many steps on them.
    pub(crate) async fn run(&mut self, sequence: usize, seed: u64, steps: usize) {
        let mut rng = Rng::with_seed(seed);
        self.reload(&mut rng, &[]).await;
        let mut slots = Vec::new();
        for &protocol in mtls_protocols() {
            for identity in [&pki().client, &pki().other_client] {
                slots.push(self.connect(protocol, identity).await);
            }
        }
        for _ in 0..steps {
            match Step::draw(&mut rng, slots.len()) {
                Step::Reload => self.reload(&mut rng, &slots).await,
                Step::Settle => self.settle().await,
                Step::Send {
                    slot,
                    hostname,
                    fate,
                    wait,
                } => {
                    if slots[slot].failed.load(Ordering::Acquire) {
                        let (protocol, identity) = (slots[slot].protocol, slots[slot].identity);
                        slots[slot] = self.connect(protocol, identity).await;
                    }
                    self.send(sequence, &slots[slot], hostname, fate);
                    if wait {
                        self.sent.last_mut().expect("just sent").end().await;
                    }
                }
            }
        }
        self.settle().await;
    }

    async fn connect(&mut self, protocol: Protocol, identity: &'static Identity) -> Slot {
        let client = Client::over(protocol, &self.envoy).with(identity);
        self.connections += 1;
        Slot {
            protocol,
            identity,
            connection: self.connections,
            client: Arc::new(client.connect().await),
            failed: Arc::default(),
        }
    }

    fn send(&mut self, sequence: usize, slot: &Slot, hostname: &str, fate: Fate) {
        let path = fate.path(self.sent.len());
        self.origin.answer(&path, fate.answers());
        let request = fate.request(hostname, &path);
        let (client, failed) = (Arc::clone(&slot.client), Arc::clone(&slot.failed));
        let protocol = slot.protocol;
        let task = tokio::spawn(async move {
            let sent = Instant::now();
            let begun = tokio::time::timeout(fate.patience(), client.begin(request)).await;
            let Ok(Ok(exchange)) = begun else {
                // A cancelled stream leaves its connection to the others, except over HTTP/1.1.
                if protocol == Protocol::Http1 || begun.is_ok() {
                    failed.store(true, Ordering::Release);
                }
                return Seen {
                    sent,
                    head: None,
                    of_origin: false,
                };
            };
            let seen = Seen {
                sent,
                head: Some(Instant::now()),
                of_origin: exchange.headers.header(ORIGINS_OWN).is_some(),
            };
            if exchange.finish().await.is_err() && protocol == Protocol::Http1 {
                failed.store(true, Ordering::Release);
            }
            seen
        });
        self.sent.push(Sent {
            sequence,
            path,
            connection: slot.connection,
            identity: slot.identity,
            setting: self.settings.of(hostname),
            course: Course::UnderWay(task),
        });
    }

    async fn settle(&mut self) {
        for sent in &mut self.sent {
            sent.end().await;
        }
    }

    /// Gives Envoy other settings. No request enters meanwhile, so that the settings of each are
    /// known; requests in progress go on.
    async fn reload(&mut self, rng: &mut Rng, slots: &[Slot]) {
        let entered = |sent: &Sent| match &sent.course {
            Course::UnderWay(task) => task.is_finished() || self.origin.has_seen(&sent.path),
            Course::Over(_) => true,
        };
        while !self.sent.iter().all(entered) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // A cancelled request may still be on its way: it comes before this one.
        for slot in slots.iter().filter(|slot| slot.protocol != Protocol::Http1) {
            let fence = Request::get(UNKNOWN, "/fence");
            let _ = slot.client.try_send(fence).await;
        }
        self.reloads += 1;
        self.settings = Settings::draw(rng);
        let sentinel = sentinel(self.reloads);
        let update = self
            .envoy
            .update_config(&self.settings.to_json(&sentinel))
            .await;
        assert_eq!(update, Update::Accepted);
        // Envoy counts an update before its worker has it.
        let path = format!("/control/{}", self.reloads);
        loop {
            self.control.get(&sentinel, &path).await;
            let requests = self.origin.requests_for(&path);
            if requests.last().is_some_and(carries_certificate) {
                return;
            }
        }
    }

    /// Returns the observations of each request that has entered, by sequence, and the errors in
    /// the certificates themselves.
    pub(crate) async fn observations(&mut self) -> (HashMap<usize, Vec<Observed>>, Vec<String>) {
        self.settle().await;
        let log = self.complete_log().await;
        let end = Instant::now();
        let mut attempts: HashMap<String, Vec<_>> = HashMap::new();
        for request in self.origin.requests() {
            attempts
                .entry(request.path.clone())
                .or_default()
                .push(request);
        }
        let (mut observed, mut wrong) = (HashMap::<usize, Vec<_>>::new(), Vec::new());
        for (number, sent) in self.sent.iter().enumerate() {
            let Some(logged) = log.get(&sent.path) else {
                continue;
            };
            let attempts = attempts.get(&sent.path).map_or(&[][..], Vec::as_slice);
            let (hash, der) = (sent.identity.sha256(), sent.identity.der_base64());
            let carried = logged != "-";
            let (hashes, ders): (&[&[u8]], &[&[u8]]) = match carried {
                true => (&[hash.as_bytes()], &[der.as_bytes()]),
                false => (&[], &[]),
            };
            let as_logged = |request: &support::origin::Recorded| {
                request.headers.all(SHA256) == hashes && request.headers.all(DER) == ders
            };
            if (carried && *logged != hash) || !attempts.iter().all(as_logged) {
                wrong.push(format!(
                    "request {number} on connection {} has not its own certificate, or not in all attempts: {attempts:#?}",
                    sent.connection
                ));
            }
            let seen = sent.seen();
            observed.entry(sent.sequence).or_default().push(Observed {
                number,
                connection: sent.connection,
                setting: sent.setting,
                sent: seen.sent,
                entered: attempts
                    .first()
                    .map(|request| request.arrived)
                    .or(seen.head)
                    .unwrap_or(end),
                answered: attempts.last().and_then(|request| request.answered),
                received: seen.head.filter(|_| seen.of_origin),
                carried,
            });
        }
        (observed, wrong)
    }

    /// The certificate's hash, or `-`, by path, for all requests that have reached the origin or
    /// got an answer.
    async fn complete_log(&self) -> HashMap<String, String> {
        let is_to_come =
            |sent: &&Sent| sent.seen().head.is_some() || self.origin.has_seen(&sent.path);
        let to_come: Vec<&Sent> = self.sent.iter().filter(is_to_come).collect();
        for _ in 0..250 {
            let text = self.envoy.log();
            let log: HashMap<String, String> = text
                .lines()
                .filter_map(|line| {
                    let (path, hash) = line.strip_prefix("request ")?.split_once(" carried ")?;
                    Some((path.to_owned(), hash.to_owned()))
                })
                .collect();
            if to_come.iter().all(|sent| log.contains_key(&sent.path)) {
                return log;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("Envoy's access log was not complete within 5 s");
    }
}

impl Sent {
    async fn end(&mut self) {
        if let Course::UnderWay(task) = &mut self.course {
            self.course = Course::Over(task.await.expect("a task that does not panic"));
        }
    }

    fn seen(&self) -> Seen {
        match self.course {
            Course::Over(seen) => seen,
            Course::UnderWay(_) => panic!("{} is still under way", self.path),
        }
    }
}

/// A hostname that only the configuration of that number has.
fn sentinel(number: usize) -> String {
    format!("configuration-{number}.test")
}
