//! HTTP/2 requests with METADATA frames, Envoy's extension of HTTP/2.

use crate::{
    field_encoding::Hpack,
    fields::{Fields, FieldsConnection, Message, frame},
};

/// Type and flag of a METADATA frame.
const METADATA: u8 = 0x4d;
const END_METADATA: u8 = 4;

impl FieldsConnection {
    /// Sends a request whose body, `body`, comes after one METADATA frame with those fields.
    /// Returns the status, or `None` when Envoy resets the stream.
    ///
    /// # Panics
    /// Over HTTP/3, and when Envoy closes the connection.
    pub async fn send_with_metadata(
        &mut self,
        fields: &Fields<'_>,
        metadata: &Fields<'_>,
    ) -> Option<u16> {
        let FieldsConnection::Http2(connection) = self else {
            panic!("METADATA frames are HTTP/2's");
        };
        let stream = connection.next_stream;
        connection.next_stream += 2;
        let message = Message {
            fields,
            body: b"body",
            trailers: &[],
            representations: None,
        };
        let request = connection.request(stream, &message);
        let data = request.len() - frame(0, 0, 0, message.body).len();
        let (head, data) = request.split_at(data);
        let block = Hpack::default().encode(metadata, None);
        let metadata = frame(METADATA, END_METADATA, stream, &block);
        let bytes = [head, &metadata, data].concat();
        let answered = connection.exchange(stream, &bytes).await;
        answered.expect("an open connection")
    }
}
