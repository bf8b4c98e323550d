//! OpenSSL is the oracle: what the filter says of a certificate is what `openssl x509` of this machine says of it, for real roots, for
//! certificates made by a library, and for hand-made ones that no library would make.
//!
//! Random certificates come from a seed, which is printed; `DIFFERENTIAL_SEED=…` repeats a run.

mod boringssl;
mod corpus;
mod oracle;
mod typed_names;
mod x509_cert;

use client_cert_forwarder::certificate::field::Field;
use client_cert_forwarder::certificate::{Certificate, Limits};
use corpus::Case;
use oracle::Printed;
use std::sync::Mutex;
use std::{env, thread};
use support::der;

/// Nothing in the corpus is too large for these.
const LIMITS: Limits = Limits {
    max_certificate_bytes: 1 << 20,
    max_certificate_chain_bytes: 1 << 20,
};

#[test]
fn fields_are_what_openssl_prints() {
    if !oracle::is_there() {
        return;
    }
    let seed = env::var("DIFFERENTIAL_SEED").map_or_else(
        |_| fastrand::u64(..),
        |seed| seed.parse().expect("DIFFERENTIAL_SEED is a number"),
    );
    println!("DIFFERENTIAL_SEED={seed}");

    let cases = corpus::all(&mut fastrand::Rng::with_seed(seed));
    let differences = compare_all(&cases);
    println!(
        "{} certificates compared with {}",
        cases.len(),
        oracle::version()
    );
    assert!(
        differences.is_empty(),
        "{} differences:\n{}",
        differences.len(),
        differences.join("\n")
    );
}

/// What can't be the same, or must not be. Every entry stands in the README; one that is no difference any more fails here.
#[test]
fn the_known_differences_are_these() {
    if !oracle::is_there() {
        return;
    }
    for (case, field, printed, ours) in corpus::known_differences() {
        let openssl =
            Printed::of(&case.der).unwrap_or_else(|error| panic!("{}: {error}", case.label));
        let of_openssl = openssl
            .fields()
            .into_iter()
            .find(|(known, _)| *known == field)
            .map(|(_, value)| value.to_owned());
        assert_eq!(
            of_openssl.as_deref(),
            Some(printed),
            "{}: OpenSSL",
            case.label
        );
        assert_eq!(value(&case, field), ours, "{}: ours", case.label);
    }
}

#[tokio::test]
async fn explore_envoy() {
    let cases = corpus::all(&mut fastrand::Rng::with_seed(1));
    let cases: Vec<&Case> = cases.iter().collect();
    let results = boringssl::lets_in(&cases).await;
    println!(
        "{} of {}",
        results.iter().filter(|x| **x).count(),
        results.len()
    );
}

#[test]
fn explore_x509_cert() {
    let seed = env::var("DIFFERENTIAL_SEED").map_or(1, |seed| seed.parse().unwrap());
    let cases = corpus::all(&mut fastrand::Rng::with_seed(seed));
    let mut counts = std::collections::BTreeMap::<String, usize>::new();
    for case in &cases {
        let comparison = x509_cert::compare(&case.der, |field| value(case, field));
        for part in &comparison.refused {
            *counts.entry(format!("{part:?}")).or_default() += 1;
        }
        if !comparison.refused.is_empty() && !case.label.starts_with("random") {
            println!("REFUSED {:?} {}", comparison.refused, case.label);
        }
        for d in comparison.differences {
            println!("DIFF {} {d}", case.label);
        }
    }
    println!("{} {counts:?}", cases.len());
}

/// Compares on all cores, since every certificate takes two runs of `openssl`. Gives one line for each difference.
fn compare_all(cases: &[Case]) -> Vec<String> {
    let differences = Mutex::new(Vec::new());
    let remaining = Mutex::new(cases.iter());
    let workers = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(case) = { remaining.lock().unwrap().next() } {
                    let found = compare(case);
                    differences.lock().unwrap().extend(found);
                }
            });
        }
    });
    differences.into_inner().unwrap()
}

fn compare(case: &Case) -> Vec<String> {
    let printed = match Printed::of(&case.der) {
        Ok(printed) => printed,
        Err(error) => {
            return vec![format!(
                "{}: OpenSSL can't read it: {error}\n  {}",
                case.label,
                der::hex(&case.der)
            )];
        }
    };
    printed
        .fields()
        .into_iter()
        .map(|(field, expected)| (field, as_header_value(field, expected), value(case, field)))
        .filter(|(_, expected, actual)| expected != actual)
        .map(|(field, expected, actual)| {
            format!(
                "{}, {field:?}:\n  openssl {expected:?}\n  ours    {actual:?}\n  {}",
                case.label,
                der::hex(&case.der)
            )
        })
        .collect()
}

fn value(case: &Case, field: Field) -> String {
    Certificate::new(case.der.clone(), Vec::new()).value(field, &LIMITS)
}

/// What OpenSSL prints, in the form that a header can carry: no space at the end, no line ends in long serials, nothing for no date.
fn as_header_value(field: Field, printed: &str) -> String {
    let code_of_last_space = match field {
        Field::CertSubjectDnLegacy | Field::CertIssuerDnLegacy => "\\x20",
        // The space has its backslash already.
        _ => "20",
    };
    match (field, printed.strip_suffix(' ')) {
        (_, Some(rest)) => format!("{rest}{code_of_last_space}"),
        (Field::CertSerial, None) => printed.replace("\\\n", ""),
        (Field::CertNotBefore | Field::CertNotAfter, None) if printed == "Bad time value" => {
            String::new()
        }
        _ => printed.to_owned(),
    }
}
