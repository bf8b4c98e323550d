//! The final checks: the counts of clients, origin and Envoy agree, nothing failed, nothing grew.

use std::collections::BTreeSet;

use support::Envoy;

use crate::{
    load::Tally,
    memory::{Growth, Sample, envoy_growth, vm_growth},
    model::Counters,
    origin::Counts,
    plan::HOSTS,
};

/// One thing that has to hold.
pub(crate) struct Check {
    pub(crate) what: String,
    pub(crate) expected: String,
    pub(crate) counted: String,
    pub(crate) held: Held,
}

/// Whether it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    Yes,
    No,
    /// Nobody can tell.
    Unknown,
}

/// Every check of a run that is over, with no connection open any more.
pub(crate) async fn checks(
    envoy: &Envoy,
    tally: &Tally,
    origin: &Counts,
    samples: &[Sample],
) -> Vec<Check> {
    let counted: Counters = envoy
        .outcomes()
        .await
        .into_iter()
        .map(|(hostname, outcome, count)| ((hostname, outcome), count))
        .collect();
    let mut checks = counters(&tally.counters, &counted);
    checks.extend(delivered(origin, &counted));
    let stat = |name: &'static str| async move { (name, envoy.stat(name).await) };
    for (expected, (name, counted)) in [
        (
            tally.connections(),
            stat("http.main.downstream_cx_total").await,
        ),
        (
            tally.requests(),
            stat("http.main.downstream_rq_total").await,
        ),
        (
            tally.at_origin,
            stat("cluster.origin.upstream_rq_total").await,
        ),
    ] {
        checks.push(equal(name, expected, counted));
    }
    checks.push(equal(
        "requests at the origin",
        tally.at_origin,
        origin.requests,
    ));
    checks.push(equal(
        "certificates at the origin that it did not answer",
        tally.unanswered,
        origin.unanswered.values().sum(),
    ));
    checks.push(equal("forged headers at the origin", 0, origin.forged));
    checks.push(equal(
        "responses and connections that went wrong",
        0,
        tally.failures,
    ));
    checks.extend(vm_reloads(&envoy.admin("/stats?filter=^wasm").await));
    let errors = ["][error]", "][critical]"].map(|level| envoy.log_lines_with(level).len() as u64);
    checks.push(equal("errors in Envoy's log", 0, errors.iter().sum()));
    checks.push(growth("Envoy's memory", envoy_growth(samples)));
    checks.push(growth("the VMs' memory", vm_growth(samples)));
    checks
}

/// Compares the filter's counters with the clients' expectations.
fn counters(expected: &Counters, counted: &Counters) -> Vec<Check> {
    let keys: BTreeSet<_> = expected.keys().chain(counted.keys()).collect();
    keys.into_iter()
        .map(|key| {
            let count = |counters: &Counters| counters.get(key).copied().unwrap_or_default();
            let (hostname, outcome) = key;
            equal(
                &format!("{outcome} {hostname}"),
                count(expected),
                count(counted),
            )
        })
        .collect()
}

/// Compares the origin's answers to requests with the certificate with the filter's deliveries.
fn delivered(origin: &Counts, counted: &Counters) -> Vec<Check> {
    let settings: BTreeSet<&str> = HOSTS.iter().map(|host| host.setting).collect();
    settings
        .into_iter()
        .map(|setting| {
            let at_origin = HOSTS
                .iter()
                .filter(|host| host.setting == setting)
                .filter_map(|host| origin.answered.get(host.name))
                .sum();
            let delivered = ["forwarded", "too_large"]
                .iter()
                .filter_map(|outcome| counted.get(&(setting.to_owned(), (*outcome).to_owned())))
                .sum();
            equal(
                &format!("certificates that the origin answered, {setting}"),
                at_origin,
                delivered,
            )
        })
        .collect()
}

/// `wasm.client_cert_forwarder.vm_reload` and its kin: there, and 0.
fn vm_reloads(stats: &str) -> Vec<Check> {
    let mut checks: Vec<Check> = stats
        .lines()
        .filter_map(|line| line.split_once(": "))
        .filter(|(name, _)| name.contains(".vm_reload"))
        .map(|(name, value)| equal(name, 0, value.parse().unwrap_or(u64::MAX)))
        .collect();
    if checks.is_empty() {
        checks.push(Check {
            what: "VM reloads".to_owned(),
            expected: "0".to_owned(),
            counted: "Envoy has no such statistic".to_owned(),
            held: Held::No,
        });
    }
    checks
}

fn equal(what: &str, expected: u64, counted: u64) -> Check {
    Check {
        what: what.to_owned(),
        expected: expected.to_string(),
        counted: counted.to_string(),
        held: if expected == counted {
            Held::Yes
        } else {
            Held::No
        },
    }
}

fn growth(what: &str, growth: Growth) -> Check {
    let (counted, held) = match growth {
        Growth::Flat(words) => (words, Held::Yes),
        Growth::Grew(words) => (words, Held::No),
        Growth::Unknown(why) => (why.to_owned(), Held::Unknown),
    };
    Check {
        what: what.to_owned(),
        expected: "flat after warm-up".to_owned(),
        counted,
        held,
    }
}
