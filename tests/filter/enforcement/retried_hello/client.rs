//! A TLS 1.3 client that sends two `ClientHello`s with different server names, which no TLS library
//! does. It checks nothing that the server says of itself.

use ring::{
    aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral},
    digest, hmac,
    rand::SystemRandom,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const HANDSHAKE: u8 = 22;
const ALERT: u8 = 21;
const DATA: u8 = 23;

const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const CERTIFICATE_REQUEST: u8 = 13;
const FINISHED: u8 = 20;

const P384: u16 = 0x0018;
const X25519_GROUP: u16 = 0x001d;

/// The random of a `ServerHello` that is a HelloRetryRequest (RFC 8446 §4.1.3).
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// An open connection, or the alert with which the server ended the handshake.
pub(super) type Outcome = Result<Tls13, u8>;

/// A connection after the handshake.
pub(super) struct Tls13 {
    records: Records,
    client: Keys,
    server: Keys,
}

impl Tls13 {
    /// Connects with a key share that Envoy doesn't support and the server name `first`, and
    /// answers the HelloRetryRequest with a `ClientHello` for `second`.
    ///
    /// # Panics
    /// When the server sends no HelloRetryRequest, or the connection ends without an alert.
    pub(super) async fn connect(
        address: std::net::SocketAddr,
        first: &str,
        second: &str,
    ) -> Outcome {
        let stream = TcpStream::connect(address).await.expect("a connection");
        let mut records = Records {
            stream,
            handshake: Vec::new(),
        };
        let random = SystemRandom::new();
        let private = EphemeralPrivateKey::generate(&X25519, &random).expect("a key");
        let public = private.compute_public_key().expect("a public key");

        let unsupported = [&[4][..], &[0x5a; 96]].concat();
        let hello = client_hello(first, P384, &unsupported);
        records.send(HANDSHAKE, &hello).await;
        let retry = records.message(None).await?;
        assert_eq!(
            (retry[0], &retry[6..38]),
            (SERVER_HELLO, &RETRY[..]),
            "no HelloRetryRequest"
        );

        let again = client_hello(second, X25519_GROUP, public.as_ref());
        records.send(HANDSHAKE, &again).await;
        let server_hello = records.message(None).await?;
        let share = key_share(&server_hello);
        // RFC 8446 §4.4.1: the first hello counts as its hash.
        let mut transcript = [&[254, 0, 0, 32][..], &hash(&hello), &retry, &again].concat();
        transcript.extend(&server_hello);

        let share = UnparsedPublicKey::new(&X25519, share);
        let shared = agree_ephemeral(private, &share, <[u8]>::to_vec).expect("a shared secret");
        let early = extract(&[0; 32], &[0; 32]);
        let handshake = extract(&expand(&early, "derived", &hash(b""), 32), &shared);
        let so_far = hash(&transcript);
        let of_client = expand(&handshake, "c hs traffic", &so_far, 32);
        let mut server = Keys::new(&expand(&handshake, "s hs traffic", &so_far, 32));
        let mut asks_for_certificate = false;
        loop {
            let message = records.message(Some(&mut server)).await?;
            transcript.extend(&message);
            asks_for_certificate |= message[0] == CERTIFICATE_REQUEST;
            if message[0] == FINISHED {
                break;
            }
        }
        let master = extract(&expand(&handshake, "derived", &hash(b""), 32), &[0; 32]);
        let so_far = hash(&transcript);
        let mut flight = Vec::new();
        if asks_for_certificate {
            flight.extend([11, 0, 0, 4, 0, 0, 0, 0]);
        }
        let finished_key = expand(&of_client, "finished", &[], 32);
        transcript.extend(&flight);
        let verify = mac(&finished_key, &hash(&transcript));
        flight.extend([&[FINISHED, 0, 0, 32][..], &verify].concat());
        let sealed = Keys::new(&of_client).seal(HANDSHAKE, &flight);
        records.send(DATA, &sealed).await;
        Ok(Tls13 {
            records,
            client: Keys::new(&expand(&master, "c ap traffic", &so_far, 32)),
            server: Keys::new(&expand(&master, "s ap traffic", &so_far, 32)),
        })
    }

    /// Sends a request over HTTP/1.1 and returns the status.
    ///
    /// # Panics
    /// When the connection ends before.
    pub(super) async fn get(&mut self, host: &str) -> u16 {
        let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let sealed = self.client.seal(DATA, request.as_bytes());
        self.records.send(DATA, &sealed).await;
        let mut response = Vec::new();
        loop {
            let (kind, record) = self.records.read().await;
            assert_eq!(kind, DATA, "{record:?}");
            let (kind, content) = self.server.open(record);
            assert_ne!(kind, ALERT, "{content:?}");
            if kind == DATA {
                response.extend(content);
            }
            let text = String::from_utf8_lossy(&response);
            if let Some(status) = text.split_whitespace().nth(1) {
                return status.parse().expect("a status");
            }
        }
    }
}

struct Records {
    stream: TcpStream,
    /// Bytes of handshake messages that were not taken yet.
    handshake: Vec<u8>,
}

impl Records {
    async fn send(&mut self, kind: u8, content: &[u8]) {
        let length = u16::try_from(content.len())
            .expect("a record")
            .to_be_bytes();
        let record = [&[kind, 3, 3][..], &length, content].concat();
        self.stream.write_all(&record).await.expect("a connection");
    }

    async fn read(&mut self) -> (u8, Vec<u8>) {
        let mut head = [0; 5];
        self.stream.read_exact(&mut head).await.expect("a record");
        let mut content = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
        self.stream
            .read_exact(&mut content)
            .await
            .expect("a record");
        (head[0], content)
    }

    /// The next handshake message, or the alert that came instead.
    async fn message(&mut self, mut keys: Option<&mut Keys>) -> Result<Vec<u8>, u8> {
        loop {
            if let [_, a, b, c, ..] = *self.handshake {
                let length = 4 + u32::from_be_bytes([0, a, b, c]) as usize;
                if self.handshake.len() >= length {
                    return Ok(self.handshake.drain(..length).collect());
                }
            }
            let (mut kind, mut content) = self.read().await;
            if let (DATA, Some(keys)) = (kind, &mut keys) {
                (kind, content) = keys.open(content);
            }
            match kind {
                HANDSHAKE => self.handshake.extend(content),
                ALERT => return Err(content[1]),
                _ => {}
            }
        }
    }
}

/// Keys of one direction, and the number of the next record.
struct Keys {
    key: LessSafeKey,
    iv: Vec<u8>,
    next: u64,
}

impl Keys {
    fn new(secret: &[u8]) -> Keys {
        let key = UnboundKey::new(&AES_128_GCM, &expand(secret, "key", &[], 16)).expect("a key");
        Keys {
            key: LessSafeKey::new(key),
            iv: expand(secret, "iv", &[], 12),
            next: 0,
        }
    }

    fn nonce(&mut self) -> Nonce {
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&self.next.to_be_bytes());
        self.next += 1;
        for (byte, iv) in nonce.iter_mut().zip(&self.iv) {
            *byte ^= iv;
        }
        Nonce::assume_unique_for_key(nonce)
    }

    fn seal(&mut self, kind: u8, content: &[u8]) -> Vec<u8> {
        let mut sealed = [content, &[kind]].concat();
        let aad = head(sealed.len() + 16);
        let nonce = self.nonce();
        let sealing = self
            .key
            .seal_in_place_append_tag(nonce, Aad::from(aad), &mut sealed);
        sealing.expect("a sealed record");
        sealed
    }

    /// The kind of the content, and the content.
    fn open(&mut self, mut record: Vec<u8>) -> (u8, Vec<u8>) {
        let aad = head(record.len());
        let nonce = self.nonce();
        let opened = self.key.open_in_place(nonce, Aad::from(aad), &mut record);
        let opened = opened.expect("a record that can be opened");
        let end = opened.iter().rposition(|byte| *byte != 0).expect("a kind");
        (opened[end], opened[..end].to_vec())
    }
}

fn head(length: usize) -> [u8; 5] {
    let [high, low] = u16::try_from(length).expect("a record").to_be_bytes();
    [DATA, 3, 3, high, low]
}

/// RFC 8446 §4.1.2, with one cipher suite and one key share.
fn client_hello(server_name: &str, group: u16, share: &[u8]) -> Vec<u8> {
    let name = [&[0][..], &vector(server_name.as_bytes())].concat();
    let share = [&group.to_be_bytes()[..], &vector(share)].concat();
    let groups = [P384.to_be_bytes(), X25519_GROUP.to_be_bytes()].concat();
    let extensions = [
        extension(0, &vector(&name)),
        extension(10, &vector(&groups)),
        // ecdsa_secp256r1_sha256, rsa_pss_rsae_sha256.
        extension(13, &vector(&[4, 3, 8, 4])),
        extension(43, &[2, 3, 4]),
        extension(51, &vector(&share)),
    ];
    // Version, random, no session, TLS_AES_128_GCM_SHA256, no compression.
    let body = [
        &[3, 3][..],
        &[0x42; 32],
        &[0, 0, 2, 0x13, 0x01, 1, 0],
        &vector(&extensions.concat()),
    ]
    .concat();
    let [_, length @ ..] = u32::try_from(body.len()).expect("a message").to_be_bytes();
    [&[CLIENT_HELLO][..], &length, &body].concat()
}

fn extension(number: u16, content: &[u8]) -> Vec<u8> {
    [&number.to_be_bytes()[..], &vector(content)].concat()
}

/// Puts a length of two bytes in front.
fn vector(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("a short vector");
    [&length.to_be_bytes()[..], content].concat()
}

/// The server's X25519 key share.
fn key_share(server_hello: &[u8]) -> &[u8] {
    let wanted = [
        &51_u16.to_be_bytes()[..],
        &36_u16.to_be_bytes(),
        &X25519_GROUP.to_be_bytes(),
    ];
    let wanted = wanted.concat();
    let at = server_hello
        .windows(wanted.len())
        .position(|bytes| bytes == wanted);
    let start = at.expect("a key share") + wanted.len() + 2;
    &server_hello[start..start + 32]
}

fn hash(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, bytes).as_ref().to_vec()
}

fn mac(key: &[u8], bytes: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), bytes)
        .as_ref()
        .to_vec()
}

/// HKDF-Extract (RFC 5869 §2.2).
fn extract(salt: &[u8], secret: &[u8]) -> Vec<u8> {
    mac(salt, secret)
}

/// HKDF-Expand-Label (RFC 8446 §7.1) of at most one block.
fn expand(secret: &[u8], label: &str, context: &[u8], length: usize) -> Vec<u8> {
    let label = format!("tls13 {label}");
    let length_of = |bytes: usize| u8::try_from(bytes).expect("a short vector");
    let info = [
        &[0, length_of(length), length_of(label.len())][..],
        label.as_bytes(),
        &[length_of(context.len())],
        context,
        &[1],
    ];
    let mut block = mac(secret, &info.concat());
    block.truncate(length);
    block
}
