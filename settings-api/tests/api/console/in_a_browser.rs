//! What a person does, in a real browser.

use std::sync::Arc;

use super::browser::{Browser, browse};
use super::visitor::{CONSOLE, program};
use crate::envoys::{DEFAULT_SETTINGS, Source, envoy, wait_until_forwarding};
use crate::fixtures::{base, forward};
use crate::program::Program;
use crate::simulated::{Subscriber, WAYS, channel};
use serde_json::json;
use support::Origin;

const HOST: &str = "api.example.com";
const RESOURCE: &str = "client_cert_forwarder";
/// Keys of WebDriver §17.4.2.
const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";
/// Names the folder of the documentation's pictures.
const PICTURES: &str = "CONSOLE_PICTURES";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_turns_a_hostname_on_and_watches_three_envoys_accept_and_then_reject() {
    let program = Arc::new(program());
    let origin = Arc::new(Origin::start().await);
    let (here, token) = (Arc::clone(&program), program.token.clone());
    browse(&program, true, async move |browser| {
        let mut envoys = Vec::new();
        for source in [Source::Aggregated, Source::Sotw, Source::Delta] {
            envoys.push(envoy(&here, source, DEFAULT_SETTINGS, &origin).await);
        }
        here.wait_for_status(|status| status["accepted"] == 3).await;
        browser.look(1200, 800, "light").await;
        browser.open("/sign-in").await;
        browser.picture(PICTURES, "sign-in").await;
        browser.sign_in(&token).await;
        browser.fill("#hostname", HOST).await;
        browser.click(".add button").await;
        browser
            .shows(".notice", "Forwarding is on for api.example.com.")
            .await;
        browser.picture(PICTURES, "hostnames").await;
        browser.open("/fleet").await;
        browser.evaluate("window.wasNotReloaded = true").await;
        browser.shows(".counts", "3 accepted").await;
        browser
            .shows("figcaption", "The last change reached all 3 of 3 Envoys in")
            .await;
        for envoy in &envoys {
            wait_until_forwarding(envoy, &origin, true).await;
        }
        // A module that no Envoy has: each rejects the version and says why.
        let mut broken = base();
        broken["resources"][RESOURCE]["wasm_filename"] = json!("/no/such/module.wasm");
        here.write("base.json", broken.to_string());
        browser.shows(".counts", "3 rejected").await;
        browser.shows(".reason", "/no/such/module.wasm").await;
        browser.picture(PICTURES, "fleet-rejected").await;
        here.write("base.json", base().to_string());
        browser.shows(".counts", "3 accepted").await;
        browser.picture(PICTURES, "fleet").await;
        let marker = browser
            .evaluate("return window.wasNotReloaded === true")
            .await;
        assert_eq!(marker, true, "the page was reloaded");
        for envoy in &envoys {
            wait_until_forwarding(envoy, &origin, true).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_can_be_done_by_keyboard_alone() {
    let program = Arc::new(program());
    let (here, token) = (Arc::clone(&program), program.token.clone());
    browse(&program, true, async move |browser| {
        browser.open("/sign-in").await;
        // The field has the focus.
        browser.press(&token).await;
        browser.press(ENTER).await;
        browser.shows("h1", "Hostnames").await;
        browser.press(TAB).await;
        assert_eq!(focused(&browser).await, "Skip to content");
        browser.press(ENTER).await;
        tab_to(&browser, "document.activeElement.id === 'hostname'").await;
        let outline = "return getComputedStyle(document.activeElement).outlineStyle";
        assert_eq!(
            browser.evaluate(outline).await,
            "solid",
            "the focus can be seen"
        );
        browser.press(HOST).await;
        browser.press(ENTER).await;
        browser.shows(".notice", "Forwarding is on").await;
        assert_eq!(here.get().await.hostnames(), [HOST]);
        let switch = "document.activeElement.getAttribute('role') === 'switch'";
        tab_to(&browser, switch).await;
        let state = "return document.activeElement.getAttribute('aria-checked')";
        assert_eq!(browser.evaluate(state).await, "true");
        browser.press(" ").await;
        browser.shows(".notice", "Forwarding is off").await;
        assert!(here.get().await.hostnames().is_empty());
        tab_to(
            &browser,
            "document.activeElement.textContent === 'Sign out'",
        )
        .await;
        browser.press(ENTER).await;
        browser.shows("h1", "Sign in").await;
    })
    .await;
}

async fn focused(browser: &Browser) -> String {
    let text = browser
        .evaluate("return document.activeElement.textContent")
        .await;
    text.as_str().unwrap_or_default().to_owned()
}

/// Presses the tab key until a condition holds.
async fn tab_to(browser: &Browser, condition: &str) {
    for _ in 0..60 {
        if browser.evaluate(&format!("return {condition}")).await == true {
            return;
        }
        browser.press(TAB).await;
    }
    panic!("60 tabs don't lead to where {condition}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_can_be_done_without_script() {
    let program = Arc::new(Program::with(base(), &CONSOLE));
    program.put(json!([forward("first.example.com")])).await;
    let (here, token) = (Arc::clone(&program), program.token.clone());
    browse(&program, false, async move |browser| {
        let channel = channel(here.xds()).await;
        let envoy = Subscriber::subscribe(channel, WAYS[0], "edge-1", &[RESOURCE], &[]);
        let mut envoy = envoy.await;
        let update = envoy.next().await;
        envoy.answer(&update, &[RESOURCE], None).await;
        browser.sign_in(&token).await;
        browser.fill("#hostname", HOST).await;
        browser.click(".add button").await;
        browser.shows(".notice", "Forwarding is on").await;
        let update = envoy.next().await;
        browser.open("/fleet").await;
        browser.shows(".counts", "1 pending").await;
        envoy.answer(&update, &[RESOURCE], None).await;
        here.wait_for_status(|status| status["accepted"] == 1).await;
        browser.click(".reload").await;
        browser.shows(".counts", "1 accepted").await;
        browser.open("/hostnames").await;
        browser.click("[role=switch]").await;
        browser
            .shows(".notice", "Forwarding is off for api.example.com")
            .await;
        browser.click(".who button").await;
        browser.shows("h1", "Sign in").await;
    })
    .await;
}
