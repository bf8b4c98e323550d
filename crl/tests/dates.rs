//! A list counts from `thisUpdate` to `nextUpdate`.

use crate::support::pki::{Ca, List};
use crate::support::{authorities, now, read, read_all};
use client_cert_crl::Reason;
use std::time::Duration;

fn read_dated(this_update: &'static str, next_update: &'static str) -> Result<(), Reason> {
    let ca = Ca::new("Example CA", 1);
    let mut list = List::new(Vec::new());
    list.this_update = this_update;
    list.next_update = Some(next_update);
    read(&ca.sign(&list), &authorities(&[ca.certificate()])).map(|_| ())
}

#[test]
fn a_list_is_taken_from_this_update_less_a_minute_to_next_update() {
    // It is 2026-01-15T00:00:00Z.
    assert_eq!(read_dated("260115000000Z", "260115000000Z"), Ok(()));
    assert_eq!(read_dated("260115000100Z", "260116000000Z"), Ok(()));
    let early = read_dated("260115000101Z", "260116000000Z").unwrap_err();
    assert_eq!(
        early.to_string(),
        "not valid before 2026-01-15T00:01:01Z; check this machine's clock"
    );
    let late = read_dated("260114000000Z", "260114235959Z").unwrap_err();
    assert_eq!(
        late.to_string(),
        "expired at 2026-01-14T23:59:59Z; fetch the CA's current CRL"
    );
}

#[test]
fn a_list_that_was_taken_expires_as_time_passes() {
    let ca = Ca::new("Example CA", 1);
    let der = ca.sign(&List::new(Vec::new()));
    let list = read(&der, &authorities(&[ca.certificate()])).unwrap();
    assert_eq!(list.check_dates(now()), Ok(()));
    let error = list
        .check_dates(now() + Duration::from_secs(366 * 86400))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "revoked.crl, CRL of \"CN=Example CA\": expired at 2027-01-01T00:00:00Z; \
         fetch the CA's current CRL"
    );
}

#[test]
fn an_impossible_date_is_malformed() {
    for time in ["260132000000Z", "260101000000", "2601010000Z", ""] {
        assert!(
            matches!(read_dated(time, "270101000000Z"), Err(Reason::Malformed(_))),
            "{time}"
        );
    }
}

#[test]
fn an_expired_list_of_an_unknown_signer_is_refused_for_its_signer() {
    let (ca, impostor) = (Ca::new("Example CA", 1), Ca::new("Example CA", 2));
    let mut list = List::new(Vec::new());
    list.next_update = Some("260102000000Z");
    let errors = read_all(&impostor.sign(&list), &authorities(&[ca.certificate()])).unwrap_err();
    assert!(matches!(*errors[0].reason, Reason::BadSignature { .. }));
}
