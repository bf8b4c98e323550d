//! Distribution to simulated subscribers, and the effect of their answers.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::fixtures::{OTHER_ZONE, base, client, forward, remove};
use crate::program::Program;
use crate::simulated::{Subscriber, WAYS, Way, channel};

const NAME: &str = "client_cert_forwarder";

#[tokio::test]
async fn each_way_gives_the_settings_in_force_and_then_each_change() {
    let program = Program::start();
    let connection = channel(program.xds()).await;
    for way in WAYS {
        program
            .put(json!([forward("a.example.com"), remove("b.example.com")]))
            .await;
        let mut subscriber =
            Subscriber::subscribe(connection.clone(), way, "one", &[NAME], &[]).await;
        let update = subscriber.next().await;
        assert_eq!(
            (update.names(), update.hostnames()),
            (vec![NAME], vec!["a.example.com"]),
            "{way:?}"
        );
        assert_eq!(update.resources[0].plugin["verified_by"], json!("listener"));
        subscriber.answer(&update, &[NAME], None).await;
        let status = program
            .wait_for_status(|status| status["accepted"] == 1)
            .await;
        assert_eq!(status["subscribers"][0]["node"], json!("one"));
        assert_eq!(
            status["subscribers"][0]["protocol"],
            json!(if way.delta { "delta" } else { "sotw" })
        );
        assert_eq!(
            status["subscribers"][0]["accepted_version"],
            status["version"]
        );

        // A PUT that changes nothing, or only another resource, sends nothing.
        program.put(json!([forward("a.example.com")])).await;
        let other = program.url_of(&format!(
            "/client/v4/zones/{OTHER_ZONE}/access/certificates/settings"
        ));
        let hostname = format!("{}.example.org", fastrand::u32(..));
        let request = client()
            .put(other)
            .bearer_auth(&program.token)
            .json(&json!({ "settings": [forward(&hostname)] }));
        assert_eq!(program.send(request).await.status, 202);
        subscriber.nothing_comes().await;

        program.put(json!([forward("b.example.com")])).await;
        let update = subscriber.next().await;
        assert_eq!(
            update.hostnames(),
            ["a.example.com", "b.example.com"],
            "{way:?}"
        );
        program
            .wait_for_status(|status| status["pending"] == 1)
            .await;
        drop(subscriber);
        program
            .wait_for_status(|status| status["subscribers"] == json!([]))
            .await;
    }
}

#[tokio::test]
async fn one_stream_may_have_many_resources_and_change_which() {
    let program = Program::start();
    let connection = channel(program.xds()).await;
    for delta in [false, true] {
        let way = Way {
            aggregated: true,
            delta,
        };
        let mut subscriber =
            Subscriber::subscribe(connection.clone(), way, "both", &[NAME, "other"], &[]).await;
        let update = subscriber.next().await;
        assert_eq!(update.names(), [NAME, "other"]);
        subscriber.answer(&update, &[NAME, "other"], None).await;
        program
            .put(json!([forward(&format!(
                "{}.example.com",
                fastrand::u32(..)
            ))]))
            .await;
        let update = subscriber.next().await;
        // State of the world carries all resources, delta the changed ones.
        assert_eq!(
            update.names(),
            if delta {
                vec![NAME]
            } else {
                vec![NAME, "other"]
            }
        );
        subscriber.answer(&update, &[NAME, "other"], None).await;
        program
            .wait_for_status(|status| status["accepted"] == 1)
            .await;
    }
    let way = Way {
        aggregated: true,
        delta: false,
    };
    let mut subscriber = Subscriber::subscribe(connection, way, "growing", &[NAME], &[]).await;
    let update = subscriber.next().await;
    assert_eq!(update.names(), [NAME]);
    subscriber.answer(&update, &[NAME, "other"], None).await;
    assert_eq!(subscriber.next().await.names(), [NAME, "other"]);
}

#[tokio::test]
async fn a_delta_subscriber_that_comes_back_with_the_version_in_force_is_sent_nothing() {
    let mut program = Program::start();
    program.put(json!([forward("a.example.com")])).await;
    let version = program.status().await["version"]
        .as_str()
        .expect("a version")
        .to_owned();
    program.terminate();
    program.run();
    let way = Way {
        aggregated: false,
        delta: true,
    };
    let connection = channel(program.xds()).await;
    let mut subscriber = Subscriber::subscribe(
        connection.clone(),
        way,
        "back",
        &[NAME],
        &[(NAME, &version)],
    )
    .await;
    subscriber.nothing_comes().await;
    assert_eq!(program.status().await["accepted"], json!(1));
    let mut outdated = Subscriber::subscribe(
        connection,
        way,
        "outdated",
        &[NAME],
        &[(NAME, "0123456789abcdef")],
    )
    .await;
    assert_eq!(outdated.next().await.hostnames(), ["a.example.com"]);
}

#[tokio::test]
async fn a_resource_that_is_not_there_is_said_to_be_missing_but_never_taken_away() {
    let program = Program::start();
    let connection = channel(program.xds()).await;
    let delta = Way {
        aggregated: false,
        delta: true,
    };
    let mut newcomer =
        Subscriber::subscribe(connection.clone(), delta, "new", &["unknown"], &[]).await;
    assert_eq!(newcomer.next().await.removed, ["unknown"]);
    let mut holder = Subscriber::subscribe(
        connection.clone(),
        delta,
        "old",
        &["unknown"],
        &[("unknown", "1")],
    )
    .await;
    holder.nothing_comes().await;
    let sotw = Way {
        aggregated: false,
        delta: false,
    };
    let mut other = Subscriber::subscribe(connection, sotw, "sotw", &["unknown", NAME], &[]).await;
    assert_eq!(other.next().await.names(), [NAME]);
}

#[tokio::test]
async fn a_refused_update_is_reported_and_newcomers_get_the_last_good_one() {
    let program = Program::start();
    let connection = channel(program.xds()).await;
    for way in WAYS {
        program
            .put(json!([
                forward("good.example.com"),
                remove("bad.example.com"),
                remove("better.example.com")
            ]))
            .await;
        let rejected =
            "settings_api_updates_total{resource=\"client_cert_forwarder\",outcome=\"rejected\"}";
        let before = if way == WAYS[0] {
            0
        } else {
            program.metric(rejected).await
        };
        let mut one = Subscriber::subscribe(connection.clone(), way, "one", &[NAME], &[]).await;
        let good = one.next().await;
        one.answer(&good, &[NAME], None).await;
        program
            .wait_for_status(|status| status["accepted"] == 1)
            .await;

        program.put(json!([forward("bad.example.com")])).await;
        let bad = one.next().await;
        one.answer(&bad, &[NAME], Some("no such module")).await;
        let status = program
            .wait_for_status(|status| status["rejected"] == 1)
            .await;
        let standing = &status["subscribers"][0];
        assert_eq!(
            (&standing["state"], &standing["error"]),
            (&json!("rejected"), &json!("no such module"))
        );
        assert_ne!(standing["accepted_version"], status["version"]);
        assert_eq!(program.metric(rejected).await, before + 1, "{way:?}");
        assert_eq!(
            program
                .metric("settings_api_rejecting_subscribers{resource=\"client_cert_forwarder\"}")
                .await,
            1
        );
        assert!(program.log().contains("Envoy refused an update"));
        one.nothing_comes().await;

        let mut newcomer =
            Subscriber::subscribe(connection.clone(), way, "two", &[NAME], &[]).await;
        let update = newcomer.next().await;
        assert_eq!(update.hostnames(), ["good.example.com"], "{way:?}");
        newcomer.answer(&update, &[NAME], None).await;

        program.put(json!([forward("better.example.com")])).await;
        for subscriber in [&mut one, &mut newcomer] {
            let update = subscriber.next().await;
            assert_eq!(
                update.hostnames(),
                ["bad.example.com", "better.example.com", "good.example.com"]
            );
            subscriber.answer(&update, &[NAME], None).await;
        }
        program
            .wait_for_status(|status| status["accepted"] == 2 && status["rejected"] == 0)
            .await;
        drop((one, newcomer));
        program
            .wait_for_status(|status| status["subscribers"] == json!([]))
            .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_subscribers_get_every_change_within_a_second() {
    const SUBSCRIBERS: usize = 200;
    let program = Program::start();
    let mut streams = Vec::new();
    for number in 0..SUBSCRIBERS {
        let connection = channel(program.xds()).await;
        let node = format!("node-{number}");
        streams
            .push(Subscriber::subscribe(connection, WAYS[number % 4], &node, &[NAME], &[]).await);
    }
    let (seen, mut sightings) = tokio::sync::mpsc::channel(SUBSCRIBERS);
    for mut stream in streams {
        let seen = seen.clone();
        tokio::spawn(async move {
            while let Some(update) = stream.receive().await {
                stream.answer(&update, &[NAME], None).await;
                let count = update.hostnames().len();
                if seen.send((Instant::now(), count)).await.is_err() {
                    return;
                }
            }
        });
    }
    program
        .wait_for_status(|status| status["accepted"] == SUBSCRIBERS)
        .await;
    let mut slowest = Duration::ZERO;
    for round in 1..=5 {
        let start = Instant::now();
        assert_eq!(
            program
                .put(json!([forward(&format!("h{round}.example.com"))]))
                .await
                .status,
            202
        );
        let mut waiting = SUBSCRIBERS;
        while waiting > 0 {
            let (at, count) = sightings.recv().await.expect("streams");
            if count == round {
                waiting -= 1;
                slowest = slowest.max(at - start);
            }
        }
    }
    println!("slowest of {SUBSCRIBERS} subscribers over 5 changes: {slowest:?}");
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    let status = program
        .wait_for_status(|status| status["accepted"] == SUBSCRIBERS)
        .await;
    assert_eq!(
        status["subscribers"].as_array().map(Vec::len),
        Some(SUBSCRIBERS)
    );
}

#[tokio::test]
async fn streams_end_when_the_program_does() {
    let mut program = Program::with(base(), &[]);
    let connection = channel(program.xds()).await;
    let mut subscriber = Subscriber::subscribe(connection, WAYS[0], "one", &[NAME], &[]).await;
    subscriber.next().await;
    let start = Instant::now();
    let code = tokio::task::spawn_blocking(move || program.terminate())
        .await
        .expect("ended");
    assert_eq!(code, Some(0));
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
    assert!(subscriber.receive().await.is_none());
}
