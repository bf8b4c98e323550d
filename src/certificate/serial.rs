//! Serial numbers as OpenSSL's `i2a_ASN1_INTEGER` and nginx's `$ssl_client_serial` write them.

use super::hex;

/// Writes the contents octets of an INTEGER in uppercase hex: `37C527…`, `00` for zero, a minus
/// before the magnitude of a negative number. The octet that only keeps a positive number's first
/// bit clear is not part of the text. Empty when the INTEGER has no octets.
pub(super) fn text(integer: &[u8]) -> String {
    match integer {
        [] => String::new(),
        [0] => "00".to_owned(),
        [0, magnitude @ ..] => hex::upper(magnitude),
        [first, ..] if *first < 0x80 => hex::upper(integer),
        _ => format!("-{}", hex::upper(&magnitude_of_negative(integer))),
    }
}

/// Negates a two's complement number: all bits inverted, plus one, without leading zero octets.
fn magnitude_of_negative(integer: &[u8]) -> Vec<u8> {
    let mut magnitude: Vec<u8> = integer.iter().map(|octet| !octet).collect();
    for octet in magnitude.iter_mut().rev() {
        let carry;
        (*octet, carry) = octet.overflowing_add(1);
        if !carry {
            break;
        }
    }
    let zeros = magnitude.iter().take_while(|octet| **octet == 0).count();
    magnitude.split_off(zeros)
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn serials_are_written_as_openssl_writes_them() {
        let table: [(&[u8], &str); 10] = [
            (&[0x00], "00"),
            (&[0x01], "01"),
            (&[0x7f], "7F"),
            (&[0x00, 0x80], "80"),
            (&[0x00, 0x93, 0x6e], "936E"),
            (&[0xff], "-01"),
            (&[0x80], "-80"),
            (&[0xff, 0x00], "-0100"),
            (&[0x80, 0x00], "-8000"),
            (&[], ""),
        ];
        for (integer, expected) in table {
            assert_eq!(text(integer), expected, "{integer:02x?}");
        }
    }
}
