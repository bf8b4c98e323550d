//! Dates as OpenSSL's `ASN1_TIME_print` and nginx's `$ssl_client_v_start` write them
//! (`May  5 23:11:00 2024 GMT`), and in RFC 3339.
//!
//! BoringSSL ends the handshake for a date that doesn't exist, has a fraction of a second or leaves
//! the seconds out, so nothing here looks for those.

use super::tlv::Element;

const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// Writes a date with its day padded by a space to two places and its year not padded.
/// `None` for all but a `UTCTime` or `GeneralizedTime` in UTC: RFC 5280 §4.1.2.5 allows no other
/// time zone.
pub(super) fn text(time: &Element<'_>) -> Option<String> {
    let (year, [month, day, hour, minute, second]) = parse(time)?;
    let month = MONTHS.get(usize::try_from(month.checked_sub(1)?).ok()?)?;
    Some(format!(
        "{month} {day:2} {hour:02}:{minute:02}:{second:02} {year} GMT"
    ))
}

/// Writes the same instant as RFC 3339 §5.6 does: `2024-05-05T23:11:00Z`.
pub(super) fn rfc3339(time: &Element<'_>) -> Option<String> {
    let (year, [month, day, hour, minute, second]) = parse(time)?;
    Some(format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
    ))
}

/// Returns the year, and month, day, hour, minute and second.
fn parse(time: &Element<'_>) -> Option<(u32, [u32; 5])> {
    let (pairs, []) = time.value.strip_suffix(b"Z")?.as_chunks::<2>() else {
        return None;
    };
    let numbers: Vec<u32> = pairs.iter().map(two_digits).collect::<Option<_>>()?;
    match (time.tag, numbers.as_slice()) {
        // RFC 5280 §4.1.2.5.1: two digits mean 1950 to 2049.
        (UTC_TIME, [year @ 0..50, rest @ ..]) => Some((2000 + year, rest.try_into().ok()?)),
        (UTC_TIME, [year, rest @ ..]) => Some((1900 + year, rest.try_into().ok()?)),
        (GENERALIZED_TIME, [century, year, rest @ ..]) => {
            Some((century * 100 + year, rest.try_into().ok()?))
        }
        _ => None,
    }
}

fn two_digits(digits: &[u8; 2]) -> Option<u32> {
    let [tens, ones] = digits.map(|digit| char::from(digit).to_digit(10));
    Some(tens? * 10 + ones?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_openssl_writes_them() {
        let table: [(u8, &str, Option<&str>); 14] = [
            (UTC_TIME, "240505231100Z", Some("May  5 23:11:00 2024 GMT")),
            (UTC_TIME, "491231235959Z", Some("Dec 31 23:59:59 2049 GMT")),
            (UTC_TIME, "500101000000Z", Some("Jan  1 00:00:00 1950 GMT")),
            (UTC_TIME, "690720201700Z", Some("Jul 20 20:17:00 1969 GMT")),
            (
                GENERALIZED_TIME,
                "00000229000000Z",
                Some("Feb 29 00:00:00 0 GMT"),
            ),
            (
                GENERALIZED_TIME,
                "18991231235959Z",
                Some("Dec 31 23:59:59 1899 GMT"),
            ),
            (
                GENERALIZED_TIME,
                "99991231235959Z",
                Some("Dec 31 23:59:59 9999 GMT"),
            ),
            (GENERALIZED_TIME, "20240505231100.250Z", None),
            (UTC_TIME, "2405052311Z", None),
            (UTC_TIME, "240505231100+0100", None),
            (UTC_TIME, "240505231100", None),
            (UTC_TIME, "+40505231100Z", None),
            (UTC_TIME, "", None),
            (0x0c, "240505231100Z", None),
        ];
        for (tag, time, expected) in table {
            let element = element(tag, time);
            assert_eq!(text(&element).as_deref(), expected, "{tag:#x} {time}");
            assert_eq!(
                rfc3339(&element).is_some(),
                expected.is_some(),
                "{tag:#x} {time}"
            );
        }
    }

    #[test]
    fn rfc_3339_has_every_number_at_its_full_width() {
        for (tag, time, expected) in [
            (UTC_TIME, "240505031100Z", "2024-05-05T03:11:00Z"),
            (UTC_TIME, "991231235959Z", "1999-12-31T23:59:59Z"),
            (GENERALIZED_TIME, "00000229000000Z", "0000-02-29T00:00:00Z"),
        ] {
            let element = element(tag, time);
            assert_eq!(rfc3339(&element).as_deref(), Some(expected), "{time}");
        }
    }

    fn element(tag: u8, time: &str) -> Element<'_> {
        Element {
            tag,
            value: time.as_bytes(),
            encoding: &[],
        }
    }
}
