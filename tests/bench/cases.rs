//! The cases that `cost` compares.

mod anatomy;

use std::path::Path;

use client_cert_forwarder::fast_path::FastPath;
use serde_json::{Value, json};
use support::{pki, wasm_module};

use crate::{
    bench_envoy::{DIRECT, Lane, TO_ORIGIN},
    expectation::{Expectation, Want},
    filters::{header_to_add, lua, settings, wasm},
    idle_wasm::Steps,
    outcome::{Failure, setup},
};

/// How many settings the cases have that are compared with each other.
const SETTINGS: usize = 100;

/// One case.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// How it is called in the table.
    pub(crate) title: &'static str,
    /// Its listener, whose name is the case's in JSON.
    pub(crate) lane: Lane,
    /// The expectation that it must meet to be measured.
    pub(crate) expectation: Expectation,
    /// The path that the load asks for.
    pub(crate) path: &'static str,
    /// The listener whose cost is taken off; `None` for such a listener itself.
    pub(crate) baseline: Option<&'static str>,
}

impl Case {
    fn new(name: &str, title: &'static str, expectation: Expectation, filters: Vec<Value>) -> Case {
        Case {
            title,
            lane: Lane::new(name, filters),
            expectation,
            path: DIRECT,
            baseline: Some(NO_FILTER),
        }
    }

    fn baseline(mut self) -> Case {
        self.baseline = None;
        self
    }

    /// Measures the case on the way to the origin: Envoy's router adds headers only to requests
    /// that it sends upstream.
    fn on_the_way_to_the_origin(mut self) -> Case {
        self.path = TO_ORIGIN;
        self.baseline = self.baseline.map(|_| NO_FILTER_TO_ORIGIN);
        self
    }

    /// Its name in JSON.
    pub(crate) fn name(&self) -> &str {
        &self.lane.name
    }
}

/// The names that the targets speak of.
pub(crate) const NO_FILTER: &str = "no-filter";
pub(crate) const NO_FILTER_TO_ORIGIN: &str = "no-filter-to-origin";
pub(crate) const IDLE_WASM: &str = "idle-wasm";
pub(crate) const PLAIN_STEADY: &str = "plain-steady";
pub(crate) const PLAIN_EVERY: &str = "plain-every-request";
pub(crate) const FAST_PATH_STEADY: &str = "fast-path-steady";
pub(crate) const FAST_PATH_EVERY: &str = "fast-path-every-request";
pub(crate) const LUA_FIRST: &str = "lua-first-request";
pub(crate) const LUA_EVERY: &str = "lua-every-request";
pub(crate) const FAST_PATH_FIELDS: &str = "fast-path-fields";
pub(crate) const PLAIN_FIELDS: &str = "plain-fields";
pub(crate) const NATIVE_XFCC: &str = "native-xfcc";

/// Every case; modules that they need are written into `folder`.
///
/// # Errors
/// When they can't be written.
pub(crate) fn cases(folder: &Path, anatomy: bool) -> Result<Vec<Case>, Failure> {
    let product =
        |name: &str, extra: Value| wasm(name, &wasm_module(), &settings(SETTINGS, &extra));
    let every = json!({ "forward_on": "every_request" });
    let enforcement = json!({ "require_client_certificate": true, "sni_must_match": false });
    let idle = Steps::default().write(folder, IDLE_WASM)?;
    let mut cases = vec![
        Case::new(NO_FILTER, "no filter", Expectation::nothing(), vec![]).baseline(),
        Case::new(
            IDLE_WASM,
            "wasm filter that does nothing",
            Expectation::nothing(),
            vec![wasm(IDLE_WASM, &idle, "")],
        ),
        Case::new(
            PLAIN_STEADY,
            "plain, steady state",
            Expectation::first_request(),
            vec![product(PLAIN_STEADY, json!({}))],
        ),
        fast_path(
            FAST_PATH_STEADY,
            "fast path, steady state",
            SETTINGS,
            &json!({}),
            Expectation::first_request(),
        )?,
        fast_path(
            FAST_PATH_EVERY,
            "fast path, every_request",
            SETTINGS,
            &every,
            Expectation::every_request(),
        )?,
        fast_path(
            FAST_PATH_FIELDS,
            "fast path, five fields in request_headers",
            SETTINGS,
            &fields(),
            fields_expectation(),
        )?,
        fast_path(
            "fast-path-enforcement",
            "fast path, require_client_certificate",
            SETTINGS,
            &enforcement,
            Expectation::first_request(),
        )?,
        Case::new(
            PLAIN_EVERY,
            "plain, every_request",
            Expectation::every_request(),
            vec![product(PLAIN_EVERY, every.clone())],
        ),
        Case::new(
            PLAIN_FIELDS,
            "plain, five fields in request_headers",
            fields_expectation(),
            vec![product(PLAIN_FIELDS, fields())],
        ),
        Case::new(
            "plain-enforcement",
            "plain, require_client_certificate",
            Expectation::first_request(),
            vec![product("plain-enforcement", enforcement)],
        ),
        Case::new(
            "plain-allow-list",
            "plain, allow list of one",
            Expectation::first_request(),
            vec![product("plain-allow-list", allow_list())],
        ),
        Case::new(
            "plain-revocations",
            "plain, every_request, 50,000 revocations",
            Expectation::every_request(),
            vec![wasm(
                "plain-revocations",
                &wasm_module(),
                &with_revocations(&settings(SETTINGS, &every))?,
            )],
        ),
        Case::new(
            LUA_FIRST,
            "Lua, once per remote address",
            Expectation::first_request(),
            vec![lua(include_str!("lua/first_request.lua"), SETTINGS)],
        ),
        Case::new(
            LUA_EVERY,
            "Lua, every request",
            Expectation::every_request(),
            vec![lua(include_str!("lua/every_request.lua"), SETTINGS)],
        ),
        native_xfcc(),
        Case::new(
            NO_FILTER_TO_ORIGIN,
            "no filter, to the origin",
            Expectation::nothing(),
            vec![],
        )
        .baseline()
        .on_the_way_to_the_origin(),
        native_headers(),
        Case::new(
            "plain-every-request-to-origin",
            "plain, every_request, to the origin",
            Expectation::every_request(),
            vec![product("plain-every-request-to-origin", every)],
        )
        .on_the_way_to_the_origin(),
    ];
    if anatomy {
        cases.extend(anatomy::cases(folder)?);
    }
    Ok(cases)
}

/// The cases of these names and their baselines; all when none is named.
///
/// # Errors
/// When a name is none.
pub(crate) fn chosen(cases: Vec<Case>, names: &[String]) -> Result<Vec<Case>, Failure> {
    let known = |name: &String| cases.iter().any(|case| case.name() == name);
    if let Some(unknown) = names.iter().find(|name| !known(name)) {
        let all: Vec<&str> = cases.iter().map(Case::name).collect();
        return Err(Failure::Setup(format!(
            "--only: no case {unknown:?}, there are {}",
            all.join(", ")
        )));
    }
    let wanted = |case: &Case| names.is_empty() || names.iter().any(|name| name == case.name());
    let baselines: Vec<_> = cases
        .iter()
        .filter(|case| wanted(case))
        .filter_map(|case| case.baseline)
        .collect();
    let needed =
        |case: &Case| wanted(case) || case.name() == NO_FILTER || baselines.contains(&case.name());
    Ok(cases.into_iter().filter(needed).collect())
}

/// The item of the case of that name, in a list parallel to the cases.
pub(crate) fn find<'a, T>(cases: &[Case], all: &'a [T], name: &str) -> Option<&'a T> {
    let index = cases.iter().position(|case| case.name() == name)?;
    all.get(index)
}

/// The output of `make fast-path` for that many settings.
fn fast_path(
    name: &str,
    title: &'static str,
    count: usize,
    extra: &Value,
    expectation: Expectation,
) -> Result<Case, Failure> {
    let configuration = settings(count, extra);
    let path = FastPath::new(&configuration).map_err(setup("the fast path"))?;
    let plain = wasm(name, &wasm_module(), &configuration);
    let filters = vec![path.around(&plain["typed_config"])];
    Ok(Case::new(name, title, expectation, filters))
}

fn allow_list() -> Value {
    json!({
        "require_client_certificate": true,
        "sni_must_match": false,
        "allow_client_certificates": [{ "sha256": pki().client.sha256() }]
    })
}

/// The configuration with 50,000 certificates revoked, of which the client's is none.
fn with_revocations(configuration: &str) -> Result<String, Failure> {
    let mut configuration: Value =
        serde_json::from_str(configuration).map_err(setup("the configuration"))?;
    let revoked = (0..50_000).map(|number| json!({ "sha256": format!("{number:064x}") }));
    configuration["revoked_certificates"] = revoked.collect();
    Ok(configuration.to_string())
}

fn fields() -> Value {
    json!({
        "client_certificate_forwarding": false,
        "request_headers": {
            "X-Client-Verified": "certVerified",
            "X-Client-Subject": "certSubjectDN",
            "X-Client-Serial": "certSerial",
            "X-Client-Not-After": "certNotAfter",
            "X-Client-Sha256": "certFingerprintSHA256"
        }
    })
}

fn fields_expectation() -> Expectation {
    Expectation::headers(vec![
        ("x-client-verified", Want::Is("SUCCESS".to_owned())),
        ("x-client-subject", Want::Contains("Test Client".to_owned())),
        ("x-client-serial", Want::Contains(String::new())),
        ("x-client-not-after", Want::Contains(" GMT".to_owned())),
        ("x-client-sha256", Want::Is(pki().client.sha256())),
    ])
}

fn native_xfcc() -> Case {
    let hash = Want::Contains(format!("Hash={}", pki().client.sha256()));
    let expectation = Expectation::headers(vec![("x-forwarded-client-cert", hash)]);
    let mut case = Case::new(
        NATIVE_XFCC,
        "native XFCC with the certificate",
        expectation,
        vec![],
    );
    for (field, value) in [
        ("forward_client_cert_details", json!("SANITIZE_SET")),
        ("set_current_client_cert_details", json!({ "cert": true })),
    ] {
        case.lane.manager.insert(field.to_owned(), value);
    }
    case
}

fn native_headers() -> Case {
    let expectation = Expectation::headers(vec![
        (
            "x-client-cert",
            Want::Contains("BEGIN%20CERTIFICATE".to_owned()),
        ),
        ("x-client-cert-sha256", Want::Is(pki().client.sha256())),
    ]);
    let mut case = Case::new(
        "native-headers",
        "native request_headers_to_add, to the origin",
        expectation,
        vec![],
    )
    .on_the_way_to_the_origin();
    case.lane.request_headers_to_add = vec![
        header_to_add("x-client-cert", "%DOWNSTREAM_PEER_CERT%"),
        header_to_add("x-client-cert-sha256", "%DOWNSTREAM_PEER_FINGERPRINT_256%"),
    ];
    case
}
