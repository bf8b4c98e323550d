//! Every panel of the dashboard has series, from real Envoys under load.

use std::{
    collections::BTreeSet,
    env, fs,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

use super::{
    load::{OUTCOMES, Site},
    read,
    server::Prometheus,
};

/// (title of the panel, legend, expression) of each query, with the variables set.
fn queries() -> Vec<(String, String, String)> {
    let dashboard: Value = serde_json::from_str(&read("dashboard.json")).expect("JSON");
    let mut queries = Vec::new();
    for panel in dashboard["panels"].as_array().expect("panels") {
        let title = panel["title"].as_str().expect("a title");
        for target in panel["targets"].as_array().into_iter().flatten() {
            let text = |key: &str| target[key].as_str().expect(key).to_owned();
            let expression = text("expr")
                .replace("$__rate_interval", "10s")
                .replace("$hostname", ".*");
            assert!(!expression.contains('$'), "{title}: {expression}");
            queries.push((title.to_owned(), text("legendFormat"), expression));
        }
    }
    assert!(queries.len() >= 20, "{queries:#?}");
    queries
}

/// The product's metrics that a text names.
fn metrics(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let words = text.split(|c| !is_part(c));
    let is_metric = |word: &&str| {
        let prefixes = ["client_cert_forwarder", "envoy_", "settings_api_"];
        prefixes.iter().any(|prefix| word.starts_with(prefix))
    };
    // Not metrics: the rules' group names.
    let is_name = |word: &&str| *word != "client_cert_forwarder" && *word != "settings_api";
    words
        .filter(is_metric)
        .filter(is_name)
        .map(str::to_owned)
        .collect()
}

fn seconds_since_1970() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("a clock after 1970").as_secs()
}

#[tokio::test]
async fn every_panel_and_every_alert_has_the_series_that_it_asks_for() {
    // `DASHBOARD_SAMPLES` names a file for a longer run's series, from which a figure is drawn.
    let samples = env::var_os("DASHBOARD_SAMPLES");
    let seconds = if samples.is_some() { 90 } else { 6 };
    let site = Site::start().await;
    let Some(prometheus) = Prometheus::start(&site.envoys(), site.settings_api.address()) else {
        return;
    };
    // Prometheus looks for targets every five seconds. A failure before the first scrape is none
    // that it could see.
    for _ in 0..300 {
        if prometheus.instant("up == 1").len() == site.envoys().len() + 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let (start, from) = (Instant::now(), seconds_since_1970());
    let mut rounds = 0;
    let mut has_failed = false;
    while start.elapsed() < Duration::from_secs(seconds) {
        if !has_failed && start.elapsed() > Duration::from_secs(seconds * 2 / 3) {
            site.fail().await;
            has_failed = true;
        }
        site.round(rounds).await;
        rounds += 1;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    if !has_failed {
        site.fail().await;
    }
    let mut missing = missing(&prometheus);
    while !missing.is_empty() && start.elapsed() < Duration::from_secs(seconds + 60) {
        tokio::time::sleep(Duration::from_millis(500)).await;
        site.round(rounds).await;
        rounds += 1;
        missing = self::missing(&prometheus);
    }
    assert!(missing.is_empty(), "after {rounds} rounds: {missing:#?}");
    assert!(site.served() > 10 * rounds);
    if let Some(file) = samples {
        let to = seconds_since_1970();
        let series = queries().into_iter().map(|(title, legend, expression)| {
            let series = prometheus.range(&expression, from, to);
            json!({ "panel": title, "legend": legend, "series": series })
        });
        let text = Value::from(series.collect::<Vec<_>>()).to_string();
        fs::write(file, text).expect("a written file");
    }
}

/// What has no series yet.
fn missing(prometheus: &Prometheus) -> Vec<String> {
    let mut missing = Vec::new();
    for (title, _, expression) in queries() {
        let has_value = |series: &Value| {
            let value = series["value"][1]
                .as_str()
                .and_then(|text| text.parse::<f64>().ok());
            value.is_some_and(f64::is_finite)
        };
        if !prometheus.instant(&expression).iter().any(has_value) {
            missing.push(format!("panel {title}: {expression}"));
        }
    }
    for metric in metrics(&read("rules.yml")) {
        if prometheus.instant(&metric).is_empty() {
            missing.push(format!("rules.yml: {metric}"));
        }
    }
    let outcomes = prometheus.instant("sum by (outcome) (client_cert_forwarder_requests) > 0");
    let outcomes: BTreeSet<&str> = outcomes
        .iter()
        .filter_map(|series| series["metric"]["outcome"].as_str())
        .collect();
    for outcome in OUTCOMES {
        if !outcomes.contains(outcome) {
            missing.push(format!("outcome {outcome}"));
        }
    }
    // What the last part of the load does raises these alerts.
    for alert in [
        "ClientCertFilterFailed",
        "ClientCertSpoofedHeaders",
        "SettingsApiUpdateRejected",
    ] {
        let expression = format!("ALERTS{{alertname=\"{alert}\"}}");
        if prometheus.instant(&expression).is_empty() {
            missing.push(format!("alert {alert}"));
        }
    }
    missing
}

#[test]
fn the_dashboard_is_one_that_grafana_can_import() {
    let dashboard: Value = serde_json::from_str(&read("dashboard.json")).expect("JSON");
    assert!(
        dashboard["schemaVersion"]
            .as_u64()
            .is_some_and(|version| version >= 36)
    );
    let panels = dashboard["panels"].as_array().expect("panels");
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64()).collect();
    assert_eq!(ids.len(), panels.len(), "each panel has an id of its own");
    let mut taken = BTreeSet::new();
    for panel in panels {
        let place = |key: &str| panel["gridPos"][key].as_u64().expect("a place");
        assert!(place("x") + place("w") <= 24, "{panel}");
        for x in place("x")..place("x") + place("w") {
            for y in place("y")..place("y") + place("h") {
                assert!(taken.insert((x, y)), "{} lies on another", panel["title"]);
            }
        }
        if panel["type"] != "row" {
            assert_eq!(panel["datasource"]["uid"], "${datasource}", "{panel}");
            assert!(
                panel["description"]
                    .as_str()
                    .is_some_and(|text| text.len() > 10)
            );
        }
    }
    let variables = dashboard["templating"]["list"]
        .as_array()
        .expect("variables");
    let names: Vec<_> = variables.iter().map(|variable| &variable["name"]).collect();
    assert_eq!(names, ["datasource", "hostname"]);
}
