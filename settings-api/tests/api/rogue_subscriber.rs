//! A subscriber that means harm: the others and the operator's view of them stay as they are.

use std::time::Duration;

use envoy_types::pb::envoy::config::core::v3::Node;
use envoy_types::pb::envoy::service::discovery::v3::{DeltaDiscoveryRequest, DiscoveryRequest};
use envoy_types::pb::google::rpc::Status;
use serde_json::{Value, json};

use crate::fixtures::{client, forward};
use crate::program::Program;
use crate::simulated::{Subscriber, WAYS, Way, channel};

const NAME: &str = "client_cert_forwarder";

/// Rounds in which each rogue subscribes again and refuses the answer.
const ROUNDS: usize = 300;

fn unknown_names() -> Vec<String> {
    (0..3000).map(|number| format!("{number:0100}")).collect()
}

fn node() -> Option<Node> {
    Some(Node {
        id: "\x1b[31mrogue\r\n".repeat(10_000),
        cluster: "c".repeat(100_000),
        ..Node::default()
    })
}

/// A NACK with a megabyte of line ends and escape sequences.
fn nack() -> Option<Status> {
    Some(Status {
        code: 13,
        message: "\r\n\x1b[2Jforged line".repeat(50_000),
        ..Status::default()
    })
}

/// Subscribes to everything in the name of a huge node.
async fn subscribe(subscriber: &Subscriber) {
    let names: Vec<String> = unknown_names()
        .into_iter()
        .chain([NAME.to_owned()])
        .collect();
    match subscriber {
        Subscriber::Sotw(sender, _) => {
            let request = DiscoveryRequest {
                node: node(),
                // The known one first: there is a limit.
                resource_names: names.into_iter().rev().collect(),
                ..DiscoveryRequest::default()
            };
            sender.send(request).await.expect("an open stream");
        }
        Subscriber::Delta(sender, _) => {
            let request = DeltaDiscoveryRequest {
                node: node(),
                resource_names_subscribe: names.into_iter().rev().collect(),
                ..DeltaDiscoveryRequest::default()
            };
            sender.send(request).await.expect("an open stream");
        }
    }
}

/// Answers a response that was never sent, and then refuses all that were.
async fn answer(subscriber: &Subscriber, nonce: &str, error_detail: Option<Status>) -> bool {
    match subscriber {
        Subscriber::Sotw(sender, _) => {
            let request = DiscoveryRequest {
                version_info: "unknown".into(),
                response_nonce: nonce.into(),
                // Without a name first, so that it is sent again.
                resource_names: if nonce.is_empty() {
                    vec![]
                } else {
                    vec![NAME.into()]
                },
                error_detail,
                ..DiscoveryRequest::default()
            };
            sender.send(request).await.is_ok()
        }
        Subscriber::Delta(sender, _) => {
            let request = DeltaDiscoveryRequest {
                response_nonce: nonce.into(),
                resource_names_subscribe: vec![NAME.into(), "unknown".into()],
                error_detail,
                ..DeltaDiscoveryRequest::default()
            };
            sender.send(request).await.is_ok()
        }
    }
}

/// Reads what comes and throws it away, as long as the stream lasts.
async fn harm(mut subscriber: Subscriber) {
    subscribe(&subscriber).await;
    for nonce in ["0", "999999", "unknown"] {
        answer(&subscriber, nonce, None).await;
        answer(&subscriber, nonce, nack()).await;
    }
    for round in 0..ROUNDS {
        let _ = tokio::time::timeout(Duration::from_millis(5), subscriber.receive()).await;
        let reason = Some(Status {
            code: 13,
            message: format!("no\n{round}"),
            ..Status::default()
        });
        let answered = answer(&subscriber, &round.to_string(), reason).await;
        if !(answered && answer(&subscriber, "", nack().filter(|_| round == 0)).await) {
            return;
        }
    }
    // It stays, and never reads again.
    std::future::pending::<()>().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscriber_that_refuses_everything_disturbs_nobody_else() {
    let program = Program::start();
    program.put(json!([forward("a.example.com")])).await;
    let connection = channel(program.xds()).await;
    let mut good = Vec::new();
    for way in WAYS {
        let mut subscriber =
            Subscriber::subscribe(connection.clone(), way, "good", &[NAME], &[]).await;
        let update = subscriber.next().await;
        subscriber.answer(&update, &[NAME], None).await;
        good.push(subscriber);
    }
    let mut rogues = tokio::task::JoinSet::new();
    for way in WAYS {
        let subscriber = Subscriber::open(channel(program.xds()).await, way).await;
        rogues.spawn(harm(subscriber));
    }
    for round in 0..20 {
        let hostname = format!("h{round}.example.com");
        assert_eq!(program.put(json!([forward(&hostname)])).await.status, 202);
        for subscriber in &mut good {
            let update = subscriber.next().await;
            assert!(update.hostnames().contains(&&*hostname), "{hostname}");
            subscriber.answer(&update, &[NAME], None).await;
        }
    }
    program
        .wait_for_status(|status| status["accepted"] == WAYS.len())
        .await;
    let way = Way {
        aggregated: false,
        delta: true,
    };
    let mut newcomer = Subscriber::subscribe(connection, way, "newcomer", &[NAME], &[]).await;
    assert_eq!(newcomer.next().await.hostnames().len(), 21);

    let status = program.status().await;
    assert!(
        status.to_string().len() < 64 * 1024,
        "{} bytes",
        status.to_string().len()
    );
    let shown = status["subscribers"].as_array().expect("subscribers");
    let texts = shown
        .iter()
        .flat_map(|subscriber| ["node", "cluster", "error"].map(|key| &subscriber[key]));
    for text in texts.filter_map(Value::as_str) {
        assert!(
            text.len() < 3000 && !text.contains(char::is_control),
            "{text:?}"
        );
    }
    let log = program.log();
    println!("{} lines, {} bytes of log", log.lines().count(), log.len());
    assert!(log.len() < 2 << 20, "{} bytes of log", log.len());
    assert!(log.lines().count() < 1200, "{} lines", log.lines().count());
    let is_control = |character: char| character.is_control() && character != '\n';
    assert!(!log.contains(is_control) && !log.contains("\nforged line"));
    let health = client()
        .get(program.url_of("/healthz"))
        .send()
        .await
        .expect("an answer");
    assert_eq!(health.status().as_u16(), 200);
}
