//! Long lists are quick.

use crate::support::pki::{Ca, List, entry, reason};
use crate::support::{authorities, read};
use client_cert_crl::revoked_certificates;
use std::time::{Duration, Instant};

/// About ten times what two busy cores take, with and without optimisation.
const MOST_TIME: Duration = Duration::from_secs(if cfg!(debug_assertions) { 25 } else { 2 });

#[test]
fn a_list_of_50_000_entries_is_read_quickly() {
    let entries = (0..50_000_u32)
        .map(|serial| {
            let random = u128::from(serial).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
            entry(
                &[&[0x11], random.to_be_bytes().as_slice()].concat(),
                &[reason(1)],
            )
        })
        .collect();
    let ca = Ca::new("Example CA", 1);
    let der = ca.sign(&List::new(entries));
    let authorities = authorities(&[ca.certificate()]);

    let start = Instant::now();
    let list = read(&der, &authorities).unwrap();
    let read_in = start.elapsed();
    let json = serde_json::to_string(&revoked_certificates([&list])).unwrap();
    let in_all = start.elapsed();
    println!(
        "50,000 entries, {} bytes: read in {read_in:?}, as {} bytes of JSON in {in_all:?}",
        der.len(),
        json.len()
    );
    assert_eq!(list.serials().len(), 50_000);
    assert!(in_all < MOST_TIME, "{in_all:?}");
}

#[test]
fn a_long_list_of_entries_that_are_taken_back_is_read_quickly() {
    let serials = (0..25_000_u32).map(|serial| [&[0x11], serial.to_be_bytes().as_slice()].concat());
    let (revoked, removed): (Vec<_>, Vec<_>) = serials
        .map(|serial| (entry(&serial, &[]), entry(&serial, &[reason(8)])))
        .unzip();
    let ca = Ca::new("Example CA", 1);
    let der = ca.sign(&List::new([revoked, removed].concat()));
    let start = Instant::now();
    let list = read(&der, &authorities(&[ca.certificate()])).unwrap();
    assert_eq!(list.serials().len(), 0);
    assert!(start.elapsed() < MOST_TIME, "{:?}", start.elapsed());
}
