//! The filter's fields of a certificate against two oracles: the text that this machine's
//! `openssl x509` prints, and the values that the crate `x509-cert` reads. The certificates are
//! NIST PKITS and other odd ones, real roots, some made by a library, and hand-made ones that no
//! library would make.
//!
//! Random certificates come from a seed, which is printed; `DIFFERENTIAL_SEED=…` repeats a run.

mod boringssl;
mod corpus;
mod oracle;
mod refused;
mod typed_names;
mod x509_cert;

use client_cert_forwarder::certificate::field::Field;
use client_cert_forwarder::certificate::{Certificate, Limits};
use corpus::Case;
use oracle::Printed;
use std::collections::BTreeSet;
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
    let cases = corpus::all(&mut rng());
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

/// The differences that can't be avoided, or are wanted. Every entry stands in the README; one that
/// is no difference any more fails here.
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

#[test]
fn fields_are_what_x509_cert_reads() {
    if !oracle::is_there() {
        return;
    }
    let mut differences = Vec::new();
    let cases = corpus::all(&mut rng());
    let mut whole = 0;
    for case in &cases {
        let comparison = x509_cert::compare(&case.der, |field| value(case, field));
        whole += usize::from(comparison.refused.is_empty());
        let hex = der::hex(&case.der);
        let lines = comparison.differences.into_iter();
        differences.extend(lines.map(|line| format!("{}, {line}\n  {hex}", case.label)));
    }
    println!(
        "{whole} of {} certificates compared with x509-cert to the last field",
        cases.len()
    );
    assert!(
        differences.is_empty(),
        "{} differences:\n{}",
        differences.len(),
        differences.join("\n")
    );
    assert!(whole * 4 > cases.len() * 3, "only {whole} were compared");
}

/// The reason why the filter reads with `der` and not with `x509-cert`: clients with such
/// certificates are served.
#[tokio::test]
async fn the_certificates_that_x509_cert_refuses_and_envoy_lets_in_are_these() {
    if !oracle::is_there() {
        return;
    }
    let cases = corpus::fixed();
    if !cases.iter().any(|case| case.label.starts_with("x509/")) {
        return;
    }
    let refused: Vec<(&Case, x509_cert::Part)> = cases
        .iter()
        .flat_map(|case| {
            let parts = x509_cert::compare(&case.der, |field| value(case, field)).refused;
            parts.into_iter().map(move |part| (case, part))
        })
        .collect();
    let of_refused: Vec<&Case> = refused.iter().map(|(case, _)| *case).collect();
    let let_in = boringssl::lets_in(&of_refused).await;
    let mut found: Vec<(String, x509_cert::Part)> = refused
        .iter()
        .zip(let_in)
        .filter(|(_, is_let_in)| *is_let_in)
        .map(|((case, part), _)| (case.label.clone(), *part))
        .collect();
    println!(
        "of {} certificates x509-cert refuses {}; Envoy lets {} of these in",
        cases.len(),
        refused.len(),
        found.len()
    );
    for (label, part, count, why) in refused::LET_IN {
        let before = found.len();
        found.retain(|(known, known_part)| !(known.starts_with(label) && known_part == part));
        assert_eq!(before - found.len(), *count, "{label}: {why}");
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// Prints its seed.
fn rng() -> fastrand::Rng {
    let seed = env::var("DIFFERENTIAL_SEED").map_or_else(
        |_| fastrand::u64(..),
        |seed| seed.parse().expect("DIFFERENTIAL_SEED is a number"),
    );
    println!("DIFFERENTIAL_SEED={seed}");
    fastrand::Rng::with_seed(seed)
}

/// Compares on all cores, since every certificate takes two runs of `openssl`. Gives one line for
/// each difference.
fn compare_all(cases: &[Case]) -> Vec<String> {
    let differences = Mutex::new(Vec::new());
    let not_read = Mutex::new(BTreeSet::new());
    let remaining = Mutex::new(cases.iter());
    let workers = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(case) = { remaining.lock().unwrap().next() } {
                    match Printed::of(&case.der) {
                        Ok(printed) => {
                            let found = compare(case, &printed);
                            differences.lock().unwrap().extend(found);
                        }
                        Err(_) => drop(not_read.lock().unwrap().insert(case.label.as_str())),
                    }
                }
            });
        }
    });
    let mut differences = differences.into_inner().unwrap();
    let not_read = not_read.into_inner().unwrap();
    let expected = refused::BY_OPENSSL.into_iter();
    let expected: BTreeSet<&str> = expected
        .filter(|label| cases.iter().any(|case| case.label == *label))
        .collect();
    if not_read != expected {
        differences.push(format!("OpenSSL can't read {not_read:?}"));
    }
    differences
}

fn compare(case: &Case, printed: &Printed) -> Vec<String> {
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

/// Puts OpenSSL's text into the form that a header can carry: no space at the end, no line
/// ends in long serials, nothing for no date, and no name that could pass for two in a list.
fn as_header_value(field: Field, printed: &str) -> String {
    if let Field::CertSanDns | Field::CertSanUri | Field::CertSanEmail = field {
        let is_listed = |name: &&str| name.bytes().all(|byte| byte.is_ascii_graphic());
        let listed: Vec<&str> = printed.split(',').filter(is_listed).collect();
        return listed.join(",");
    }
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
