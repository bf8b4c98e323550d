//! Authentication and authorization, which precede every other check.

use std::os::unix::fs::PermissionsExt;

use reqwest::Method;
use serde_json::json;

use crate::fixtures::{ACCOUNT, EMAIL, OTHER_ZONE, ZONE, client, forward};
use crate::program::Program;

#[tokio::test]
async fn credentials_are_asked_for_before_anything_else() {
    let program = Program::start();
    let key = program.key.as_str();
    let bearer = format!("Bearer {}", program.token);
    for (headers, status, code) in [
        (&[][..], 400, 9106),
        (&[("X-Auth-Email", EMAIL)], 400, 9106),
        (&[("X-Auth-Key", key)], 400, 9106),
        (&[("X-Auth-Email", EMAIL), ("X-Auth-Key", "")], 400, 6003),
        (
            &[("X-Auth-Email", EMAIL), ("X-Auth-Key", "two words")],
            400,
            6003,
        ),
        (&[("Authorization", "Basic dXNlcjpwYXNz")], 400, 6003),
        (&[("Authorization", "Bearer")], 400, 6003),
        (&[("Authorization", "Bearer ")], 400, 6003),
        (
            &[("Authorization", &bearer), ("Authorization", &bearer)],
            400,
            6003,
        ),
        (&[("Authorization", "Bearer wrong")], 403, 10000),
        (
            &[
                ("X-Auth-Email", EMAIL),
                ("X-Auth-Key", "0123456789abcdef0123456789abcdef01234"),
            ],
            403,
            10000,
        ),
        (
            &[("X-Auth-Email", "other@example.com"), ("X-Auth-Key", key)],
            403,
            10000,
        ),
        // A key is no bearer token, nor the other way round.
        (&[("Authorization", &format!("Bearer {key}"))], 403, 10000),
        (
            &[("X-Auth-Email", EMAIL), ("X-Auth-Key", &program.token)],
            403,
            10000,
        ),
    ] {
        for (method, path, body) in [
            (
                Method::PUT,
                format!("/client/v4/zones/{ZONE}/access/certificates/settings"),
                "{ no JSON",
            ),
            (Method::GET, "/client/v4/no/such/route".into(), ""),
            (
                Method::DELETE,
                format!("/client/v4/zones/{ZONE}/access/certificates/settings"),
                "",
            ),
        ] {
            let mut request = client().request(method, program.url_of(&path)).body(body);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let answer = program.send(request).await;
            assert_eq!(
                (answer.status, answer.code()),
                (status, code),
                "{headers:?} {path}: {answer:?}"
            );
        }
    }
    for headers in [
        [("X-Auth-Email", "USER@example.com"), ("X-Auth-Key", key)].as_slice(),
        &[("authorization", &format!("bearer {}", program.token))],
    ] {
        let mut request = client().get(program.url());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        assert_eq!(program.send(request).await.status, 200, "{headers:?}");
    }
}

#[tokio::test]
async fn a_token_allows_what_it_was_made_for() {
    let program = Program::start();
    let zone_read = program.create_token(&["--zone", ZONE, "--permission", "read"]);
    let zone_write = program.create_token(&["--zone", ZONE, "--permission", "write"]);
    let account_read = program.create_token(&["--account", ACCOUNT, "--permission", "read"]);
    let account_write = program.create_token(&["--account", "*", "--permission", "write"]);
    let unknown_zone = program.create_token(&["--zone", "gone", "--permission", "write"]);
    let zone = format!("zones/{ZONE}");
    let other = format!("zones/{OTHER_ZONE}");
    let account = format!("accounts/{ACCOUNT}");
    for (token, scope, get, put) in [
        (&zone_read, &zone, 200, 403),
        (&zone_read, &other, 403, 403),
        (&zone_read, &account, 403, 403),
        (&zone_write, &zone, 200, 202),
        (&zone_write, &other, 403, 403),
        (&account_read, &account, 200, 403),
        (&account_read, &zone, 403, 403),
        (&account_write, &account, 200, 202),
        (&account_write, &zone, 403, 403),
        // Only who may know learns that there is no such zone.
        (&unknown_zone, &"zones/gone".to_owned(), 404, 404),
        (&zone_write, &"zones/gone".to_owned(), 403, 403),
    ] {
        let url = program.url_of(&format!("/client/v4/{scope}/access/certificates/settings"));
        let answer = program.send(client().get(&url).bearer_auth(token)).await;
        assert_eq!(answer.status, get, "GET {scope}: {answer:?}");
        let status = program
            .send(client().get(format!("{url}/status")).bearer_auth(token))
            .await;
        assert_eq!(status.status, get, "GET {scope} status: {status:?}");
        let answer = program
            .send(
                client()
                    .put(&url)
                    .bearer_auth(token)
                    .body(r#"{"settings":[]}"#),
            )
            .await;
        assert_eq!(answer.status, put, "PUT {scope}: {answer:?}");
    }
}

#[tokio::test]
async fn a_refused_put_stores_nothing() {
    let program = Program::start();
    let read = program.create_token(&["--zone", ZONE, "--permission", "read"]);
    let body = json!({ "settings": [forward("a.example.com")] });
    let answer = program
        .send(client().put(program.url()).bearer_auth(&read).json(&body))
        .await;
    assert_eq!((answer.status, answer.code()), (403, 10000));
    assert!(program.get().await.hostnames().is_empty());
}

#[tokio::test]
async fn a_revoked_token_stops_working_at_once() {
    let program = Program::start();
    let secret = program.create_token(&["--zone", ZONE, "--permission", "read"]);
    assert_eq!(
        program
            .send(client().get(program.url()).bearer_auth(&secret))
            .await
            .status,
        200
    );
    let list = String::from_utf8(program.token_command("list", &[]).stdout).expect("text");
    let line = list.lines().last().expect("the token");
    let id = line.split_whitespace().next().expect("an id");
    assert!(program.token_command("revoke", &[id]).status.success());
    let answer = program
        .send(client().get(program.url()).bearer_auth(&secret))
        .await;
    assert_eq!((answer.status, answer.code()), (403, 10000));
    assert_eq!(program.get().await.status, 200);
    let again = program.token_command("revoke", &[id]);
    assert!(
        !again.status.success() && String::from_utf8_lossy(&again.stderr).contains("no token"),
        "{again:?}"
    );
}

#[tokio::test]
async fn a_token_file_that_cannot_be_read_lets_nobody_in() {
    let program = Program::start();
    let file = program.path("tokens.json");
    let content = std::fs::read(&file).expect("the token file");
    std::fs::write(&file, "not a token file").expect("a written file");
    assert_eq!(program.get().await.status, 500);
    assert_eq!(
        client()
            .get(program.url_of("/readyz"))
            .send()
            .await
            .expect("an answer")
            .status(),
        503
    );
    std::fs::write(&file, content).expect("a written file");
    assert_eq!(program.get().await.status, 200);
    assert_eq!(
        client()
            .get(program.url_of("/readyz"))
            .send()
            .await
            .expect("an answer")
            .status(),
        200
    );
}

#[tokio::test]
async fn no_secret_is_written_anywhere() {
    let program = Program::with(crate::fixtures::base(), &["--log-level", "trace"]);
    program.put(json!([forward("a.example.com")])).await;
    let by_key = client()
        .get(program.url())
        .header("X-Auth-Email", EMAIL)
        .header("X-Auth-Key", &program.key);
    assert_eq!(program.send(by_key).await.status, 200);
    assert_eq!(
        program
            .send(client().get(program.url()).bearer_auth("a-wrong-secret"))
            .await
            .status,
        403
    );
    let mut texts = vec![program.log()];
    for name in ["tokens.json", "tokens.json.key"] {
        let mode = std::fs::metadata(program.path(name))
            .expect("the file")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
        texts.push(std::fs::read_to_string(program.path(name)).expect("text"));
    }
    texts.push(String::from_utf8(program.token_command("list", &[]).stdout).expect("text"));
    for secret in [program.token.as_str(), &program.key, "a-wrong-secret"] {
        assert!(!texts.iter().any(|text| text.contains(secret)));
    }
}
