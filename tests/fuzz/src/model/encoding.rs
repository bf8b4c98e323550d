//! Percent-encoding, base64 and PEM.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// `%` and two hex digits, in either case, become their byte; anything else stays.
#[must_use]
pub fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let digit = |at: usize| char::from(*text.get(at)?).to_digit(16);
    let mut decoded = Vec::new();
    let mut at = 0;
    while at < text.len() {
        if let (b'%', Some(high), Some(low)) = (text[at], digit(at + 1), digit(at + 2)) {
            decoded.push((high * 16 + low) as u8);
            at += 3;
        } else {
            decoded.push(text[at]);
            at += 1;
        }
    }
    decoded
}

/// Everything but letters and digits as `%0a`, with lower-case or upper-case hex.
#[must_use]
pub fn percent_encoded(text: &[u8], is_upper: bool) -> Vec<u8> {
    let mut encoded = Vec::new();
    for byte in text {
        if byte.is_ascii_alphanumeric() {
            encoded.push(*byte);
        } else if is_upper {
            encoded.extend(format!("%{byte:02X}").bytes());
        } else {
            encoded.extend(format!("%{byte:02x}").bytes());
        }
    }
    encoded
}

/// Padded base64 (RFC 4648 §4).
#[must_use]
pub fn base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let octet = |at: usize| group.get(at).map_or(0, |octet| usize::from(*octet));
        let number = octet(0) * 65_536 + octet(1) * 256 + octet(2);
        let digits = [number / 262_144, number / 4096, number / 64, number];
        for (place, digit) in digits.into_iter().enumerate() {
            let is_padding = place > group.len();
            text.push(if is_padding {
                '='
            } else {
                char::from(ALPHABET[digit % 64])
            });
        }
    }
    text
}

/// The bytes whose [`base64`] is `text`; `None` when there are none.
#[must_use]
pub fn base64_decoded(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for group in text.chunks(4) {
        let mut number = 0;
        for place in 0..4 {
            let digit = *group.get(place)?;
            let value = ALPHABET.iter().position(|known| *known == digit);
            number = number * 64 + value.or((digit == b'=').then_some(0))?;
        }
        bytes.extend([number / 65_536, number / 256, number].map(|octet| (octet % 256) as u8));
    }
    let padding = text.iter().filter(|digit| **digit == b'=').count();
    bytes.truncate(bytes.len().checked_sub(padding)?);
    (base64(&bytes).as_bytes() == text).then_some(bytes)
}

/// The contents of each CERTIFICATE block of a PEM that is not URL-encoded, up to the first that
/// has no end; `None` for one that is no base64 of something.
#[must_use]
pub fn pem_blocks(text: &[u8]) -> Vec<Option<Vec<u8>>> {
    const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
    const END: &[u8] = b"-----END CERTIFICATE-----";
    let mut blocks = Vec::new();
    let mut at = 0;
    while at < text.len() {
        if !text[at..].starts_with(BEGIN) {
            at += 1;
            continue;
        }
        at += BEGIN.len();
        let mut base64 = Vec::new();
        while at < text.len() && !text[at..].starts_with(END) {
            base64.push(text[at]);
            at += 1;
        }
        let has_end = at < text.len();
        at += END.len();
        base64.retain(|byte| !b" \t\r\n\x0c".contains(byte));
        blocks.push(base64_decoded(&base64).filter(|der| has_end && !der.is_empty()));
    }
    blocks
}

/// A PEM certificate with lines of 64 characters.
#[must_use]
pub fn pem(der: &[u8]) -> Vec<u8> {
    let base64 = base64(der);
    let lines: Vec<&[u8]> = base64.as_bytes().chunks(64).collect();
    [
        b"-----BEGIN CERTIFICATE-----\n",
        lines.join(&b'\n').as_slice(),
        b"\n-----END CERTIFICATE-----\n",
    ]
    .concat()
}
