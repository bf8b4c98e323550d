//! Clients that were written for Cloudflare.

use std::process::Command;

use serde_json::{Value, json};

use crate::fixtures::{ACCOUNT, EMAIL, OTHER_ZONE, client, forward, remove};
use crate::program::{Answer, Program};

/// Runs the real curl; gives the status and the body.
fn curl(arguments: &[&str]) -> Answer {
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--write-out", "\n%{http_code}"])
        .args(arguments)
        .output()
        .expect("curl runs (it is a package of the same name)");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("text");
    let (body, status) = text.rsplit_once('\n').expect("a status line");
    Answer {
        status: status.parse().expect("a status"),
        body: serde_json::from_str(body).expect("a JSON body"),
    }
}

#[tokio::test]
async fn the_curl_line_of_cloudflares_page_works() {
    let program = Program::start();
    let (email, key) = (
        format!("X-Auth-Email: {EMAIL}"),
        format!("X-Auth-Key: {}", program.key),
    );
    let body = r#"{"settings": [{"hostname": "api.example.com", "china_network": false, "client_certificate_forwarding": true}]}"#;
    let answer = curl(&[
        &program.url(),
        "--request",
        "PUT",
        "--header",
        &email,
        "--header",
        &key,
        "--json",
        body,
    ]);
    assert_eq!(answer.status, 202, "{answer:?}");
    assert_eq!(
        answer.body,
        json!({
            "success": true, "errors": [], "messages": [],
            "result": [{ "hostname": "api.example.com", "china_network": false, "client_certificate_forwarding": true }],
            "result_info": { "count": 1, "page": 1, "per_page": 1, "total_count": 1, "total_pages": 1 }
        })
    );
    let bearer = format!("Authorization: Bearer {}", program.token);
    let listed = curl(&[&program.url(), "--header", &bearer]);
    assert_eq!(listed.status, 200);
    assert_eq!(listed.body, answer.body);
}

#[tokio::test]
async fn a_put_changes_only_the_hostnames_that_it_names_and_answers_with_all() {
    let program = Program::start();
    assert_eq!(program.get().await.body["result"], json!([]));
    program
        .put(json!([forward("b.example.com"), forward("a.example.com")]))
        .await;
    let answer = program
        .put(json!([
            { "hostname": "C.example.com", "china_network": true },
            { "hostname": "b.example.com", "china_network": true, "client_certificate_forwarding": true },
        ]))
        .await;
    assert_eq!(answer.status, 202);
    let expected = json!([
        { "hostname": "b.example.com", "china_network": true, "client_certificate_forwarding": true },
        { "hostname": "a.example.com", "china_network": false, "client_certificate_forwarding": true },
        { "hostname": "c.example.com", "china_network": true, "client_certificate_forwarding": false },
    ]);
    assert_eq!(answer.body["result"], expected);
    assert_eq!(program.get().await.body["result"], expected);

    let answer = program.put(json!([remove("b.example.com"), { "hostname": "c.example.com" }, remove("never.example.com")])).await;
    assert_eq!(answer.hostnames(), ["a.example.com"]);
    assert_eq!(program.put(json!([])).await.hostnames(), ["a.example.com"]);
}

#[tokio::test]
async fn zones_and_accounts_have_settings_of_their_own() {
    let program = Program::start();
    let other_zone = program.url_of(&format!(
        "/client/v4/zones/{OTHER_ZONE}/access/certificates/settings"
    ));
    let account = program.url_of(&format!(
        "/client/v4/accounts/{ACCOUNT}/access/certificates/settings"
    ));
    program.put(json!([forward("a.example.com")])).await;
    for (url, hostnames) in [
        (&other_zone, &["a.example.org"][..]),
        (&account, &["b.example.com", "b.example.org"]),
    ] {
        let settings: Vec<Value> = hostnames.iter().map(|hostname| forward(hostname)).collect();
        let request = client()
            .put(url)
            .bearer_auth(&program.token)
            .json(&json!({ "settings": settings }));
        let answer = program.send(request).await;
        assert_eq!(
            (answer.status, answer.hostnames()),
            (202, hostnames.to_vec()),
            "{url}"
        );
        assert_eq!(program.get_at(url).await.hostnames(), hostnames, "{url}");
    }
    assert_eq!(program.get().await.hostnames(), ["a.example.com"]);
}

#[tokio::test]
async fn every_error_is_a_whole_envelope() {
    let program = Program::start();
    for (method, path, token, status) in [
        (
            "GET",
            "/client/v4/zones/x/access/certificates/settings",
            "",
            400,
        ),
        (
            "GET",
            "/client/v4/zones/x/access/certificates/settings",
            "wrong",
            403,
        ),
        (
            "GET",
            "/client/v4/zones/x/access/certificates/settings",
            &program.token,
            404,
        ),
        (
            "GET",
            "/client/v4/zones//access/certificates/settings",
            &program.token,
            404,
        ),
        ("GET", "/client/v4/user", &program.token, 404),
        ("GET", "/", "", 404),
        (
            "DELETE",
            "/client/v4/zones/x/access/certificates/settings",
            &program.token,
            405,
        ),
        (
            "POST",
            "/client/v4/zones/x/access/certificates/settings",
            &program.token,
            405,
        ),
        (
            "PUT",
            "/client/v4/zones/x/access/certificates/settings/status",
            &program.token,
            405,
        ),
    ] {
        let method: reqwest::Method = method.parse().expect("a method");
        let mut request = client().request(method.clone(), program.url_of(path));
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        let answer = program.send(request).await;
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        assert_eq!(answer.body["success"], json!(false));
        assert_eq!(answer.body["messages"], json!([]));
        assert_eq!(answer.body.get("result"), Some(&Value::Null), "{answer:?}");
        for error in answer.body["errors"].as_array().expect("errors") {
            assert!(
                error["code"].as_u64().is_some_and(|code| code >= 1000),
                "{error}"
            );
            assert!(
                error["message"]
                    .as_str()
                    .is_some_and(|message| !message.is_empty()),
                "{error}"
            );
        }
        assert!(!answer.message().is_empty());
    }
}
