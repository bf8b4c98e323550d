//! A bound on the header bytes that one certificate can add to a message.
//!
//! Origins and proxies end a whole HTTP/2 connection, with other clients' requests on it, over a
//! header that their HPACK decoder won't hold. Only the fields that carry a whole certificate or
//! chain count: the others are parts of it.

use crate::certificate::field::Field;
use crate::config::schema::PluginConfig;

/// Most bytes in one header. Envoy 1.40 and Node end the connection over a header that is longer
/// than 64 KiB as HPACK encodes it (measured on a `%2F%2F…` of 114 KB; one of 79 KB passed).
const MAX_HEADER: u64 = 65_536;

/// Most bytes in one message: 155 KB passed. With the default limits every field fits, each once.
const MAX_MESSAGE: u64 = 131_072;

/// Why a header with this field is refused, if it is.
pub(super) fn refuse_header(plugin: &PluginConfig, field: Field) -> Option<String> {
    let longest = longest(plugin, field);
    (longest > MAX_HEADER).then(|| {
        format!(
            "up to {longest} bytes in one header, over which HTTP/2 origins end the connection \
             (most {MAX_HEADER}): {COUNTED}; lower these"
        )
    })
}

/// Why a message with headers that carry these fields is refused, if it is.
pub(super) fn refuse_message(
    plugin: &PluginConfig,
    fields: impl Iterator<Item = Field>,
) -> Option<String> {
    let sum: u64 = fields.map(|field| longest(plugin, field)).sum();
    (sum > MAX_MESSAGE).then(|| {
        format!(
            "up to {sum} bytes in one message (most {MAX_MESSAGE}): {COUNTED}; lower these, or \
             leave out headers"
        )
    })
}

const COUNTED: &str = "the certificate counts \"max_certificate_bytes\", three times in \
     certPemUrlEncoded, and the chain \"max_certificate_chain_bytes\"";

/// The longest value that the limits admit.
fn longest(plugin: &PluginConfig, field: Field) -> u64 {
    let certificate = u64::from(plugin.max_certificate_bytes);
    let chain = u64::from(plugin.max_certificate_chain_bytes);
    match field {
        Field::CertDerBase64 | Field::CertRfc9440 | Field::CertPemUrlEncodedLoose => certificate,
        // Base64 of nothing but `/` becomes `%2F%2F…`.
        Field::CertPemUrlEncoded => 3 * certificate,
        Field::CertChainRfc9440 => chain,
        Field::CertWithChainDerBase64 => certificate + chain,
        _ => 0,
    }
}
