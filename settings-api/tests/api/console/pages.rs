//! What the pages show and do.

use serde_json::json;

use super::visitor::{CONSOLE, Visitor, program};
use crate::certificate_authority::{CertificateAuthority, ISSUER};
use crate::fixtures::{ACCOUNT, ZONE, base, forward};
use crate::program::Program;
use crate::simulated::{Subscriber, WAYS, channel};

const HOST: &str = "api.example.com";

#[tokio::test]
async fn the_switch_turns_forwarding_on_and_off_through_the_api() {
    let program = program();
    let mut visitor = Visitor::signed_in(&program, &program.token).await;
    let scope = format!("zones/{ZONE}");
    let added = [("scope", scope.as_str()), ("hostname", " API.example.com ")];
    let page = visitor.submit("/hostnames/add", &added).await;
    assert_eq!((page.status, page.header("location")), (303, "/hostnames"));
    assert_eq!(program.get().await.hostnames(), [HOST]);
    let page = visitor.get("/hostnames").await;
    assert!(
        page.text.contains("Forwarding is on for API.example.com."),
        "{page:?}"
    );
    assert!(page.text.contains("aria-checked=\"true\""), "{page:?}");
    assert!(
        !visitor
            .get("/hostnames")
            .await
            .text
            .contains("Forwarding is on for")
    );

    let change = page.after("name=\"change\" value=\"").to_owned();
    assert_eq!(change, format!("zones/{ZONE} off {HOST}"));
    let fields = [("change", change.as_str()), ("back", "q=api&page=1&evil=1")];
    let page = visitor.submit("/hostnames", &fields).await;
    assert_eq!(
        (page.status, page.header("location")),
        (303, "/hostnames?q=api&page=1")
    );
    assert!(program.get().await.hostnames().is_empty());
    let audit = visitor.get("/audit").await;
    for text in [
        HOST,
        "not set → <b>on</b>",
        "on → <b>not set</b>",
        "127.0.0.1",
    ] {
        assert!(audit.text.contains(text), "{text}: {audit:?}");
    }
}

#[tokio::test]
async fn a_refused_hostname_says_why() {
    let program = program();
    let mut visitor = Visitor::signed_in(&program, &program.token).await;
    let scope = format!("zones/{ZONE}");
    let fields = [("scope", scope.as_str()), ("hostname", "api.example.org")];
    visitor.submit("/hostnames/add", &fields).await;
    let page = visitor.get("/hostnames").await;
    assert!(page.text.contains("Nothing changed: "), "{page:?}");
    assert!(
        page.text.contains("is not below the domains of"),
        "{page:?}"
    );
    for change in [
        "",
        "zones/x",
        "zones/x maybe a.example.com",
        "moon on a.example.com",
    ] {
        let page = visitor.submit("/hostnames", &[("change", change)]).await;
        assert_eq!(page.status, 400, "{change}");
    }
}

#[tokio::test]
async fn hostnames_are_searched_filtered_and_paged() {
    let program = program();
    let all: Vec<_> = (0..120)
        .map(|number| forward(&format!("h{number:03}.example.com")))
        .collect();
    program.put(json!(all)).await;
    let mut visitor = Visitor::signed_in(&program, &program.token).await;
    let page = visitor.get("/hostnames").await;
    assert!(page.text.contains("1–50 of 120"), "{page:?}");
    let next = page.after("rel=\"next\" href=\"").to_owned();
    assert_eq!(next, "/hostnames?page=2");
    assert!(visitor.get(&next).await.text.contains("h099.example.com"));
    let page = visitor.get("/hostnames?q=H11").await;
    assert!(page.text.contains("1–10 of 10"), "{page:?}");
    assert!(
        visitor
            .get("/hostnames?forwarding=off")
            .await
            .text
            .contains("Nothing found")
    );
}

#[tokio::test]
async fn a_setting_shows_where_each_value_comes_from() {
    let mut base = base();
    base["resources"]["client_cert_forwarder"]["hostname_defaults"] =
        json!({ "forward_on": "every_request" });
    let program = Program::with(base, &CONSOLE);
    program.put(json!([forward(HOST)])).await;
    let mut visitor = Visitor::signed_in(&program, &program.token).await;
    let page = visitor
        .get(&format!("/hostnames/setting?hostname={HOST}"))
        .await;
    for text in [
        &format!("API: zones/{ZONE}"),
        "base.json: resources.client_cert_forwarder.hostname_defaults",
        "default",
        "every_request",
    ] {
        assert!(page.text.contains(text), "{text}: {page:?}");
    }
    let token = program.create_token(&["--account", ACCOUNT, "--permission", "read"]);
    let mut of_account = Visitor::signed_in(&program, &token).await;
    let page = of_account
        .get(&format!("/hostnames/setting?hostname={HOST}"))
        .await;
    assert_eq!(
        page.status, 404,
        "set by the zone, which the token can't read"
    );
}

#[tokio::test]
async fn the_fleet_shows_who_accepted_and_who_rejected_and_why() {
    let program = program();
    program.put(json!([forward(HOST)])).await;
    let names = ["client_cert_forwarder"];
    let mut envoys = Vec::new();
    for (node, accepts) in [("edge-1", true), ("edge-2", false)] {
        let channel = channel(program.xds()).await;
        let mut envoy = Subscriber::subscribe(channel, WAYS[1], node, &names, &[]).await;
        let update = envoy.next().await;
        let error = (!accepts).then_some("no such module");
        envoy.answer(&update, &names, error).await;
        envoys.push(envoy);
    }
    program
        .wait_for_status(|status| status["rejected"] == 1 && status["accepted"] == 1)
        .await;
    let mut visitor = Visitor::signed_in(&program, &program.token).await;
    let page = visitor.get("/fleet").await;
    let place = |text: &str| {
        page.text
            .find(text)
            .unwrap_or_else(|| panic!("{text}: {page:?}"))
    };
    assert!(
        place("edge-2") < place("edge-1"),
        "the one that rejected comes first"
    );
    assert!(place("no such module") > place("edge-2"));
    let page = visitor.get("/fleet?state=accepted&q=EDGE").await;
    assert!(
        page.text.contains("edge-1") && !page.text.contains("edge-2"),
        "{page:?}"
    );
}

#[tokio::test]
async fn certificates_lists_what_is_revoked() {
    let mut base = base();
    base["resources"]["other"]["plugin"]["revoked_certificates"] = json!([
        { "sha256": "ab".repeat(32) },
        { "issuer_dn": "CN=Partner CA", "serial": "0A1B" }
    ]);
    let program = Program::with(base, &CONSOLE);
    let mut visitor = Visitor::signed_in(&program, &program.token).await;
    let page = visitor.get("/certificates").await;
    for text in ["ab".repeat(32).as_str(), "CN=Partner CA", "A1B", "1–2 of 2"] {
        assert!(page.text.contains(text), "{text}: {page:?}");
    }
    let page = visitor.get("/certificates?q=partner").await;
    assert!(page.text.contains("1–1 of 1"), "{page:?}");
}

#[tokio::test]
async fn explain_shows_the_filters_decision() {
    let program = program();
    program.put(json!([forward(HOST)])).await;
    let mut visitor = Visitor::signed_in(&program, &program.token).await;
    let client = &support::pki().client;
    let pem = client.chain_pem();
    let resource = ("resource", "client_cert_forwarder");
    let fields = [resource, ("hostname", HOST), ("certificate", &pem)];
    let page = visitor.submit("/explain", &fields).await;
    assert_eq!(page.status, 200, "{page:?}");
    for text in [
        client.sha256().as_str(),
        "settings[0]",
        "the origin has it from an earlier request",
    ] {
        assert!(page.text.contains(text), "{text}: {page:?}");
    }
    let page = visitor.submit("/explain", &[fields[0], fields[1]]).await;
    assert!(
        page.text.contains("the client presented no certificate"),
        "{page:?}"
    );
    let page = visitor
        .submit(
            "/explain",
            &[&fields[..], &[("unverified", "yes")]].concat(),
        )
        .await;
    assert!(page.text.contains("does not count as verified"), "{page:?}");
    let page = visitor
        .submit(
            "/explain",
            &[resource, ("hostname", HOST), ("certificate", "x")],
        )
        .await;
    assert_eq!(page.status, 400, "{page:?}");
    assert!(page.text.contains("holds no certificate"), "{page:?}");
}

#[tokio::test]
async fn certificates_lists_crls_with_their_next_update() {
    let ca = CertificateAuthority::new();
    let mut base = base();
    base["crls"] = json!([{ "file": "ca.crl", "ca": "ca.pem" }]);
    let mut program = Program::stopped(base, &CONSOLE);
    program.write("ca.pem", ca.certificate());
    program.write("ca.crl", ca.crl(&["01A2"], ""));
    program.run();
    let crls = program.status().await["crls"].clone();
    let next_update = crls[0]["lists"][0]["next_update"].as_str();
    let mut visitor = Visitor::signed_in(&program, &program.token).await;
    let page = visitor.get("/certificates").await;
    let next_update = next_update.expect("a time");
    for text in ["ca.crl", ISSUER, next_update, "1A2", "1–2 of 2"] {
        assert!(page.text.contains(text), "{text}: {page:?}");
    }
}
