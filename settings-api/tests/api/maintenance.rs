//! The commands `check`, `backup` and `migrate`.

use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::cluster::Cluster;
use crate::fixtures::{base, client, forward};
use crate::program::Program;

fn run(program: &Program, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_settings-api"))
        .args(arguments)
        .current_dir(program.folder())
        .output()
        .expect("the program runs")
}

fn succeed(program: &Program, arguments: &[&str]) -> String {
    let output = run(program, arguments);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

fn fail(program: &Program, arguments: &[&str]) -> String {
    let output = run(program, arguments);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr).expect("text")
}

#[test]
fn a_base_configuration_is_checked_without_serving_it() {
    let program = Program::stopped(base(), &[]);
    let text = succeed(&program, &["check", "--base", "base.json"]);
    assert_eq!(text, "base.json: valid, 2 zones, 1 accounts, 2 resources\n");
    program.write(
        "base.json",
        r#"{"zones":{"a/b":{"domains":[]}},"resources":{}}"#,
    );
    let error = fail(&program, &["check", "--base", "base.json"]);
    assert!(
        error.contains("base configuration base.json: zones.a/b: an id has"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_a_running_server_is_consistent_and_can_be_served() {
    let mut program = Program::with(base(), &["--requests-per-second", "100000"]);
    let (url, token) = (program.url(), program.token.clone());
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    // Each request changes two hostnames at once: a backup must have both or none.
    let writer = tokio::spawn(async move {
        let client = client();
        let mut number = 0;
        while !stopped.load(Ordering::Relaxed) {
            let pair = ["a", "b"].map(|name| forward(&format!("{name}{number}.example.com")));
            let body = json!({ "settings": pair });
            let request = client.put(&url).bearer_auth(&token).json(&body);
            assert_eq!(request.send().await.expect("an answer").status(), 202);
            number += 1;
        }
        number
    });
    let database = program.database.clone();
    for number in 0..5 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        let name = format!("backup-{number}.db");
        let text = succeed(&program, &["backup", "--database", &database, &name]);
        assert!(text.starts_with(&format!("{name}: ")), "{text}");
    }
    let error = fail(
        &program,
        &["backup", "--database", &database, "backup-0.db"],
    );
    assert!(
        error.contains("database backup-0.db: File exists"),
        "{error}"
    );
    stop.store(true, Ordering::Relaxed);
    let written = writer.await.expect("the writer");
    program.terminate();
    let mut most = 0;
    for number in 0..5 {
        program.database = format!("sqlite:backup-{number}.db");
        program.run();
        let settings = program.get().await;
        let hostnames = settings.hostnames();
        assert_eq!(hostnames.len() % 2, 0, "{hostnames:?}");
        let audit = program
            .get_at(&format!("{}/audit?limit=1000", program.url()))
            .await;
        let records = audit.body["result"].as_array().map(Vec::len);
        assert_eq!(records, Some(hostnames.len() / 2));
        most = hostnames.len() / 2;
        program.terminate();
    }
    assert!((1..=written).contains(&most), "{most} of {written}");
}

#[tokio::test]
async fn a_database_moves_to_postgresql_and_back_with_its_audit_trail() {
    let Some(cluster) = Cluster::start() else {
        println!("not run: PostgreSQL is not installed (make peers)");
        return;
    };
    let mut program = Program::stopped(base(), &[]);
    program.database = "settings.db".into();
    program.run();
    let hostnames = ["b.example.com", "a.example.com", "c.example.com"];
    for hostname in hostnames {
        program.put(json!([forward(hostname)])).await;
    }
    let audit = format!("{}/audit", program.url());
    let records = program.get_at(&audit).await.body;
    program.terminate();
    let url = cluster.create_database();
    for (from, to) in [("settings.db", url.as_str()), (&url, "sqlite:back.db")] {
        let text = succeed(&program, &["migrate", "--from", from, "--to", to]);
        assert!(text.contains("3 hostnames, 3 audit records"), "{text}");
        assert!(!text.contains("127.0.0.1"), "{text}");
        program.database = to.into();
        program.run();
        assert_eq!(program.get().await.hostnames(), hostnames, "{to}");
        assert_eq!(program.get_at(&audit).await.body, records, "{to}");
        program.terminate();
        let error = fail(&program, &["migrate", "--from", from, "--to", to]);
        assert!(error.contains("is not empty"), "{error}");
    }
    let error = fail(&program, &["migrate", "--from", "none.db", "--to", &url]);
    assert!(error.contains("database none.db: No such file"), "{error}");
}
