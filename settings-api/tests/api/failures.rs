//! Parts of a fleet that fail: a replica, its connections, the database, the database's machine.
//! No 202 is lost, no Envoy loses its configuration, and all heals without a hand.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::fixtures::forward;
use crate::postgres::{cluster, replicas};
use crate::program::{Answer, Program};
use crate::simulated::{Subscriber, WAYS, channel};

const NAME: &str = "client_cert_forwarder";
const ENVOYS: usize = 30;

/// The longest time that the fleet may take to heal.
const HEALING: Duration = Duration::from_secs(20);

/// Hostnames, as the last update of an Envoy has them.
type Seen = Arc<Mutex<BTreeSet<String>>>;

/// Keeps one Envoy subscribed, at the next replica when a stream ends.
fn envoy(number: usize, addresses: Vec<SocketAddr>) -> (Seen, JoinHandle<()>) {
    let seen = Seen::default();
    let latest = Arc::clone(&seen);
    let task = tokio::spawn(async move {
        let node = format!("envoy-{number}");
        for turn in number.. {
            let address = addresses[turn % addresses.len()];
            if tokio::net::TcpStream::connect(address).await.is_ok() {
                let connection = channel(address).await;
                let way = WAYS[number % WAYS.len()];
                let mut one = Subscriber::subscribe(connection, way, &node, &[NAME], &[]).await;
                while let Some(update) = one.receive().await {
                    one.answer(&update, &[NAME], None).await;
                    let hostnames = update.hostnames().into_iter().map(str::to_owned).collect();
                    *latest.lock().expect("a set") = hostnames;
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    (seen, task)
}

/// Repeats a PUT until it is answered 202.
async fn put_until_accepted(program: &Program, hostname: &str) {
    let start = Instant::now();
    loop {
        let answer: Answer = program.put(json!([forward(hostname)])).await;
        if answer.status == 202 {
            return;
        }
        assert_eq!(answer.status, 503, "{answer:?}");
        assert!(start.elapsed() < HEALING, "{answer:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Waits until every replica and every Envoy has exactly these hostnames, and says so.
async fn wait_until_all_have(wanted: &BTreeSet<String>, programs: &[Program], envoys: &[Seen]) {
    let start = Instant::now();
    loop {
        let mut missing = Vec::new();
        for program in programs {
            let answer = program.get().await;
            let found: BTreeSet<String> =
                answer.hostnames().into_iter().map(str::to_owned).collect();
            if found != *wanted {
                missing.push(format!("{}: {found:?}", program.api()));
            }
            let is_told = |status: &Value| status["accepted"] == envoys.len();
            let status = program.status().await;
            if !is_told(&status) {
                missing.push(format!(
                    "{}: {} accepted",
                    program.api(),
                    status["accepted"]
                ));
            }
        }
        for (number, envoy) in envoys.iter().enumerate() {
            if *envoy.lock().expect("a set") != *wanted {
                missing.push(format!("envoy-{number}"));
            }
        }
        if missing.is_empty() {
            println!(
                "all have {} hostnames after {:?}",
                wanted.len(),
                start.elapsed()
            );
            return;
        }
        assert!(start.elapsed() < HEALING, "{missing:#?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleet_outlives_a_killed_replica_cut_connections_and_a_stopped_database() {
    let Some(mut cluster) = cluster() else { return };
    let mut replicas: [Program; 3] = replicas(&cluster.create_database());
    let addresses: Vec<_> = replicas.iter().map(Program::xds).collect();
    let envoys: Vec<_> = (0..ENVOYS)
        .map(|number| envoy(number, addresses.clone()))
        .collect();
    let seen: Vec<Seen> = envoys.iter().map(|(seen, _)| Arc::clone(seen)).collect();
    let mut wanted = BTreeSet::from(["before.example.com".to_owned()]);
    put_until_accepted(&replicas[0], "before.example.com").await;
    wait_until_all_have(&wanted, &replicas, &seen).await;

    replicas[1].kill();
    put_until_accepted(&replicas[0], "killed.example.com").await;
    wanted.insert("killed.example.com".into());
    wait_until_all_have(&wanted, &replicas[..1], &seen).await;
    replicas[1].run();
    wait_until_all_have(&wanted, &replicas, &seen).await;

    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE application_name = 'settings-api'";
    assert!(cluster.psql("postgres", cut));
    put_until_accepted(&replicas[1], "cut.example.com").await;
    wanted.insert("cut.example.com".into());
    wait_until_all_have(&wanted, &replicas, &seen).await;

    cluster.stop();
    let answer = replicas[2]
        .put(json!([forward("stopped.example.com")]))
        .await;
    assert_eq!(answer.status, 503, "{answer:?}");
    for envoy in &seen {
        assert_eq!(*envoy.lock().expect("a set"), wanted);
    }
    cluster.run();
    put_until_accepted(&replicas[2], "stopped.example.com").await;
    wanted.insert("stopped.example.com".into());
    wait_until_all_have(&wanted, &replicas, &seen).await;
    for (_, task) in envoys {
        task.abort();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleet_follows_its_database_to_a_promoted_standby() {
    let Some(mut primary) = cluster() else { return };
    let url = primary.create_database();
    let standby = primary.standby();
    let both = format!("{},{}", primary.address(), standby.address());
    let url = url.replace(&primary.address(), &both) + "?target_session_attrs=read-write";
    let replicas: [Program; 2] = replicas(&url);
    let addresses: Vec<_> = replicas.iter().map(Program::xds).collect();
    let envoys: Vec<_> = (0..4)
        .map(|number| envoy(number, addresses.clone()))
        .collect();
    let seen: Vec<Seen> = envoys.iter().map(|(seen, _)| Arc::clone(seen)).collect();
    let mut wanted = BTreeSet::new();
    for number in 0..5 {
        let hostname = format!("h{number}.example.com");
        put_until_accepted(&replicas[number % 2], &hostname).await;
        wanted.insert(hostname);
    }
    // The last 202 may be the last thing that the primary does.
    primary.stop();
    let answer = replicas[0].put(json!([forward("lost.example.com")])).await;
    assert_eq!(answer.status, 503, "{answer:?}");
    // An Envoy of the other replica may lack the last change, but none loses what it has.
    for envoy in &seen {
        assert!(envoy.lock().expect("a set").len() >= 3);
    }
    standby.promote();
    put_until_accepted(&replicas[1], "promoted.example.com").await;
    wanted.insert("promoted.example.com".into());
    wait_until_all_have(&wanted, &replicas, &seen).await;
    for (_, task) in envoys {
        task.abort();
    }
}
