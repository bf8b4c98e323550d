//! Whatever names a client makes up, no origin takes them for the filter's (contract §4.1):
//! generated requests over each protocol, judged by the variable names of origins.
//!
//! `SPOOFING_REQUESTS` sets the number per protocol; `SPOOFING_SEED` repeats a run.

mod generator;
mod origins;
mod wire;

use std::collections::{BTreeSet, HashMap};

use fastrand::Rng;
use generator::{Case, MARKER, Oddity};
use origins::Managed;
use serde_json::{Value, json};
use support::{
    Envoy, Identity, Listener, Origin, PROTOCOLS, Protocol, Scene, mtls_protocols,
    origin::Recorded, pki, random,
};
use wire::Sender;

use crate::common::{DER, HOST, SHA256, configuration, forward, forward_every, is_managed};

/// Requests per protocol, spread over the configurations.
const REQUESTS: usize = 2_001;
const CONFIGURATIONS: usize = 3;
/// A hostname without setting.
const UNKNOWN: &str = "unknown.example.org";

/// Names for `request_headers`; the fields that they carry don't matter here.
const CONFIGURED: [&str; 8] = [
    "Client-Cert",
    "Client-Cert-Chain",
    "X-Cert-Serial",
    "x_ssl.client-verify",
    "SSL_CLIENT_CERT",
    "x-amzn-mtls-clientcert-leaf",
    "X",
    "-x!cert-",
];

struct Setup {
    configuration: Value,
    /// Whether every request for [`HOST`] carries the connection's certificate, or only the first.
    every_request: bool,
    managed: Managed,
}

impl Setup {
    fn draw(rng: &mut Rng) -> Setup {
        let mut headers = serde_json::Map::new();
        let mut names: Vec<String> = CONFIGURED
            .iter()
            .filter(|_| rng.bool())
            .map(|name| (*name).to_owned())
            .collect();
        names.push(format!("x{}", generator::token(rng, 3..12)));
        let has = |wanted: &str| names.iter().any(|name| name == wanted);
        // RFC 9440 §2.3: no chain without its leaf.
        if has("Client-Cert-Chain") && !has("Client-Cert") {
            names.push("Client-Cert".to_owned());
        }
        for name in &names {
            headers.insert(name.clone(), json!("certNotBefore"));
        }
        // RFC 9440's two are managed together.
        if names.iter().any(|name| name.starts_with("Client-Cert")) {
            names.extend(["client-cert".to_owned(), "client-cert-chain".to_owned()]);
        }
        // A setting of another hostname: its headers are managed for all hostnames.
        let sender = json!({ "hostname": "other.example.com", "request_headers": headers });
        let names = names.iter().map(|name| name.to_ascii_lowercase());
        let every_request = rng.bool();
        let forwarder = match every_request {
            true => forward_every(HOST),
            false => forward(HOST),
        };
        Setup {
            configuration: configuration(vec![forwarder, sender]),
            every_request,
            managed: Managed::new(names.collect()),
        }
    }

    async fn scene(&self) -> Scene {
        let takes_http10 = json!({ "accept_http_10": true, "enable_trailers": true });
        // A malformed request ends its stream alone, so that a connection lasts for more than one.
        let lasting = json!({ "override_stream_error_on_invalid_http_message": true });
        let set_up = |listener: Listener| {
            listener
                .connection_manager("http_protocol_options", takes_http10.clone())
                .connection_manager("http2_protocol_options", lasting.clone())
                .connection_manager("http3_protocol_options", lasting.clone())
        };
        Envoy::with_filter(self.configuration.clone())
            .listener(set_up(Listener::optional()).http3())
            .listener(set_up(Listener::plaintext().named("plain")))
            .scene_with(Origin::start_lenient().await)
            .await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_generated_request_makes_an_origin_take_the_client_for_the_filter() {
    let seed = random::seed("SPOOFING_SEED");
    let requests = random::size("SPOOFING_REQUESTS", REQUESTS);
    println!("SPOOFING_SEED={seed} SPOOFING_REQUESTS={requests}");
    let mut rng = Rng::with_seed(seed);
    for _ in 0..CONFIGURATIONS {
        let setup = Setup::draw(&mut rng);
        let scene = setup.scene().await;
        let [http1, http2, http3] = PROTOCOLS.map(|protocol| {
            let count = requests.div_ceil(CONFIGURATIONS);
            send_all(&scene.envoy, &setup.managed, protocol, rng.u64(..), count)
        });
        let (http1, http2, http3) = tokio::join!(http1, http2, http3);
        let mut received: HashMap<String, Recorded> = HashMap::new();
        for request in scene.origin.requests() {
            let path = request.path.clone();
            let twice = received.insert(path, request);
            assert!(twice.is_none(), "one request became two: {twice:#?}");
        }
        let mut valid = 0;
        for sent in http1.iter().chain(&http2).chain(&http3) {
            let request = received.remove(&sent.path);
            valid += usize::from(sent.case.is_valid(sent.protocol));
            let wrong = sent.judge(request.as_ref(), &setup);
            assert!(
                wrong.is_empty(),
                "{wrong:#?}\nsent: {sent:#?}\nconfiguration: {:#}\nreceived: {request:#?}",
                setup.configuration
            );
        }
        assert!(received.is_empty(), "nobody sent these: {received:#?}");
        assert!(valid > requests / 2, "{valid} valid requests only");
        assert_eq!(scene.envoy.vm_reloads().await, 0);
    }
}

/// A request that was sent.
#[derive(Debug)]
struct Sent {
    protocol: Protocol,
    path: String,
    case: Case,
    status: Option<u16>,
    /// The only certificate that the origin may see: that of the connection, where the hostname has
    /// a setting.
    carries: Option<String>,
}

async fn send_all(
    envoy: &Envoy,
    managed: &Managed,
    protocol: Protocol,
    seed: u64,
    count: usize,
) -> Vec<Sent> {
    let mut rng = Rng::with_seed(seed);
    let identity: Option<&Identity> = mtls_protocols()
        .contains(&protocol)
        .then_some(&pki().client);
    let mut mutual = Sender::new(envoy, protocol, "main", identity);
    let mut plain = Sender::new(envoy, protocol, "plain", None);
    let mut all = Vec::with_capacity(count);
    for number in 0..count {
        let case = Case::draw(rng.u64(..), protocol, managed);
        let authority = if rng.bool() { HOST } else { UNKNOWN };
        let path = format!("/{protocol:?}/{number}");
        let encrypted = protocol == Protocol::Http3 || rng.u8(0..4) == 0;
        let sender = if encrypted { &mut mutual } else { &mut plain };
        let status = sender.send(&case, authority, &path).await;
        let identity = identity.filter(|_| encrypted && authority == HOST);
        all.push(Sent {
            protocol,
            path,
            case,
            status,
            carries: identity.map(Identity::sha256),
        });
    }
    all
}

impl Sent {
    /// The errors in the request at the origin.
    fn judge(&self, received: Option<&Recorded>, setup: &Setup) -> Vec<String> {
        let Some(received) = received else {
            return match self.case.is_valid(self.protocol) {
                true => vec!["a valid request did not arrive".to_owned()],
                false => Vec::new(),
            };
        };
        let managed = &setup.managed;
        let mut wrong = Vec::new();
        let parts = [&received.headers, &received.trailers];
        for (name, value) in parts.iter().flat_map(|headers| &headers.0) {
            if !contains(value, MARKER.as_bytes()) {
                continue;
            }
            if let Some((origins, variable)) = managed.taken_for_managed(name) {
                wrong.push(format!("{name:?} is {variable} for {origins}"));
            }
        }
        let hash: Vec<&[u8]> = self.carries.iter().map(|hash| hash.as_bytes()).collect();
        let hashes = received.headers.all(SHA256);
        let not_now = hashes.is_empty() && !setup.every_request;
        if (hashes != hash && !not_now) || received.headers.all(DER).len() != hashes.len() {
            wrong.push("not the certificate of the connection".to_owned());
        }
        if self.case.is_valid(self.protocol) {
            if self.status != Some(200) {
                wrong.push("a valid request was not answered with 200".to_owned());
            }
            for (sent, received) in [
                (&self.case.fields, &received.headers),
                (&self.case.trailers, &received.trailers),
            ] {
                for (name, value) in sent {
                    let name = name.to_ascii_lowercase();
                    let arrived = received.all(&name).contains(&value.as_bytes());
                    let is_managed = managed.are_words_of(&name);
                    if arrived == is_managed && name != "connection" {
                        wrong.push(format!("{name:?}: managed {is_managed}, arrived {arrived}"));
                    }
                }
            }
        }
        wrong
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// Names that people use, and that only begin or end like managed ones.
const OTHERS: [&str; 16] = [
    "cf-client-cert",
    "cf-client-certificate",
    "cf-client-certificates-x",
    "cf-clientcert-sha256",
    "cf-cert",
    "cf-certs",
    "cf-certs-x",
    "cf-certificate-x",
    "cf-connecting-ip",
    "cf-ray",
    "cf-ipcountry",
    "x-cf-cert-verified",
    "http-cf-cert-verified",
    "cf--cert-verified",
    "client-cert-sha256",
    "cert-verified",
];

#[tokio::test]
async fn names_one_letter_away_from_a_managed_one_arrive_unchanged() {
    let setup = Setup {
        configuration: json!({ "settings": [] }),
        every_request: false,
        managed: Managed::new(Vec::new()),
    };
    let scene = setup.scene().await;
    let names: Vec<String> = neighbours().into_iter().collect();
    assert!(names.len() > 1_500, "{} names", names.len());
    for protocol in PROTOCOLS {
        let mut sender = Sender::new(&scene.envoy, protocol, "main", None);
        for (number, names) in names.chunks(300).enumerate() {
            let case = Case {
                oddity: Oddity::Many,
                seed: number as u64,
                fields: names
                    .iter()
                    .map(|name| (name.clone(), format!("value of {name}")))
                    .collect(),
                trailers: Vec::new(),
            };
            let path = format!("/{protocol:?}/{number}");
            assert_eq!(sender.send(&case, HOST, &path).await, Some(200));
            let received = scene.origin.last_request();
            for (name, value) in &case.fields {
                assert_eq!(
                    received.headers.all(name),
                    [value.as_bytes()],
                    "{protocol:?}, {name}"
                );
            }
        }
    }
    assert_eq!(scene.envoy.outcomes().await, []);
}

/// [`OTHERS`], and every name that differs from a family's by one letter and that no origin takes
/// for one of it.
fn neighbours() -> BTreeSet<String> {
    const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
    let mut names: BTreeSet<String> = OTHERS.iter().map(|name| (*name).to_owned()).collect();
    for family in origins::FAMILIES {
        for at in 0..family.len() {
            let (before, rest) = family.split_at(at);
            names.insert(format!("{before}{}x", &rest[1..]));
            for letter in LETTERS.chars() {
                names.insert(format!("{before}{letter}{rest}x"));
                names.insert(format!("{before}{letter}{}x", &rest[1..]));
            }
        }
    }
    names.retain(|name| !is_managed(name));
    names
}
