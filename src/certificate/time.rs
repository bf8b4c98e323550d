//! Dates as OpenSSL's `ASN1_TIME_print` and nginx's `$ssl_client_v_start` write them: `May  5 23:11:00 2024 GMT`.

use super::tlv::Element;
use std::str;

const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

const MONTHS: [(&str, u32); 12] = [
    ("Jan", 31),
    ("Feb", 29),
    ("Mar", 31),
    ("Apr", 30),
    ("May", 31),
    ("Jun", 30),
    ("Jul", 31),
    ("Aug", 31),
    ("Sep", 30),
    ("Oct", 31),
    ("Nov", 30),
    ("Dec", 31),
];

/// The day is padded with a space to two places, the year is not padded. A fraction of a second is kept as it is written.
/// `None` for what is not a `UTCTime` or `GeneralizedTime` in UTC: RFC 5280 §4.1.2.5 allows no other time zone.
pub(super) fn text(time: &Element<'_>) -> Option<String> {
    let Time {
        year,
        month_name,
        day,
        hour,
        minute,
        second,
        fraction,
        ..
    } = parse(time)?;
    Some(format!(
        "{month_name} {day:2} {hour:02}:{minute:02}:{second:02}{fraction} {year} GMT"
    ))
}

/// The same instant as RFC 3339 §5.6 writes it: `2024-05-05T23:11:00Z`.
pub(super) fn rfc3339(time: &Element<'_>) -> Option<String> {
    let Time {
        year,
        month,
        day,
        hour,
        minute,
        second,
        fraction,
        ..
    } = parse(time)?;
    Some(format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z"
    ))
}

/// A date and time in UTC.
struct Time<'a> {
    year: u32,
    month: u32,
    month_name: &'static str,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
    /// With its point; empty when there is none.
    fraction: &'a str,
}

fn parse<'a>(time: &Element<'a>) -> Option<Time<'a>> {
    let digits = str::from_utf8(time.value).ok()?.strip_suffix('Z')?;
    let (year, rest) = match time.tag {
        UTC_TIME => {
            let (year, rest) = number(digits, 2)?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        GENERALIZED_TIME => number(digits, 4)?,
        _ => return None,
    };
    let (month, rest) = number(rest, 2)?;
    let (day, rest) = number(rest, 2)?;
    let (hour, rest) = number(rest, 2)?;
    let (minute, rest) = number(rest, 2)?;
    let (second, fraction) = if rest.is_empty() {
        (0, rest)
    } else {
        number(rest, 2)?
    };

    let (month_name, days) = MONTHS.get(usize::try_from(month.checked_sub(1)?).ok()?)?;
    let days = if month == 2 && !is_leap(year) {
        28
    } else {
        *days
    };
    let fraction_is_valid = match fraction.strip_prefix('.') {
        Some(digits) => {
            time.tag == GENERALIZED_TIME
                && !digits.is_empty()
                && digits.bytes().all(|byte| byte.is_ascii_digit())
        }
        None => fraction.is_empty(),
    };
    if day == 0 || day > days || hour > 23 || minute > 59 || second > 59 || !fraction_is_valid {
        return None;
    }
    Some(Time {
        year,
        month,
        month_name,
        day,
        hour,
        minute,
        second,
        fraction,
    })
}

/// The number in the first `length` characters of `text`, all of which must be digits, and what follows.
fn number(text: &str, length: usize) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at_checked(length)?;
    let all_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
    Some((digits.parse().ok().filter(|_| all_digits)?, rest))
}

fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_openssl_writes_them() {
        let table: [(u8, &str, Option<&str>); 20] = [
            (UTC_TIME, "240505231100Z", Some("May  5 23:11:00 2024 GMT")),
            (UTC_TIME, "491231235959Z", Some("Dec 31 23:59:59 2049 GMT")),
            (UTC_TIME, "500101000000Z", Some("Jan  1 00:00:00 1950 GMT")),
            (UTC_TIME, "2405052311Z", Some("May  5 23:11:00 2024 GMT")),
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
            (
                GENERALIZED_TIME,
                "20240505231100.250Z",
                Some("May  5 23:11:00.250 2024 GMT"),
            ),
            (GENERALIZED_TIME, "20240505231100.Z", None),
            (GENERALIZED_TIME, "20230229000000Z", None),
            (GENERALIZED_TIME, "21000229000000Z", None),
            (UTC_TIME, "240505231100.5Z", None),
            (UTC_TIME, "240505231100+0100", None),
            (UTC_TIME, "240505231100", None),
            (UTC_TIME, "241305231100Z", None),
            (UTC_TIME, "240500231100Z", None),
            (UTC_TIME, "240505241100Z", None),
            (UTC_TIME, "+40505231100Z", None),
            (UTC_TIME, "", None),
            (0x0c, "240505231100Z", None),
        ];
        for (tag, time, expected) in table {
            let element = Element {
                tag,
                value: time.as_bytes(),
                encoding: &[],
            };
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
            (
                GENERALIZED_TIME,
                "20240505231100.250Z",
                "2024-05-05T23:11:00.250Z",
            ),
        ] {
            let element = Element {
                tag,
                value: time.as_bytes(),
                encoding: &[],
            };
            assert_eq!(rfc3339(&element).as_deref(), Some(expected), "{time}");
        }
    }
}
