//! No bytes make the reader panic, and no changed list passes for the CA's.

use crate::support::der::*;
use crate::support::pki::{Ca, List, entry, reason};
use crate::support::{authorities, now, read_all, serials};
use client_cert_crl::{Authorities, File, Signers};
use der::pem::{LineEnding, encode_string};
use std::env;

const ROUNDS: usize = 20_000;

fn random() -> fastrand::Rng {
    let seed = env::var("MUTATION_SEED").map_or_else(
        |_| fastrand::u64(..),
        |seed| seed.parse().expect("MUTATION_SEED is a number"),
    );
    println!("MUTATION_SEED={seed}");
    fastrand::Rng::with_seed(seed)
}

/// One to four changes: another octet, one less, one more, or a part left out, moved or repeated.
fn mutated(bytes: &[u8], random: &mut fastrand::Rng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..random.usize(1..=4) {
        let at = random.usize(0..bytes.len());
        let end = random.usize(at..=bytes.len().min(at + 40));
        match random.u8(0..7) {
            0 => bytes[at] = random.u8(..),
            1 => bytes[at] ^= 1 << random.u8(0..8),
            2 => drop(bytes.remove(at)),
            3 => bytes.insert(at, random.u8(..)),
            4 => drop(bytes.drain(at..end)),
            5 => bytes.extend_from_within(at..end),
            _ => bytes.truncate(at.max(1)),
        }
        if bytes.is_empty() {
            bytes.push(0x30);
        }
    }
    bytes
}

fn sample(ca: &Ca) -> Vec<u8> {
    let point = sequence(&[tlv(0x81, &[0xff]), tlv(0x83, &[5, 0b0110_0000])]);
    let mut list = List::with_extension(extension("2.5.29.28", true, &point));
    let key = tlv(SEQUENCE, &tlv(0x80, &[1; 20]));
    list.extensions.push(extension("2.5.29.35", false, &key));
    list.entries = vec![
        entry(&[0x12, 0x34], &[reason(1)]),
        entry(&[0xff, 0x00], &[reason(8)]),
        entry(&[0x00, 0x80, 0x01], &[]),
    ];
    ca.sign(&list)
}

#[test]
fn a_changed_list_is_never_taken_for_the_cas() {
    let ca = Ca::new("Example CA", 1);
    let authorities = authorities(&[ca.certificate()]);
    let der = sample(&ca);
    let original = read_all(&der, &authorities).unwrap();
    let pem = encode_string("X509 CRL", LineEnding::LF, &der).unwrap();
    let mut random = random();
    for round in 0..ROUNDS {
        let bytes = mutated([&der, pem.as_bytes()][round % 2], &mut random);
        // What is left intact may be read, twice too; nothing else may.
        for list in read_all(&bytes, &authorities).unwrap_or_default() {
            assert_eq!(serials(&list), serials(&original[0]), "{bytes:02x?}");
            assert_eq!(
                list.next_update(),
                original[0].next_update(),
                "{bytes:02x?}"
            );
        }
    }
}

/// Without the signature's check, mutations reach every part of the reader.
#[test]
fn a_changed_list_or_ca_certificate_never_makes_the_reader_panic() {
    let ca = Ca::new("Example CA", 1);
    let (der, certificate) = (sample(&ca), ca.certificate());
    let mut random = random();
    let mut taken = 0;
    for _ in 0..ROUNDS {
        let bytes = mutated(&der, &mut random);
        let file = File {
            name: "revoked.crl",
            bytes: &bytes,
        };
        let lists = client_cert_crl::read(&file, Signers::Unchecked, now()).unwrap_or_default();
        taken += usize::from(!lists.is_empty());
        let bytes = mutated(&certificate, &mut random);
        let file = File {
            name: "ca.pem",
            bytes: &bytes,
        };
        if let Ok(authorities) = Authorities::read(&[file]) {
            let _ = read_all(&der, &authorities);
        }
    }
    println!("{taken} of {ROUNDS} changed lists were well-formed");
    assert!(taken > ROUNDS / 100, "mutations reach too little: {taken}");
}
