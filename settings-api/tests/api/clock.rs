//! The machine's clock jumps: nothing waits, nothing is lost, and only what is told by the clock
//! follows it. Debian's `faketime` makes the clock of the program alone jump.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::fixtures::{base, client, forward};
use crate::program::Program;
use crate::simulated::{Subscriber, WAYS, channel};

const NAME: &str = "client_cert_forwarder";
const CLOCK: &str = "clock";

/// The library that takes the place of the C library's clock functions.
fn library() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?;
    let candidates = folders.filter_map(|folder| {
        let folder = folder.ok()?.path();
        Some(folder.join("faketime/libfaketimeMT.so.1"))
    });
    candidates.into_iter().find(|path| path.is_file())
}

/// Requests of one client in a moment: more than a second's worth would be refused.
async fn burst(program: &Program) {
    for _ in 0..50 {
        assert_eq!(program.get().await.status, 200);
    }
}

async fn newest_record(program: &Program) -> Value {
    let audit = program.get_at(&format!("{}/audit", program.url())).await;
    audit.body["result"][0].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_by_ten_years_stops_nothing() {
    let Some(library) = library() else {
        println!("not run: faketime is not installed (make peers)");
        return;
    };
    let mut program = Program::stopped(base(), &[]);
    program.write(CLOCK, "+0");
    let preload = format!("LD_PRELOAD={}", library.display());
    let clock = format!("FAKETIME_TIMESTAMP_FILE={}", program.path(CLOCK).display());
    program.launch_by(&[
        "env",
        &preload,
        &clock,
        "FAKETIME_NO_CACHE=1",
        // As on a real machine, where a jump leaves CLOCK_MONOTONIC alone.
        "FAKETIME_DONT_FAKE_MONOTONIC=1",
    ]);
    program.run();
    let connection = channel(program.xds()).await;
    let mut subscriber = Subscriber::subscribe(connection, WAYS[0], "one", &[NAME], &[]).await;
    let first = subscriber.next().await;
    subscriber.answer(&first, &[NAME], None).await;
    let mut years = Vec::new();
    for (number, jump) in ["+0", "+3650d", "-3650d", "+0"].into_iter().enumerate() {
        program.write(CLOCK, jump);
        let start = Instant::now();
        let hostname = format!("h{number}.example.com");
        assert_eq!(
            program.put(json!([forward(&hostname)])).await.status,
            202,
            "{jump}"
        );
        let update = subscriber.next().await;
        assert_eq!(update.hostnames().len(), number + 1, "{jump}");
        subscriber.answer(&update, &[NAME], None).await;
        // Tokens have no end, and the limit of requests goes by time that has passed.
        let verify = program.url_of("/client/v4/user/tokens/verify");
        let request = client().get(verify).bearer_auth(&program.token);
        assert_eq!(program.send(request).await.status, 200, "{jump}");
        burst(&program).await;
        // The audit trail has the order of the changes, whatever the clock said.
        let record = newest_record(&program).await;
        assert_eq!(record["after"], json!([forward(&hostname)]), "{jump}");
        let at = record["at"].as_str().expect("a time");
        let (year, _) = at.split_once('-').expect("a date");
        years.push(year.parse::<i32>().expect("a year"));
        program
            .wait_for_status(|status| status["accepted"] == 1)
            .await;
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "{jump}: {:?}",
            start.elapsed()
        );
    }
    assert!(
        (9..=11).contains(&(years[1] - years[0])),
        "the clock did not jump: {years:?}"
    );
    assert!(
        (9..=11).contains(&(years[0] - years[2])),
        "the clock did not jump: {years:?}"
    );

    // A start in the past finds what was stored in the future.
    program.write(CLOCK, "-3650d");
    drop(subscriber);
    assert_eq!(program.terminate(), Some(0));
    program.run();
    assert_eq!(program.get().await.hostnames().len(), 4);
    assert_eq!(
        program
            .put(json!([forward("late.example.com")]))
            .await
            .status,
        202
    );
    let record = newest_record(&program).await;
    assert_eq!(record["after"], json!([forward("late.example.com")]));
}
