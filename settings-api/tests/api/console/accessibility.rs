//! axe-core finds no barrier on any page, narrow and wide, light and dark.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::browser::{Browser, browse};
use super::visitor::CONSOLE;
use crate::fixtures::{base, forward};
use crate::program::Program;
use crate::python_packages;
use crate::simulated::{Subscriber, WAYS, channel};

const HOST: &str = "a-hostname-that-is-long-enough-to-be-broken.example.com";
const RESOURCE: &str = "client_cert_forwarder";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn axe_finds_no_barrier_and_no_page_scrolls_sideways() {
    let mut base = base();
    base["resources"]["other"]["plugin"]["revoked_certificates"] =
        json!([{ "sha256": "ab".repeat(32) }]);
    let program = Arc::new(Program::with(base, &CONSOLE));
    program
        .put(json!([forward(HOST), forward("b.example.com")]))
        .await;
    let (here, token) = (Arc::clone(&program), program.token.clone());
    browse(&program, true, async move |browser| {
        let channel = channel(here.xds()).await;
        let mut envoys = Vec::new();
        for (node, error) in [("edge-1", None), ("edge-2", Some("no such module"))] {
            let envoy = Subscriber::subscribe(channel.clone(), WAYS[0], node, &[RESOURCE], &[]);
            let mut envoy = envoy.await;
            let update = envoy.next().await;
            envoy.answer(&update, &[RESOURCE], error).await;
            envoys.push(envoy);
        }
        here.wait_for_status(|status| status["rejected"] == 1).await;
        let requirement = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/axe-requirement.txt");
        let folder = python_packages::install(&requirement);
        let axe = folder.join("axe_playwright_python/axe.min.js");
        let axe = std::fs::read_to_string(axe).expect("axe-core");
        browser.open("/sign-in").await;
        check(&browser, &axe, "sign-in").await;
        browser.sign_in(&token).await;
        for path in [
            "/hostnames",
            "/fleet",
            "/certificates",
            "/audit",
            "/no/such/page",
        ] {
            browser.open(path).await;
            check(&browser, &axe, path.trim_matches('/')).await;
        }
        browser
            .open(&format!("/hostnames/setting?hostname={HOST}"))
            .await;
        check(&browser, &axe, "setting").await;
        browser.open("/explain").await;
        browser.fill("#hostname", HOST).await;
        let pem = support::pki().client.chain_pem();
        browser.fill("#certificate", &pem).await;
        browser.click("main form button").await;
        browser.shows("h2", "The filter’s answer").await;
        check(&browser, &axe, "explain").await;
    })
    .await;
}

/// Runs axe in each look. The page's own script must not change the page meanwhile.
async fn check(browser: &Browser, axe: &str, page: &str) {
    for (width, scheme) in [
        (360, "dark"),
        (1600, "light"),
        (360, "light"),
        (1600, "dark"),
    ] {
        browser.look(width, 900, scheme).await;
        let overflow = "return document.documentElement.scrollWidth - innerWidth";
        let overflow = browser.evaluate(overflow).await;
        assert!(
            overflow.as_i64() <= Some(0),
            "{page} at {width}: {overflow} pixels too wide"
        );
        let name = format!("{}-{width}-{scheme}", page.replace('/', "-"));
        browser.picture("CONSOLE_LOOKS", &name).await;
        let loaded = browser.evaluate("return typeof axe === 'object'").await;
        if loaded != true {
            browser.evaluate(axe).await;
        }
        let run = "return axe.run().then(it => it.violations.map(it => ({ id: it.id, help: it.help, \
            nodes: it.nodes.map(it => it.html + it.failureSummary) })))";
        let violations = browser.evaluate(run).await;
        assert_eq!(
            violations,
            json!([]),
            "{page} at {width}, {scheme}: {violations:#}"
        );
    }
}
