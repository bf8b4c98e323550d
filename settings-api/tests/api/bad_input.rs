//! Refused bodies: status, code and place of the message, and that nothing is stored.

use serde_json::json;

use crate::fixtures::{OTHER_ZONE, base, client, forward, remove};
use crate::program::Program;

#[tokio::test]
async fn a_bad_body_is_refused_with_its_code_and_place_and_stores_nothing() {
    let program = Program::start();
    program.put(json!([forward("kept.example.com")])).await;
    let before = program.get().await.body;
    let good = r#"{"hostname":"new.example.com","china_network":false,"client_certificate_forwarding":true}"#;
    for (body, code, message, pointer) in [
        ("", 12130, "line 1, column 0: not JSON", ""),
        (
            "{\"settings\":[\n{]}",
            12130,
            "line 2, column 2: not JSON",
            "",
        ),
        ("\u{feff}{}", 12130, "not JSON", ""),
        ("[]", 12130, "body: invalid type: sequence", ""),
        ("7", 12130, "body: invalid type: integer", ""),
        ("{}", 12130, "settings: required, but missing", "/settings"),
        (
            r#"{"settings":"all"}"#,
            12130,
            "settings: invalid type: string",
            "/settings",
        ),
        (
            r#"{"settings":[GOOD,7]}"#,
            12130,
            "settings[1]: invalid type: integer",
            "/settings/1",
        ),
        (
            r#"{"settings":[GOOD],"verified_by":"listener"}"#,
            12130,
            "verified_by: unknown key",
            "",
        ),
        (
            r#"{"settings":[GOOD,{"hostname":"a.example.com","forward_unverified":true}]}"#,
            12130,
            "settings[1].forward_unverified: unknown key",
            "/settings/1/forward_unverified",
        ),
        (
            r#"{"settings":[GOOD,{"hostname":"a.example.com","china_network":"false"}]}"#,
            12130,
            "settings[1].china_network: invalid type: string",
            "/settings/1/china_network",
        ),
        (
            r#"{"settings":[GOOD,{"china_network":false}]}"#,
            12130,
            "settings[1].hostname: required, but missing",
            "/settings/1/hostname",
        ),
        (
            r#"{"settings":[GOOD,{"hostname":""}]}"#,
            12130,
            "settings[1].hostname: \"\" is not a DNS name",
            "/settings/1/hostname",
        ),
        (
            r#"{"settings":[GOOD,{"hostname":"https://a.example.com"}]}"#,
            12130,
            "settings[1].hostname",
            "/settings/1/hostname",
        ),
        (
            r#"{"settings":[GOOD,{"hostname":"NEW.example.com"}]}"#,
            12130,
            "settings[1].hostname: \"NEW.example.com\" is already the hostname of settings[0]",
            "/settings/1/hostname",
        ),
        (
            r#"{"settings":[GOOD,{"hostname":"a.example.org","china_network":true}]}"#,
            12036,
            "settings[1].hostname: \"a.example.org\" is not below the domains",
            "/settings/1/hostname",
        ),
        (
            r#"{"settings":[GOOD,{"hostname":"notexample.com"}]}"#,
            12036,
            "notexample.com",
            "/settings/1/hostname",
        ),
        (
            r#"{"settings":[GOOD,{"hostname":"example.com.evil.test","china_network":true}]}"#,
            12036,
            "evil",
            "/settings/1/hostname",
        ),
        (
            r#"{"settings":[GOOD,{"hostname":"*","china_network":true}]}"#,
            12036,
            "\"*\"",
            "/settings/1/hostname",
        ),
        (
            r#"{"settings":[GOOD,{"hostname":"*.com","china_network":true}]}"#,
            12036,
            "\"*.com\"",
            "/settings/1/hostname",
        ),
        (
            r#"{"settings":[GOOD,{"hostname":"192.0.2.1","china_network":true}]}"#,
            12036,
            "192.0.2.1",
            "/settings/1/hostname",
        ),
    ] {
        let body = body.replace("GOOD", good);
        let answer = program
            .send(
                client()
                    .put(program.url())
                    .bearer_auth(&program.token)
                    .body(body.clone()),
            )
            .await;
        assert_eq!(
            (answer.status, answer.code()),
            (400, code),
            "{body}: {answer:?}"
        );
        let kind = if code == 12036 {
            "hostnames_must_belong_to_your_domain"
        } else {
            "invalid_request"
        };
        assert!(
            answer
                .message()
                .starts_with(&format!("access.api.error.{kind}: ")),
            "{answer:?}"
        );
        assert!(answer.message().contains(message), "{body}: {answer:?}");
        assert_eq!(
            answer.body["errors"][0]["source"]["pointer"]
                .as_str()
                .unwrap_or_default(),
            pointer,
            "{body}"
        );
        assert_eq!(program.get().await.body, before, "{body}");
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_whether_or_not_it_says_its_length() {
    let program = Program::with(base(), &["--max-body-bytes", "1000"]);
    let body = json!({ "settings": [forward("a.example.com")] }).to_string();
    let at_limit = format!("{body}{}", " ".repeat(1000 - body.len()));
    let over = format!("{at_limit} ");
    let chunked =
        reqwest::Body::wrap_stream(tokio_stream::iter([Ok::<_, std::io::Error>(over.clone())]));
    for body in [reqwest::Body::from(over), chunked] {
        let answer = program
            .send(
                client()
                    .put(program.url())
                    .bearer_auth(&program.token)
                    .body(body),
            )
            .await;
        assert_eq!((answer.status, answer.code()), (413, 12130), "{answer:?}");
        assert!(answer.message().contains("1000 bytes"), "{answer:?}");
    }
    assert!(program.get().await.hostnames().is_empty());
    let answer = program
        .send(
            client()
                .put(program.url())
                .bearer_auth(&program.token)
                .body(at_limit),
        )
        .await;
    assert_eq!(answer.status, 202, "{answer:?}");
}

#[tokio::test]
async fn a_zone_has_at_most_so_many_hostnames() {
    let program = Program::with(base(), &["--max-hostnames", "2"]);
    assert_eq!(
        program
            .put(json!([forward("a.example.com"), forward("b.example.com")]))
            .await
            .status,
        202
    );
    let answer = program.put(json!([forward("c.example.com")])).await;
    assert_eq!((answer.status, answer.code()), (400, 12130));
    assert!(
        answer
            .message()
            .contains("maximum number of hostnames (2) has been reached"),
        "{answer:?}"
    );
    assert_eq!(
        program
            .put(json!([remove("a.example.com"), forward("c.example.com")]))
            .await
            .hostnames(),
        ["b.example.com", "c.example.com"]
    );
}

#[tokio::test]
async fn a_hostname_that_is_no_longer_the_zones_can_still_be_removed() {
    let mut program = Program::start();
    program
        .put(json!([forward("a.example.com"), forward("b.example.com")]))
        .await;
    program.terminate();
    let mut moved = base();
    moved["zones"][OTHER_ZONE]["domains"] = json!(["example.org", "a.example.com"]);
    std::fs::write(program.path("base.json"), moved.to_string()).expect("a written file");
    program.run();
    assert_eq!(
        program.put(json!([forward("a.example.com")])).await.code(),
        12036
    );
    assert_eq!(
        program
            .put(json!([remove("a.example.com")]))
            .await
            .hostnames(),
        ["b.example.com"]
    );
}
