//! Envoy's other HTTP filters, and what each does to this one from in front (SECURITY.md,
//! *Placement*).

use crate::document::Node;

/// The package of Envoy's own HTTP filters.
const PACKAGE: &str = "envoy.extensions.filters.http.";

/// What a filter does that stands in front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Harm {
    /// Requests get past this filter, or what clients forge does.
    GetsPast(&'static str),
    /// It can keep a request waiting before this filter has seen it.
    Holds,
}

/// The harm that each message may do. Filters that are in no line do none.
///
/// Measured on Envoy 1.40.0 with requests that a filter held while the configuration changed; of
/// the last group, which needs services to hold a request, Envoy's documentation says so.
const HARMS: &[(&str, Harm)] = &[
    ("cache.v3.CacheConfig", OWN_REQUESTS),
    ("cache_v2.v3.CacheV2Config", OWN_REQUESTS),
    ("aws_lambda.v3.Config", COPIES_HEADERS),
    ("file_server.v3.FileServerConfig", SERVES_FILES),
    ("router.v3.Router", ENDS_THE_CHAIN),
    ("mcp_router.v3.McpRouter", ENDS_THE_CHAIN),
    // Measured.
    ("a2a.v3.A2a", Harm::Holds),
    ("aws_request_signing.v3.AwsRequestSigning", Harm::Holds),
    ("buffer.v3.Buffer", Harm::Holds),
    ("ext_authz.v3.ExtAuthz", Harm::Holds),
    ("ext_proc.v3.ExternalProcessor", Harm::Holds),
    ("fault.v3.HTTPFault", Harm::Holds),
    (
        "file_system_buffer.v3.FileSystemBufferFilterConfig",
        Harm::Holds,
    ),
    ("json_to_metadata.v3.JsonToMetadata", Harm::Holds),
    ("lua.v3.Lua", Harm::Holds),
    ("transform.v3.TransformConfig", Harm::Holds),
    // Documented.
    ("ai_protocol_manager.v3.AiProtocolManager", Harm::Holds),
    ("aws_lambda.v3.Config", Harm::Holds),
    ("credential_injector.v3.CredentialInjector", Harm::Holds),
    ("dynamic_forward_proxy.v3.FilterConfig", Harm::Holds),
    ("dynamic_modules.v3.DynamicModuleFilter", Harm::Holds),
    ("gcp_authn.v3.GcpAuthnFilterConfig", Harm::Holds),
    ("geoip.v3.Geoip", Harm::Holds),
    ("golang.v3alpha.Config", Harm::Holds),
    (
        "grpc_field_extraction.v3.GrpcFieldExtractionConfig",
        Harm::Holds,
    ),
    (
        "grpc_json_reverse_transcoder.v3.GrpcJsonReverseTranscoder",
        Harm::Holds,
    ),
    ("grpc_json_transcoder.v3.GrpcJsonTranscoder", Harm::Holds),
    ("jwt_authn.v3.JwtAuthentication", Harm::Holds),
    ("mcp.v3.Mcp", Harm::Holds),
    ("mcp_json_rest_bridge.v3.McpJsonRestBridge", Harm::Holds),
    ("oauth2.v3.OAuth2", Harm::Holds),
    ("on_demand.v3.OnDemand", Harm::Holds),
    ("proto_api_scrubber.v3.ProtoApiScrubberConfig", Harm::Holds),
    (
        "proto_message_extraction.v3.ProtoMessageExtractionConfig",
        Harm::Holds,
    ),
    ("ratelimit.v3.RateLimit", Harm::Holds),
    ("thrift_to_metadata.v3.ThriftToMetadata", Harm::Holds),
    ("wasm.v3.Wasm", Harm::Holds),
];

const OWN_REQUESTS: Harm = Harm::GetsPast(
    "sends its own requests to the origin, which this filter does not see: put it behind this \
     filter",
);
const COPIES_HEADERS: Harm = Harm::GetsPast(
    "copies the client's headers into the function's event, forged ones too, before this filter \
     removes them: put it behind this filter",
);
const SERVES_FILES: Harm = Harm::GetsPast(
    "answers without this filter, also where a certificate is required: put it behind this filter",
);
const ENDS_THE_CHAIN: Harm =
    Harm::GetsPast("ends the chain, so that no filter behind it runs: put this filter before it");

/// A filter that stands in front: the harms it does, and its short name.
pub(super) fn harms(
    url: &str,
    config: Option<&Node>,
) -> impl Iterator<Item = (&'static str, Harm)> {
    let message = url.rsplit('/').next().unwrap_or_default();
    let message = message.strip_prefix(PACKAGE).unwrap_or_default().to_owned();
    let of_this = HARMS.iter().filter(move |(name, _)| **name == message);
    of_this
        .filter(move |(name, harm)| config.is_none_or(|config| !is_spared(name, *harm, config)))
        .map(|(name, harm)| (name.split('.').next().unwrap_or_default(), *harm))
}

/// Whether the filter's configuration does without what makes it harmful.
fn is_spared(message: &str, harm: Harm, config: &Node) -> bool {
    let is_set = |key: &str| config.get(key).is_some_and(|value| value.is_true());
    match (message, harm) {
        ("aws_lambda.v3.Config", Harm::GetsPast(_)) => is_set("payload_passthrough"),
        ("jwt_authn.v3.JwtAuthentication", _) => !mentions(config, "remote_jwks"),
        ("credential_injector.v3.CredentialInjector", _) => !mentions(config, "token_endpoint"),
        ("lua.v3.Lua", _) => !lua_may_wait(config),
        _ => false,
    }
}

/// Whether a key stands anywhere in `node`.
fn mentions(node: &Node, key: &str) -> bool {
    node.get(key).is_some()
        || node
            .members()
            .iter()
            .any(|member| mentions(&member.value, key))
        || node.items().iter().any(|item| mentions(item, key))
}

/// Whether a script calls out, waits for the body, or is in a file.
fn lua_may_wait(config: &Node) -> bool {
    let mut is_read = false;
    let mut waits = false;
    each_text(config, &mut |_, text| {
        is_read |= text.contains("envoy_on_re");
        waits |= [":httpCall", ":body"]
            .iter()
            .any(|call| text.contains(call));
    });
    waits || !is_read || mentions(config, "filename")
}

/// Calls `visit` with each text in `node`, and its line.
pub(super) fn each_text(node: &Node, visit: &mut dyn FnMut(usize, &str)) {
    if let Some(text) = node.text() {
        visit(node.line, text);
    }
    for member in node.members() {
        each_text(&member.value, visit);
    }
    for item in node.items() {
        each_text(item, visit);
    }
}
