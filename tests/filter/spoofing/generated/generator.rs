//! Requests of a client that wants to be taken for the filter.

use fastrand::Rng;
use support::Protocol;

use super::origins::{FAMILIES, Managed};

/// The text in every value that the client makes up.
pub(crate) const MARKER: &str = "client-made";

/// Characters of names beside letters and digits (RFC 9110 §5.6.2), the common ones several times.
const PUNCTUATION: &str = "---___...!#$%&'*+^`|~";
/// Bytes that HTTP forbids in names, and look-alikes of allowed ones: dotless i, long s, Kelvin,
/// full-width hyphen, soft hyphen.
const FORBIDDEN: [&str; 28] = [
    " ", "\t", "\0", "\u{b}", "\u{c}", "\u{1f}", "\u{7f}", "\u{85}", "\u{a0}", "\u{ad}", "\u{131}",
    "\u{17f}", "\u{212a}", "\u{ff0d}", "\u{feff}", "[", "]", "(", ")", "\"", ",", "/", ";", "=",
    "@", "\\", "\r", "\n",
];

/// A peculiarity of a request beside its names and values. [`Case::is_valid`] tells which are valid
/// HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Oddity {
    Nothing,
    /// Many more fields.
    Many,
    /// HTTP/1.1: `Expect: 100-continue`.
    Expect,
    /// HTTP/1.1: the request is HTTP/1.0.
    Old,
    /// HTTP/1.1: `Connection` names headers that the filter sets.
    Nominated,
    /// A byte that no name may have.
    ForbiddenByte,
    /// The same in a trailer.
    ForbiddenTrailer,
    /// A line break and a managed header in a value.
    SplitValue,
    /// A managed name behind a colon, or pseudo-headers twice or late.
    Pseudo,
    /// HTTP/1.1: a line that continues the one before, and is a managed header.
    Folded,
    /// HTTP/1.1: blanks around the name.
    Blanks,
    /// HTTP/1.1: lines that end in LF, or in CR.
    LineEnds,
    /// HTTP/1.1: a managed header behind a chunk's size.
    ChunkExtension,
}

impl Oddity {
    fn draw(rng: &mut Rng, protocol: Protocol) -> Oddity {
        use Oddity::*;
        let odd: &[Oddity] = match protocol {
            Protocol::Http1 => &[
                Expect,
                Old,
                Nominated,
                ForbiddenByte,
                ForbiddenTrailer,
                SplitValue,
                Pseudo,
                Folded,
                Blanks,
                LineEnds,
                ChunkExtension,
            ],
            _ => &[
                ForbiddenByte,
                ForbiddenByte,
                ForbiddenTrailer,
                SplitValue,
                Pseudo,
                Nominated,
            ],
        };
        match rng.u8(0..64) {
            0 => Many,
            1..=20 => rng.choice(odd.iter().copied()).unwrap_or(Nothing),
            _ => Nothing,
        }
    }
}

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) oddity: Oddity,
    /// Decides the open choices of the case: representations, and line endings.
    pub(crate) seed: u64,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) trailers: Vec<(String, String)>,
}

impl Case {
    /// The case of that seed.
    pub(crate) fn draw(seed: u64, protocol: Protocol, managed: &Managed) -> Case {
        let mut rng = Rng::with_seed(seed);
        let oddity = Oddity::draw(&mut rng, protocol);
        let count = match oddity {
            Oddity::Many => rng.usize(300..900),
            _ => rng.usize(1..12),
        };
        let mut fields = draw_fields(&mut rng, count, protocol, managed);
        let mut trailers = match rng.u8(0..4) {
            0 if oddity != Oddity::Old => {
                let count = rng.usize(1..6);
                draw_fields(&mut rng, count, protocol, managed)
            }
            _ => Vec::new(),
        };
        match oddity {
            Oddity::ForbiddenByte => deform(&mut rng, &mut fields),
            Oddity::ForbiddenTrailer => {
                trailers = draw_fields(&mut rng, 2, protocol, managed);
                deform(&mut rng, &mut trailers);
            }
            Oddity::SplitValue => {
                let line_end = *pick(&mut rng, &["\r\n", "\n", "\r", "\0", "\r\n\r\n"]);
                let name = spelling(&mut rng, managed, protocol);
                fields.push(("x-split".to_owned(), format!("1{line_end}{name}: {MARKER}")));
            }
            Oddity::Pseudo => {
                let name = spelling(&mut rng, managed, protocol);
                fields.push((format!(":{name}"), MARKER.to_owned()));
            }
            Oddity::Nominated => {
                let name = spelling(&mut rng, managed, protocol);
                let nominated = format!("{name}, cf-client-cert-sha256, cf-client-cert-der-base64");
                fields.push(("connection".to_owned(), nominated));
            }
            Oddity::Folded => {
                let name = format!(" {}", spelling(&mut rng, managed, protocol));
                fields.push((name, MARKER.to_owned()));
            }
            Oddity::Blanks => {
                let (before, after) =
                    *pick(&mut rng, &[("", " "), ("", "\t"), ("\t", ""), (" ", " ")]);
                let name = spelling(&mut rng, managed, protocol);
                fields.push((format!("{before}{name}{after}"), MARKER.to_owned()));
            }
            _ => {}
        }
        Case {
            oddity,
            seed,
            fields,
            trailers,
        }
    }

    /// Whether an HTTP/1.1, HTTP/2 or HTTP/3 server takes the request.
    pub(crate) fn is_valid(&self, protocol: Protocol) -> bool {
        match self.oddity {
            Oddity::Nominated => protocol == Protocol::Http1,
            Oddity::Nothing
            | Oddity::Many
            | Oddity::Expect
            | Oddity::Old
            | Oddity::ChunkExtension => true,
            _ => false,
        }
    }
}

fn draw_fields(
    rng: &mut Rng,
    count: usize,
    protocol: Protocol,
    managed: &Managed,
) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for number in 0..count {
        let name = match rng.u8(0..10) {
            0 if !fields.is_empty() => pick(rng, &fields).0.clone(),
            1..=4 => {
                let name = spelling(rng, managed, protocol);
                near_miss(rng, &name)
            }
            _ => spelling(rng, managed, protocol),
        };
        fields.push((name, format!("{MARKER} {number}")));
    }
    fields
}

/// A managed name in a spelling that HTTP allows.
pub(crate) fn spelling(rng: &mut Rng, managed: &Managed, protocol: Protocol) -> String {
    let name = match rng.usize(0..3) {
        2 if !managed.names.is_empty() => pick(rng, &managed.names).clone(),
        family => {
            let suffix = match rng.u8(0..6) {
                0 => "sha256".to_owned(),
                1 => "der-base64".to_owned(),
                2 => "verified".to_owned(),
                3 => String::new(),
                _ => token(rng, 1..9),
            };
            format!("{}{suffix}", FAMILIES[family % 2])
        }
    };
    name.chars()
        .map(|byte| match byte {
            _ if !byte.is_ascii_alphanumeric() => pick_char(rng, PUNCTUATION),
            // HTTP/2 and HTTP/3 know no capitals.
            _ if protocol == Protocol::Http1 && rng.bool() => byte.to_ascii_uppercase(),
            _ => byte,
        })
        .collect()
}

/// A valid name that differs little from that one, and may or may not be managed.
pub(crate) fn near_miss(rng: &mut Rng, name: &str) -> String {
    let mut name: Vec<char> = name.chars().collect();
    let at = rng.usize(0..name.len());
    let beyond = rng.usize(0..=name.len());
    let last = name.len() - 1;
    match rng.u8(0..8) {
        0 if name.len() > 3 => drop(name.remove(at)),
        1 => name.insert(beyond, rng.digit(36)),
        2 => name.insert(beyond, pick_char(rng, PUNCTUATION)),
        3 => name[at] = rng.digit(36),
        4 => name[at] = pick_char(rng, PUNCTUATION),
        5 => name.swap(at, beyond.min(last)),
        6 => name.truncate(at.max(3)),
        _ => {
            let before = *pick(rng, &["x-", "http-", "-", "_", "http_"]);
            name.splice(0..0, before.chars());
        }
    }
    name.into_iter().collect()
}

/// Puts something into one of the names that HTTP does not allow there.
fn deform(rng: &mut Rng, fields: &mut [(String, String)]) {
    let number = rng.usize(0..fields.len());
    let forbidden = *pick(rng, &FORBIDDEN);
    let name = &mut fields[number].0;
    let at = *pick(rng, &[0, name.len(), name.len() / 2]);
    if rng.bool() && at < name.len() {
        name.replace_range(at..=at, forbidden);
    } else {
        name.insert_str(at, forbidden);
    }
}

/// Letters and digits, with punctuation between.
pub(crate) fn token(rng: &mut Rng, length: std::ops::Range<usize>) -> String {
    let length = rng.usize(length);
    let inner = (0..length).map(|_| match rng.u8(0..4) {
        0 => pick_char(rng, PUNCTUATION),
        _ => rng.digit(36),
    });
    let inner: String = inner.collect();
    format!("{inner}{}", rng.digit(36))
}

fn pick<'a, T>(rng: &mut Rng, among: &'a [T]) -> &'a T {
    &among[rng.usize(0..among.len())]
}

fn pick_char(rng: &mut Rng, among: &str) -> char {
    char::from(*pick(rng, among.as_bytes()))
}
