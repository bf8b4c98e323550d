//! Settings answered 202 survive any end of the program.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use crate::fixtures::{base, client, forward, remove};
use crate::program::Program;

/// A writer's certainties: by hostname, whether it must be stored. A lost answer leaves it open.
type Known = BTreeMap<String, bool>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_at_a_random_moment_loses_nothing_that_was_answered() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut program = Program::with(base(), &["--requests-per-second", "100000"]);
    let mut known = Known::new();
    let mut answered = 0;
    for round in 0..12 {
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                tokio::spawn(write_until_it_ends(
                    program.url(),
                    program.token.clone(),
                    format!("r{round}-w{writer}"),
                ))
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(random.u64(20..400))).await;
        program.kill();
        for writer in writers {
            let (outcome, answers) = writer.await.expect("a writer");
            known.extend(outcome);
            answered += answers;
        }
        program.run();
        let settings = program.get().await;
        let there: BTreeSet<_> = settings
            .hostnames()
            .into_iter()
            .map(str::to_owned)
            .collect();
        for (hostname, is_there) in &known {
            assert_eq!(
                there.contains(hostname),
                *is_there,
                "{hostname} in round {round}, seed {seed}"
            );
        }
    }
    println!(
        "{answered} answers over 12 kills, {} hostnames",
        known.len()
    );
    assert!(answered > 12, "{answered} answers");
}

/// Adds hostnames, and removes every third again, one request at a time, until there is no answer.
async fn write_until_it_ends(url: String, token: String, prefix: String) -> (Known, usize) {
    let client = reqwest::Client::new();
    let (mut known, mut answers) = (Known::new(), 0);
    for number in 0.. {
        let hostname = format!("{prefix}-{number}.example.com");
        let mut changes = vec![(hostname, true)];
        if number % 3 == 2 {
            changes.push((format!("{prefix}-{}.example.com", number - 1), false));
        }
        let settings: Vec<Value> = changes
            .iter()
            .map(|(hostname, add)| {
                if *add {
                    forward(hostname)
                } else {
                    remove(hostname)
                }
            })
            .collect();
        let sent = client
            .put(&url)
            .bearer_auth(&token)
            .json(&json!({ "settings": settings }))
            .send()
            .await;
        match sent {
            Ok(response) if response.status() == 202 => {
                answers += 1;
                known.extend(changes);
            }
            Ok(response) => panic!("{response:?}"),
            Err(_) => {
                for (hostname, _) in changes {
                    known.remove(&hostname);
                }
                break;
            }
        }
    }
    (known, answers)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_puts_are_made_one_after_the_other_and_none_is_lost() {
    let program = Program::with(
        base(),
        &["--requests-per-second", "100000", "--xds-directory", "xds"],
    );
    let writers: Vec<_> = (0..16)
        .map(|writer| {
            let (url, token) = (program.url(), program.token.clone());
            tokio::spawn(async move {
                let client = client();
                let mut lengths = Vec::new();
                for number in 0..8 {
                    let hostname = format!("w{writer}-{number}.example.com");
                    let body =
                        json!({ "settings": [forward(&hostname), forward("shared.example.com")] });
                    let response = client
                        .put(&url)
                        .bearer_auth(&token)
                        .json(&body)
                        .send()
                        .await
                        .expect("an answer");
                    assert_eq!(response.status(), 202);
                    let body: Value = response.json().await.expect("a JSON body");
                    let result = body["result"].as_array().expect("a result");
                    assert!(
                        result
                            .iter()
                            .any(|entry| entry["hostname"] == json!(hostname))
                    );
                    lengths.push(result.len());
                }
                lengths
            })
        })
        .collect();
    let mut lengths = Vec::new();
    for writer in writers {
        let of_writer = writer.await.expect("a writer");
        assert!(of_writer.is_sorted(), "{of_writer:?}");
        lengths.extend(of_writer);
    }
    // One after the other: each answer has one hostname more than the one before it.
    lengths.sort_unstable();
    assert_eq!(lengths, (2..=16 * 8 + 1).collect::<Vec<_>>());
    let stored: BTreeSet<String> = program
        .get()
        .await
        .hostnames()
        .into_iter()
        .map(str::to_owned)
        .collect();
    assert_eq!(stored.len(), 16 * 8 + 1);

    let version = program.status().await["version"].clone();
    let file = program.path("xds/client_cert_forwarder.json");
    let start = std::time::Instant::now();
    loop {
        let content: Value =
            serde_json::from_slice(&std::fs::read(&file).expect("the file")).expect("JSON");
        if content["version_info"] == version {
            let plugin =
                content["resources"][0]["typed_config"]["config"]["configuration"]["value"]
                    .as_str()
                    .expect("text");
            let plugin: Value = serde_json::from_str(plugin).expect("JSON");
            let published = plugin["settings"].as_array().expect("settings").iter();
            let published: BTreeSet<String> = published
                .map(|it| it["hostname"].as_str().expect("a hostname").to_owned())
                .collect();
            assert_eq!(published, stored);
            return;
        }
        assert!(start.elapsed() < crate::program::PATIENCE, "{content}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
