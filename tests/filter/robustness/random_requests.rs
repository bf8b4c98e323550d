//! Random requests over HTTP/1.1.

use std::time::{SystemTime, UNIX_EPOCH};

use support::{Envoy, Protocol, pki};

use super::assert_alive;
use crate::common::{HOST, forwarding, is_managed};

#[tokio::test]
async fn random_requests_break_nothing() {
    let seed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock")
        .subsec_nanos();
    println!("seed {seed}");
    let mut random = Random(u64::from(seed) | 1);
    let scene = Envoy::with_filter(forwarding(&[HOST])).scene().await;
    for _ in 0..150 {
        let mut connection = scene
            .client(Protocol::Http1)
            .with(&pki().client)
            .connect_raw()
            .await;
        for _ in 0..2 {
            let request = random.request();
            let before = scene.origin.requests().len();
            let response = connection.exchange(&request).await;
            for received in &scene.origin.requests()[before..] {
                let spoofed = received
                    .headers
                    .0
                    .iter()
                    .find(|(name, value)| is_managed(name) && value.starts_with(b"s"));
                assert_eq!(spoofed, None, "seed {seed}: {}", request.escape_ascii());
            }
            if response.is_none_or(|response| response.status != 200) {
                break;
            }
        }
    }
    assert_alive(&scene).await;
}

/// xorshift64: enough to vary requests, and a seed is enough to repeat them.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % bound
    }

    fn pick<'a>(&mut self, choices: &[&'a [u8]]) -> &'a [u8] {
        choices[self.below(choices.len())]
    }

    /// A request whose managed headers have values that start with `s`, unlike base64 of DER and
    /// hex hashes.
    fn request(&mut self) -> Vec<u8> {
        let mut request = b"GET / HTTP/1.1\r\nHost: ".to_vec();
        request.extend_from_slice(self.pick(&[
            b"api.example.com",
            b"API.example.com.:1",
            b"other.test",
            b"[::1]",
        ]));
        for _ in 0..self.below(40) {
            request.extend_from_slice(b"\r\n");
            match self.below(4) {
                0 => {
                    let length = 1 + self.below(20);
                    request.extend((0..length).map(|_| b"abc-_.xyz"[self.below(9)]));
                    request.extend_from_slice(b": ");
                    let length = self.below(50);
                    request.extend(
                        (0..length).map(|_| u8::try_from(self.below(256)).expect("a byte")),
                    );
                }
                _ => {
                    request.extend_from_slice(self.pick(&[b"c", b"C"]));
                    request.extend_from_slice(self.pick(&[b"f", b"F"]));
                    request.extend_from_slice(self.pick(&[b"-", b"_", b"."]));
                    request.extend_from_slice(self.pick(&[
                        b"client-cert",
                        b"CLIENT_CERT",
                        b"client.Cert",
                        b"cert",
                        b"Cert",
                    ]));
                    request.extend_from_slice(self.pick(&[b"-", b"_", b"."]));
                    request.extend_from_slice(self.pick(&[
                        b"sha256",
                        b"der_base64",
                        b"x",
                        b"",
                        b"verified",
                    ]));
                    request.extend_from_slice(b": s");
                    let length = self.below(30);
                    request.extend(
                        (0..length).map(|_| u8::try_from(0x80 + self.below(0x80)).expect("a byte")),
                    );
                }
            }
        }
        request.extend_from_slice(b"\r\n\r\n");
        request
    }
}
