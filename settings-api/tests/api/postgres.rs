//! Replicas on one PostgreSQL database.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::json;
use support::pki;

use crate::cluster::Cluster;
use crate::fixtures::{base, client, forward};
use crate::program::Program;
use crate::simulated::{Subscriber, WAYS, channel};

const NAME: &str = "client_cert_forwarder";

/// Starts replicas with the tokens of the first on a database of its own.
pub(crate) fn replicas<const COUNT: usize>(url: &str) -> [Program; COUNT] {
    let mut first: Option<(Vec<u8>, Vec<u8>, String)> = None;
    std::array::from_fn(|_| {
        let mut replica = Program::stopped(base(), &["--requests-per-second", "100000"]);
        replica.database = url.to_owned();
        let files = ["tokens.json", "tokens.json.key"];
        match &first {
            None => {
                let [tokens, key] =
                    files.map(|name| std::fs::read(replica.path(name)).expect(name));
                first = Some((tokens, key, replica.token.clone()));
            }
            Some((tokens, key, token)) => {
                replica.write(files[0], tokens);
                replica.write(files[1], key);
                replica.token.clone_from(token);
            }
        }
        replica.run();
        replica
    })
}

/// A cluster of a test's own; none, with a word, if PostgreSQL isn't installed.
pub(crate) fn cluster() -> Option<Cluster> {
    let cluster = Cluster::start();
    if cluster.is_none() {
        println!("not run: PostgreSQL is not installed (make peers)");
    }
    cluster
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_put_at_one_replica_reaches_the_envoys_of_all_within_a_second() {
    let Some(cluster) = cluster() else { return };
    let replicas: [Program; 3] = replicas(&cluster.create_database());
    let mut subscribers = Vec::new();
    for replica in &replicas {
        let connection = channel(replica.xds()).await;
        let mut one = Subscriber::subscribe(connection, WAYS[1], "one", &[NAME], &[]).await;
        assert_eq!(one.next().await.hostnames().len(), 0);
        subscribers.push(one);
    }
    let mut slowest = Duration::ZERO;
    for round in 0..6 {
        let hostname = format!("h{round}.example.com");
        let start = Instant::now();
        let answer = replicas[round % 3].put(json!([forward(&hostname)])).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        for subscriber in &mut subscribers {
            assert_eq!(subscriber.next().await.hostnames().len(), round + 1);
        }
        slowest = slowest.max(start.elapsed());
        let versions: BTreeSet<String> = [
            replicas[0].status().await["version"].to_string(),
            replicas[1].status().await["version"].to_string(),
            replicas[2].status().await["version"].to_string(),
        ]
        .into();
        assert_eq!(versions.len(), 1, "{versions:?}");
    }
    println!("slowest of 6 changes at 3 replicas: {slowest:?}");
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    // An Envoy that moves to another replica is sent nothing new.
    let version = replicas[0].status().await["version"]
        .as_str()
        .map(str::to_owned);
    let connection = channel(replicas[1].xds()).await;
    let has = [(NAME, version.as_deref().expect("a version"))];
    let mut moved = Subscriber::subscribe(connection, WAYS[1], "moved", &[NAME], &has).await;
    moved.nothing_comes().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_replica_shows_the_envoys_of_all_and_forgets_those_of_a_dead_one() {
    let Some(cluster) = cluster() else { return };
    let mut replicas: [Program; 3] = replicas(&cluster.create_database());
    let mut subscribers = Vec::new();
    for (number, replica) in replicas.iter().enumerate() {
        let connection = channel(replica.xds()).await;
        let node = format!("envoy-{number}");
        let mut one = Subscriber::subscribe(connection, WAYS[number], &node, &[NAME], &[]).await;
        let update = one.next().await;
        let refusal = (number == 2).then_some("no such module");
        one.answer(&update, &[NAME], refusal).await;
        subscribers.push(one);
    }
    let nodes = |status: &serde_json::Value| -> Vec<String> {
        let subscribers = status["subscribers"].as_array().expect("subscribers");
        let node = |one: &serde_json::Value| one["node"].as_str().expect("a node").to_owned();
        subscribers.iter().map(node).collect()
    };
    for replica in &replicas {
        let is_known = |status: &serde_json::Value| {
            (&status["accepted"], &status["rejected"]) == (&json!(2), &json!(1))
        };
        let status = replica.wait_for_status(is_known).await;
        assert_eq!(nodes(&status), ["envoy-0", "envoy-1", "envoy-2"]);
        let refusing = &status["subscribers"][2];
        assert_eq!(refusing["error"], "no such module");
        let names = status["subscribers"]
            .as_array()
            .expect("subscribers")
            .iter();
        let names: BTreeSet<&str> = names
            .map(|one| one["replica"].as_str().expect("a name"))
            .collect();
        assert_eq!(names.len(), 3, "{status:#}");
    }
    // One ends in good order, one doesn't.
    replicas[1].terminate();
    replicas[2].kill();
    let start = Instant::now();
    let status = replicas[0]
        .wait_for_status(|status| nodes(status) == ["envoy-0"])
        .await;
    println!("forgotten after {:?}", start.elapsed());
    assert_eq!(status["rejected"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_puts_at_three_replicas_lose_nothing() {
    let Some(cluster) = cluster() else { return };
    let replicas: [Program; 3] = replicas(&cluster.create_database());
    let writers: Vec<_> = (0..6)
        .map(|writer| {
            let replica = &replicas[writer % 3];
            let (url, token) = (replica.url(), replica.token.clone());
            tokio::spawn(async move {
                for number in 0..8 {
                    let hostname = format!("w{writer}-{number}.example.com");
                    let body = json!({ "settings": [forward(&hostname)] });
                    let request = client().put(&url).bearer_auth(&token).json(&body);
                    let response = request.send().await.expect("an answer");
                    assert_eq!(response.status(), 202);
                    let body: serde_json::Value = response.json().await.expect("JSON");
                    let result = body["result"].as_array().expect("a result");
                    assert!(
                        result
                            .iter()
                            .any(|entry| entry["hostname"] == json!(hostname))
                    );
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.expect("a writer");
    }
    let start = Instant::now();
    loop {
        let mut counts = Vec::new();
        for replica in &replicas {
            counts.push(replica.get().await.hostnames().len());
        }
        if counts == [48, 48, 48] {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(5), "{counts:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let audit = replicas[0]
        .get_at(&format!("{}/audit", replicas[0].url()))
        .await;
    assert_eq!(audit.body["result"].as_array().map(Vec::len), Some(48));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_without_its_database_serves_the_last_good_state_and_heals() {
    let Some(mut cluster) = cluster() else { return };
    let url = cluster.create_database();
    let [replica]: [Program; 1] = replicas(&url);
    replica.put(json!([forward("a.example.com")])).await;
    let reachable = "settings_api_store_reachable";
    assert_eq!(replica.metric(reachable).await, 1);
    cluster.stop();

    let answer = replica.put(json!([forward("b.example.com")])).await;
    assert_eq!((answer.status, answer.code()), (503, 10002), "{answer:?}");
    assert_eq!(replica.get().await.hostnames(), ["a.example.com"]);
    let connection = channel(replica.xds()).await;
    let mut newcomer = Subscriber::subscribe(connection, WAYS[0], "new", &[NAME], &[]).await;
    assert_eq!(newcomer.next().await.hostnames(), ["a.example.com"]);
    assert_eq!(replica.metric(reachable).await, 0);
    let readiness = client().get(replica.url_of("/readyz")).send().await;
    let readiness = readiness.expect("an answer").text().await.expect("text");
    assert!(readiness.starts_with("degraded"), "{readiness}");
    let status = replica.get_at(&format!("{}/status", replica.url())).await;
    assert_eq!(status.body["messages"][0]["code"], 10002, "{status:?}");

    cluster.run();
    let start = Instant::now();
    loop {
        let answer = replica.put(json!([forward("b.example.com")])).await;
        if answer.status == 202 {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "{answer:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(
        newcomer.next().await.hostnames(),
        ["a.example.com", "b.example.com"]
    );
    assert_eq!(replica.metric(reachable).await, 1);
}

#[test]
fn concurrent_starts_migrate_once_and_foreign_or_newer_schemas_are_refused() {
    let Some(cluster) = cluster() else { return };
    let url = cluster.create_database();
    let name = url.rsplit('/').next().expect("a name");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut replica = Program::stopped(base(), &[]);
                replica.database.clone_from(&url);
                replica.run();
            });
        }
    });
    let mut replica = Program::stopped(base(), &[]);
    replica.database.clone_from(&url);
    let newer = "INSERT INTO settings_api.migrations (version) VALUES (98), (99)";
    assert!(cluster.psql(name, newer));
    let error = replica.run_to_failure();
    assert!(error.contains("has schema version"), "{error}");
    let foreign = "DROP SCHEMA settings_api CASCADE; CREATE SCHEMA settings_api";
    assert!(cluster.psql(name, foreign));
    let error = replica.run_to_failure();
    assert!(error.contains("another program made"), "{error}");
}

#[test]
fn a_database_that_cannot_be_used_is_named_without_its_password() {
    let Some(cluster) = cluster() else { return };
    let url = cluster.create_database();
    let mut replica = Program::stopped(base(), &[]);
    let locked = "CREATE ROLE locked LOGIN PASSWORD 'secret' CONNECTION LIMIT 0";
    assert!(cluster.psql("postgres", locked));
    let with_password = url.replace("postgres@", "locked:secret@");
    for (database, expected) in [
        (
            "postgres://a:secret@127.0.0.1:1/x".to_owned(),
            "Connection refused",
        ),
        (with_password, "too many connections for role"),
        (format!("{url}_missing"), "does not exist"),
        (format!("{url}?sslmode=require"), "needs --database-ca"),
        (format!("{url}?secret=1"), "unknown option"),
    ] {
        replica.database = database;
        let error = replica.run_to_failure();
        assert!(error.contains(expected), "{}: {error}", replica.database);
        assert!(
            !error.contains("secret@") && !error.contains(":secret"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn with_a_ca_the_database_must_speak_tls_and_have_a_certificate_of_it() {
    let Some(mut cluster) = cluster() else { return };
    let url = cluster.create_database();
    let url = url.replace("127.0.0.1", "api.example.com") + "?hostaddr=127.0.0.1";
    let mut replica = Program::stopped(base(), &["--database-ca", "ca.pem"]);
    replica.database = url;
    replica.write("ca.pem", &pki().ca_pem);
    let error = replica.run_to_failure();
    assert!(error.contains("server does not support TLS"), "{error}");

    cluster.enable_tls(&pki().server.chain_pem(), &pki().server.key_pem());
    replica.run();
    assert_eq!(
        replica.put(json!([forward("a.example.com")])).await.status,
        202
    );
    let encrypted = "SELECT 1 / count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                     WHERE ssl AND application_name = 'settings-api'";
    assert!(cluster.psql("postgres", encrypted));
    replica.terminate();

    replica.write("ca.pem", pki().untrusted.chain_pem());
    let error = replica.run_to_failure();
    assert!(error.contains("invalid peer certificate"), "{error}");
    replica.write("ca.pem", "");
    let error = replica.run_to_failure();
    assert!(
        error.contains("--database-ca ca.pem: holds no certificate"),
        "{error}"
    );
}
