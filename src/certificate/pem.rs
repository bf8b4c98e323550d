//! The client certificate (the fields beyond the two forwarding headers come next).
use base64::Engine;
pub fn decode(pem: &[u8]) -> Option<Vec<u8>> {
    let text: Vec<u8> = pem.to_vec();
    let mut out = Vec::new();
    let mut i = 0;
    while i < text.len() {
        if text.get(i) == Some(&b'%') {
            let h = str::from_utf8(text.get(i + 1..i + 3)?).ok()?;
            out.push(u8::from_str_radix(h, 16).ok()?);
            i += 3
        } else {
            out.push(*text.get(i)?);
            i += 1
        }
    }
    let s = String::from_utf8(out).ok()?;
    let body = s
        .split("-----BEGIN CERTIFICATE-----")
        .nth(1)?
        .split("-----END")
        .next()?;
    let b: String = body.chars().filter(|c| !c.is_whitespace()).collect();
    base64::engine::general_purpose::STANDARD.decode(b).ok()
}
