//! Limits of rate and time.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::fixtures::{ZONE, base, client, forward};
use crate::program::Program;

#[tokio::test]
async fn too_many_requests_are_answered_429_with_the_time_to_wait() {
    let program = Program::with(base(), &["--requests-per-second", "2"]);
    let mut refused = None;
    for _ in 0..20 {
        let response = client()
            .get(program.url())
            .bearer_auth("wrong")
            .send()
            .await
            .expect("an answer");
        if response.status() == 429 {
            refused = Some(response);
            break;
        }
        assert_eq!(response.status(), 403);
    }
    let refused = refused.expect("one of 20 requests at once is too many");
    assert_eq!(refused.headers()["retry-after"], "1");
    let body: serde_json::Value = refused.json().await.expect("a JSON body");
    assert_eq!(body["errors"][0]["code"], json!(971));
    // Machines that watch over the program are not counted.
    for _ in 0..20 {
        assert_eq!(
            client()
                .get(program.url_of("/healthz"))
                .send()
                .await
                .expect("an answer")
                .status(),
            200
        );
    }
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(
        program.put(json!([forward("a.example.com")])).await.status,
        202
    );
}

#[tokio::test]
async fn a_client_that_sends_slowly_is_cut_off() {
    let program = Program::with(base(), &["--request-timeout", "1"]);
    let head = format!(
        "PUT /client/v4/zones/{ZONE}/access/certificates/settings HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n",
        program.token
    );
    for (sent, answer) in [
        (head.clone(), ""),
        (
            format!("{head}Content-Length: 100\r\n\r\n{{"),
            "HTTP/1.1 408 Request Timeout",
        ),
    ] {
        let start = Instant::now();
        let mut stream = TcpStream::connect(program.api())
            .await
            .expect("a connection");
        stream.write_all(sent.as_bytes()).await.expect("sent");
        let mut received = Vec::new();
        tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut received))
            .await
            .expect("the server ends the connection")
            .expect("received");
        assert!(start.elapsed() >= Duration::from_millis(900));
        let text = String::from_utf8_lossy(&received);
        assert!(text.starts_with(answer), "{text}");
        assert!(!text.contains("HTTP/1.1 202"), "{text}");
    }
}
