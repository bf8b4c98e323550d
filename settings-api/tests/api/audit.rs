//! The audit trail: a record per change, in the store, in the log and in a file.

use serde_json::{Value, json};

use crate::fixtures::{OTHER_ZONE, base, client, forward, remove};
use crate::program::Program;

#[tokio::test]
async fn each_change_is_recorded_with_its_author_and_the_state_before_and_after() {
    let program = Program::with(base(), &["--audit-log", "audit.jsonl"]);
    let entry = json!({
        "hostname": "b.example.com",
        "china_network": true,
        "client_certificate_forwarding": true
    });
    program
        .put(json!([forward("a.example.com"), forward("b.example.com")]))
        .await;
    program.put(json!([forward("a.example.com")])).await;
    program
        .put(json!([
            forward("a.example.com"),
            entry,
            remove("c.example.com")
        ]))
        .await;
    program.put(json!([remove("a.example.com")])).await;
    program.put(json!([{ "hostname": 7 }])).await;

    let url = format!("{}/audit", program.url());
    let answer = program.get_at(&url).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let records = answer.body["result"].as_array().expect("records");
    let changes: Vec<_> = records
        .iter()
        .map(|record| (&record["before"], &record["after"]))
        .collect();
    let both = json!([forward("a.example.com"), forward("b.example.com")]);
    assert_eq!(
        changes,
        [
            (&json!([forward("a.example.com")]), &json!([])),
            (&json!([forward("b.example.com")]), &json!([entry])),
            (&json!([]), &both),
        ]
    );
    for record in records {
        assert_eq!(record["by"]["token_name"], "test");
        assert_eq!(record["by"]["address"], "127.0.0.1");
        assert_eq!(record["by"]["token_id"].as_str().map(str::len), Some(8));
        assert!(record["at"].as_str().is_some_and(|at| at.ends_with('Z')));
    }
    let text = std::fs::read_to_string(program.path("audit.jsonl")).expect("the file");
    let mut lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    lines.reverse();
    assert_eq!(&lines, records);

    let newest = program.get_at(&format!("{url}?limit=1")).await;
    assert_eq!(newest.body["result"], json!([records[0]]));
    for limit in ["0", "1001", "-1", "x"] {
        let answer = program.get_at(&format!("{url}?limit={limit}")).await;
        assert_eq!((answer.status, answer.code()), (400, 12130), "{limit}");
    }
    let other = url.replace(crate::fixtures::ZONE, OTHER_ZONE);
    assert_eq!(program.get_at(&other).await.body["result"], json!([]));
    let stranger = program.create_token(&["--zone", OTHER_ZONE, "--permission", "read"]);
    let answer = program.send(client().get(&url).bearer_auth(stranger)).await;
    assert_eq!((answer.status, answer.code()), (403, 10000));
}

#[tokio::test]
async fn records_survive_a_restart() {
    let mut program = Program::start();
    program.put(json!([forward("a.example.com")])).await;
    let url = format!("{}/audit", program.url());
    let before = program.get_at(&url).await.body;
    program.kill();
    program.run();
    assert_eq!(program.get_at(&url).await.body, before);
}
