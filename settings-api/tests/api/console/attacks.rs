//! What must not work.

use serde_json::json;

use super::visitor::{CONSOLE, Visitor, program};
use crate::fixtures::{ZONE, base, forward};
use crate::program::Program;
use crate::simulated::{Subscriber, WAYS, channel};

const HOST: &str = "api.example.com";

fn turn_on() -> String {
    format!("zones/{ZONE} on {HOST}")
}

#[tokio::test]
async fn a_form_without_the_sessions_secret_changes_nothing() {
    let program = program();
    let mut visitor = Visitor::signed_in(&program, &program.token).await;
    let mut other = Visitor::signed_in(&program, &program.token).await;
    let others = other.get("/hostnames").await.form_secret().to_owned();
    for secret in ["", "x", others.as_str()] {
        for (path, fields) in [
            ("/hostnames", &[("change", turn_on())][..]),
            (
                "/hostnames/add",
                &[
                    ("scope", format!("zones/{ZONE}")),
                    ("hostname", HOST.into()),
                ],
            ),
            ("/explain", &[("hostname", HOST.into())]),
            ("/sign-out", &[]),
        ] {
            let mut fields: Vec<_> = fields
                .iter()
                .map(|(name, it)| (*name, it.as_str()))
                .collect();
            fields.push(("form_secret", secret));
            let page = visitor.post(path, &fields).await;
            assert_eq!(page.status, 403, "{path} {secret}");
        }
    }
    assert!(program.get().await.hostnames().is_empty());
    assert_eq!(
        visitor.get("/hostnames").await.status,
        200,
        "still signed in"
    );
}

#[tokio::test]
async fn a_form_of_another_site_changes_nothing_though_it_knows_the_secret() {
    let program = program();
    let mut visitor = Visitor::signed_in(&program, &program.token).await;
    let own = format!("http://{}", program.console());
    for (headers, expected) in [
        (vec![("origin", "http://evil.example".into())], 403),
        (vec![("origin", "null".into())], 403),
        (vec![("sec-fetch-site", "cross-site".into())], 403),
        (vec![("sec-fetch-site", "same-site".into())], 403),
        (
            vec![("sec-fetch-site", "same-origin".into()), ("origin", own)],
            303,
        ),
    ] {
        visitor.headers = headers;
        let page = visitor
            .submit("/hostnames", &[("change", &turn_on())])
            .await;
        assert_eq!(page.status, expected, "{:?}", visitor.headers);
        let is_on = !program.get().await.hostnames().is_empty();
        assert_eq!(is_on, expected == 303, "{:?}", visitor.headers);
    }
}

#[tokio::test]
async fn nobody_can_be_signed_in_by_another_site() {
    let program = program();
    let mut visitor = Visitor::new(&program);
    let fields = [("token", program.token.as_str()), ("form_secret", "")];
    assert_eq!(visitor.post("/sign-in", &fields).await.status, 403);
    visitor.headers = vec![("origin", "http://evil.example".into())];
    assert_eq!(visitor.sign_in(&program.token).await.status, 403);
}

#[tokio::test]
async fn a_session_that_somebody_planted_is_not_the_one_after_the_sign_in() {
    const SESSION: &str = "settings-console-session";
    let program = program();
    // The attacker's own session, and an id that no session has.
    let attacker = Visitor::signed_in(&program, &program.token).await;
    for planted in [attacker.cookies[SESSION].clone(), "ab".repeat(32)] {
        let mut victim = Visitor::new(&program);
        victim.cookies.insert(SESSION.into(), planted.clone());
        let page = victim.sign_in(&program.token).await;
        assert_eq!(page.status, 303, "{page:?}");
        assert_ne!(victim.cookies[SESSION], planted);
        let mut attacker = Visitor::new(&program);
        attacker.cookies.insert(SESSION.into(), planted);
        let page = attacker.get("/hostnames").await;
        assert_eq!(page.header("location"), "/sign-in");
    }
}

#[tokio::test]
async fn no_page_can_be_framed_or_run_scripts_of_others() {
    let program = program();
    let mut visitor = Visitor::signed_in(&program, &program.token).await;
    for path in [
        "/",
        "/sign-in",
        "/hostnames",
        "/fleet",
        "/certificates",
        "/audit",
        "/explain",
        "/hostnames/setting?hostname=no.example",
        "/no/such/page",
        "/assets/console.js",
        "/assets/none",
    ] {
        let page = visitor.get(path).await;
        let policy = page.header("content-security-policy");
        for directive in [
            "default-src 'none'",
            "script-src 'self';",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(directive), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(page.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{path}");
        for inline in ["<script>", " style=", " onclick=", "javascript:"] {
            assert!(!page.text.contains(inline), "{path}: {inline}");
        }
        if !path.starts_with("/assets/console") {
            assert_eq!(page.header("cache-control"), "no-store", "{path}");
        }
    }
}

#[tokio::test]
async fn whatever_others_supply_is_shown_as_text() {
    const EVIL: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>";
    let mut base = base();
    let issuer = "CN=<script>alert(1)</script>";
    base["resources"]["client_cert_forwarder"]["plugin"]["revoked_certificates"] =
        json!([{ "issuer_dn": issuer, "serial": "0A" }]);
    let program = Program::with(base, &CONSOLE);
    let rights = ["--zone", "*", "--permission", "write", "--name", EVIL];
    let token = program.token_command("create", &rights);
    let token = String::from_utf8(token.stdout).expect("text");
    program.put(json!([forward(HOST)])).await;
    let channel = channel(program.xds()).await;
    let names = ["client_cert_forwarder"];
    let mut envoy = Subscriber::subscribe(channel, WAYS[0], EVIL, &names, &[]).await;
    let update = envoy.next().await;
    envoy.answer(&update, &names, Some(EVIL)).await;
    program
        .wait_for_status(|status| status["rejected"] == 1)
        .await;

    let mut visitor = Visitor::signed_in(&program, token.trim()).await;
    visitor
        .submit(
            "/hostnames/add",
            &[("scope", &format!("zones/{ZONE}")), ("hostname", EVIL)],
        )
        .await;
    let query = form_urlencoded::byte_serialize(EVIL.as_bytes()).collect::<String>();
    let mut pages = Vec::new();
    for path in [
        "/hostnames".to_owned(),
        format!("/hostnames?q={query}&scope={query}&forwarding={query}"),
        format!("/hostnames/setting?hostname={query}"),
        "/fleet".to_owned(),
        format!("/fleet?q={query}&state={query}&resource={query}"),
        "/certificates".to_owned(),
        format!("/certificates?q={query}"),
        "/audit".to_owned(),
        format!("/explain?hostname={query}&certificate={query}&resource={query}"),
    ] {
        pages.push((path.clone(), visitor.get(&path).await.text));
    }
    let resource = ("resource", names[0]);
    let explained = [resource, ("hostname", EVIL), ("certificate", EVIL)];
    pages.push((
        "explain".into(),
        visitor.submit("/explain", &explained).await.text,
    ));
    let mut shown = 0;
    for (path, text) in &pages {
        assert!(
            !text.contains("<script>") && !text.contains("<img"),
            "{path}: {text}"
        );
        shown += text.matches("&#60;script&#62;alert(1)").count();
    }
    // The token's name on each of ten pages, and the texts themselves.
    assert!(shown >= 20, "{shown}");
    let of = |wanted: &str| {
        &pages
            .iter()
            .find(|(path, _)| path == wanted)
            .expect("a page")
            .1
    };
    // Token, node, reason.
    assert_eq!(
        of("/fleet").matches("&#60;script&#62;alert(1)").count(),
        3,
        "{}",
        of("/fleet")
    );
    assert_eq!(
        of("/certificates")
            .matches("&#60;script&#62;alert(1)")
            .count(),
        2
    );
}

#[tokio::test]
async fn an_oversized_form_is_refused() {
    let program = Program::with(
        base(),
        &[&CONSOLE[..], &["--max-body-bytes", "10000"]].concat(),
    );
    let mut visitor = Visitor::signed_in(&program, &program.token).await;
    let huge = format!("form_secret=x&certificate={}", "A".repeat(20_000));
    for path in ["/explain", "/hostnames", "/sign-in"] {
        let page = visitor.post_body(path, huge.clone()).await;
        assert_eq!(page.status, 413, "{path} {page:?}");
    }
}

#[tokio::test]
async fn a_read_token_changes_nothing_and_sees_no_switch() {
    let program = program();
    program.put(json!([forward(HOST)])).await;
    let token = program.create_token(&["--zone", ZONE, "--permission", "read"]);
    let mut visitor = Visitor::signed_in(&program, &token).await;
    let page = visitor.get("/hostnames").await;
    assert!(page.text.contains(HOST), "{page:?}");
    assert!(!page.text.contains("role=\"switch\""), "{page:?}");
    assert!(!page.text.contains("/hostnames/add"), "{page:?}");
    let off = format!("zones/{ZONE} off {HOST}");
    let page = visitor.submit("/hostnames", &[("change", &off)]).await;
    assert_eq!(page.status, 403, "{page:?}");
    let scope = format!("zones/{ZONE}");
    let added = [("scope", scope.as_str()), ("hostname", "b.example.com")];
    let page = visitor.submit("/hostnames/add", &added).await;
    assert_eq!(page.status, 403, "{page:?}");
    assert_eq!(program.get().await.hostnames(), [HOST]);
}

#[tokio::test]
async fn a_token_sees_and_changes_its_own_zones_alone() {
    use crate::fixtures::OTHER_ZONE;
    let program = program();
    program.put(json!([forward(HOST)])).await;
    let token = program.create_token(&["--zone", OTHER_ZONE, "--permission", "write"]);
    let mut visitor = Visitor::signed_in(&program, &token).await;
    for path in [
        "/hostnames",
        "/audit",
        "/hostnames?scope=zones/023e105f4ecef8ad9ca31a8372d0c353",
    ] {
        let page = visitor.get(path).await;
        assert_eq!(page.status, 200);
        assert!(
            !page.text.contains(&format!(">{HOST}<")),
            "{path}: {page:?}"
        );
    }
    let page = visitor
        .get(&format!("/hostnames/setting?hostname={HOST}"))
        .await;
    assert_eq!(page.status, 404);
    let page = visitor.get("/fleet").await;
    assert!(!page.text.contains(">client_cert_forwarder<"), "{page:?}");
    let off = format!("zones/{ZONE} off {HOST}");
    let page = visitor.submit("/hostnames", &[("change", &off)]).await;
    assert_eq!(page.status, 403, "{page:?}");
    let explained = [("resource", "client_cert_forwarder"), ("hostname", HOST)];
    assert_eq!(visitor.submit("/explain", &explained).await.status, 403);
    assert_eq!(program.get().await.hostnames(), [HOST]);
}
