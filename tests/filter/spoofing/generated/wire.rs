//! Sends the generated requests over each protocol.

use fastrand::Rng;
use support::{
    Client, Envoy, Identity, Protocol,
    fields::{FieldsConnection, Message},
    raw::RawConnection,
};

use super::generator::{Case, MARKER, Oddity};

/// A connection that is made anew when Envoy has closed it.
pub(crate) struct Sender<'e> {
    envoy: &'e Envoy,
    protocol: Protocol,
    listener: &'static str,
    identity: Option<&'e Identity>,
    connection: Option<Connection>,
}

enum Connection {
    Raw(RawConnection),
    Fields(FieldsConnection),
}

impl<'e> Sender<'e> {
    pub(crate) fn new(
        envoy: &'e Envoy,
        protocol: Protocol,
        listener: &'static str,
        identity: Option<&'e Identity>,
    ) -> Sender<'e> {
        Sender {
            envoy,
            protocol,
            listener,
            identity,
            connection: None,
        }
    }

    /// The status of the answer, `None` when there was none.
    pub(crate) async fn send(&mut self, case: &Case, authority: &str, path: &str) -> Option<u16> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect().await,
        };
        let (status, open) = match &mut connection {
            Connection::Raw(connection) => exchange(connection, case, authority, path).await,
            Connection::Fields(connection) => {
                let status = exchange_fields(connection, case, authority, path).await;
                (status, connection.is_open())
            }
        };
        self.connection = open.then_some(connection);
        status
    }

    async fn connect(&self) -> Connection {
        let mut connector = Client::over(self.protocol, self.envoy).listener(self.listener);
        if let Some(identity) = self.identity {
            connector = connector.with(identity);
        }
        match self.protocol {
            Protocol::Http1 => Connection::Raw(connector.connect_raw().await),
            _ => Connection::Fields(connector.connect_fields().await),
        }
    }
}

async fn exchange(
    connection: &mut RawConnection,
    case: &Case,
    authority: &str,
    path: &str,
) -> (Option<u16>, bool) {
    let mut response = connection.exchange(&http1(case, authority, path)).await;
    // 100 comes before the answer.
    while response
        .as_ref()
        .is_some_and(|response| response.status < 200)
    {
        response = connection.exchange(b"").await;
    }
    let closes = |response: &support::raw::RawResponse| {
        response.headers.header("connection") == Some("close")
    };
    // Of a malformed request some bytes may be left, which Envoy then takes for the next.
    let open = case.is_valid(Protocol::Http1)
        && case.oddity != Oddity::Old
        && response.as_ref().is_some_and(|response| !closes(response));
    (response.map(|response| response.status), open)
}

fn http1(case: &Case, authority: &str, path: &str) -> Vec<u8> {
    let mut rng = Rng::with_seed(case.seed);
    let mut line_end = || match case.oddity {
        Oddity::LineEnds => ["\r\n", "\n", "\r"][rng.usize(0..3)],
        _ => "\r\n",
    };
    let version = match case.oddity {
        Oddity::Old => "1.0",
        _ => "1.1",
    };
    let chunked = !case.trailers.is_empty() || case.oddity == Oddity::ChunkExtension;
    let mut text = format!("POST {path} HTTP/{version}\r\nHost: {authority}\r\n");
    for (name, value) in &case.fields {
        text += &format!("{name}: {value}{}", line_end());
    }
    if case.oddity == Oddity::Expect {
        text += "Expect: 100-continue\r\n";
    }
    if chunked {
        let extension = match case.oddity {
            Oddity::ChunkExtension => format!(";cf-client-cert-sha256={MARKER}"),
            _ => String::new(),
        };
        text +=
            &format!("Transfer-Encoding: chunked\r\n\r\n4{extension}\r\nbody\r\n0{extension}\r\n");
        for (name, value) in &case.trailers {
            text += &format!("{name}: {value}{}", line_end());
        }
        text += "\r\n";
    } else {
        text += "Content-Length: 4\r\n\r\nbody";
    }
    if !case.is_valid(Protocol::Http1) {
        // Whatever Envoy takes for the end of the last field, the request ends here.
        text += "\r\n\r\n\r\n";
    }
    text.into_bytes()
}

async fn exchange_fields(
    connection: &mut FieldsConnection,
    case: &Case,
    authority: &str,
    path: &str,
) -> Option<u16> {
    let mut fields: Vec<(&str, &[u8])> = vec![
        (":method", b"POST"),
        (":scheme", b"https"),
        (":authority", authority.as_bytes()),
        (":path", path.as_bytes()),
    ];
    fields.extend(bytes(&case.fields));
    if case.oddity == Oddity::Pseudo {
        // Beside the unknown one that is already late: a second path, or a late one.
        match case.seed % 3 {
            0 => fields.insert(1, (":path", path.as_bytes())),
            1 => fields.swap(0, 4),
            _ => {}
        }
    }
    let trailers: Vec<(&str, &[u8])> = bytes(&case.trailers).collect();
    connection
        .send_message(&Message {
            fields: &fields,
            body: if trailers.is_empty() { b"" } else { b"body" },
            trailers: &trailers,
            representations: Some(case.seed),
        })
        .await
}

fn bytes(fields: &[(String, String)]) -> impl Iterator<Item = (&str, &[u8])> {
    fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
}
