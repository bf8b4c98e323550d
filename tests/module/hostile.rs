//! No request makes the module trap, whatever the host refuses and the client sends.

use std::collections::BTreeSet;

use client_cert_forwarder::headers::map::serialize;
use support::random::{seed, size};

use crate::vm::{
    CONTINUE, Envoy, REFUSALS, REQUEST_HEADERS, REQUEST_TRAILERS, RESPONSE_HEADERS, Vm,
};

/// The hostcalls that requests lead to. All are the filter's own: the SDK's wrappers panic.
const HOSTCALLS: [&str; 11] = [
    "proxy_add_header_map_value",
    "proxy_define_metric",
    "proxy_get_header_map_pairs",
    "proxy_get_header_map_value",
    "proxy_get_property",
    "proxy_increment_metric",
    "proxy_log",
    "proxy_remove_header_map_value",
    "proxy_replace_header_map_value",
    "proxy_send_local_response",
    "proxy_set_property",
];
const HOSTNAMES: [&str; 4] = [
    "first.example.com",
    "every.example.com",
    "strict.example.com",
    "other.example.com",
];

/// Sets the maps of a request for `hostname`, with a forged header and a forged trailer if asked.
fn set_maps(vm: &mut Vm, hostname: &str, forged: bool) {
    let forgery = forged.then_some((b"cf-client-cert-sha256".as_slice(), b"forged".as_slice()));
    let headers = [
        (b":authority".as_slice(), hostname.as_bytes()),
        (b":path", b"/"),
    ];
    let headers: Vec<_> = headers.into_iter().chain(forgery).collect();
    let trailers: Vec<_> = forgery.into_iter().collect();
    let maps = &mut vm.store.data_mut().maps;
    maps.insert(REQUEST_HEADERS, serialize(&headers));
    maps.insert(REQUEST_TRAILERS, serialize(&trailers));
    maps.insert(RESPONSE_HEADERS, serialize(&[(b":status", b"200")]));
}

/// Sends a request to each hostname, with and without a forgery; returns the actions.
fn requests(vm: &mut Vm) -> Vec<Result<i32, wasmi::Error>> {
    let forgeries = HOSTNAMES
        .iter()
        .flat_map(|name| [(name, false), (name, true)]);
    forgeries
        .map(|(hostname, forged)| {
            set_maps(vm, hostname, forged);
            vm.request()
        })
        .collect()
}

/// Connections with a certificate, without one, and whose certificate is missing.
fn connections() -> [Envoy; 3] {
    let mut missing = Envoy::with_certificate();
    missing
        .properties
        .remove(b"connection\0peer_certificate".as_slice());
    [Envoy::with_certificate(), Envoy::default(), missing]
}

#[test]
fn requests_lead_to_the_filters_own_hostcalls_and_no_others() {
    let mut called = BTreeSet::new();
    for envoy in connections() {
        let mut vm = Vm::configured(envoy);
        for action in requests(&mut vm) {
            action.expect("no trap");
        }
        called.append(&mut vm.store.data_mut().called);
    }
    // Shared data keeps the workers from logging the same line each.
    called.remove("proxy_set_shared_data");
    assert_eq!(called, HOSTCALLS.map(str::to_owned).into());
}

#[test]
fn no_status_of_a_hostcall_traps_a_request() {
    let all = HOSTCALLS
        .map(Some)
        .into_iter()
        .chain([Some("proxy_set_shared_data"), None]);
    for hostcall in all {
        for status in REFUSALS {
            for envoy in connections() {
                let mut vm = Vm::configured(envoy);
                vm.store.data_mut().refused = Some((hostcall.map(str::to_owned), status));
                for action in requests(&mut vm) {
                    action.unwrap_or_else(|trap| {
                        let logged = &vm.store.data().logged;
                        panic!("{hostcall:?} returned {status}: {trap}; logged {logged:?}")
                    });
                }
                vm.store.data_mut().refused = None;
                set_maps(&mut vm, "other.example.com", false);
                assert_eq!(vm.request().expect("no trap afterwards"), CONTINUE);
            }
        }
    }
}

#[test]
fn a_request_whose_headers_can_not_be_read_or_cleaned_is_stopped() {
    for hostcall in [
        "proxy_get_header_map_pairs",
        "proxy_remove_header_map_value",
    ] {
        for status in REFUSALS {
            let mut vm = Vm::configured(Envoy::with_certificate());
            vm.store.data_mut().refused = Some((Some(hostcall.to_owned()), status));
            set_maps(&mut vm, "other.example.com", true);
            let action = vm.request().expect("no trap");
            assert_ne!(action, CONTINUE, "{hostcall} returned {status}");
            assert!(vm.store.data().called.contains("proxy_send_local_response"));
        }
    }
}

#[test]
fn names_and_values_that_are_not_utf_8_trap_nothing() {
    let seed = seed("MODULE_SEED");
    println!("MODULE_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut vm = Vm::configured(Envoy::with_certificate());
    for _ in 0..size("MODULE_REQUESTS", 2_000) {
        for map in [REQUEST_HEADERS, REQUEST_TRAILERS, RESPONSE_HEADERS] {
            let bytes = random_map(&mut random);
            vm.store.data_mut().maps.insert(map, bytes);
        }
        vm.request()
            .unwrap_or_else(|trap| panic!("{trap}; maps {:?}", vm.store.data().maps));
    }
}

/// Names that the filter looks for, cut and continued by any bytes; one map in ten is damaged.
fn random_map(random: &mut fastrand::Rng) -> Vec<u8> {
    const NAMES: [&[u8]; 6] = [
        b":authority",
        b"cf-client-cert",
        b"Cf_Cert\xff",
        b"x-forwarded-client-cert",
        b"vary",
        b"\xc3\x28",
    ];
    let pairs: Vec<(Vec<u8>, Vec<u8>)> = (0..random.usize(0..8))
        .map(|_| {
            let name = NAMES[random.usize(0..NAMES.len())];
            let cut = random.usize(0..=name.len());
            let name = if random.bool() { name } else { &name[..cut] };
            let mut tail = |most| -> Vec<u8> {
                let length = random.usize(0..most);
                std::iter::repeat_with(|| random.u8(..))
                    .take(length)
                    .collect()
            };
            ([name.to_vec(), tail(4)].concat(), tail(40))
        })
        .collect();
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(n, v)| (n.as_slice(), v.as_slice()))
        .collect();
    let mut bytes = serialize(&pairs);
    if random.u8(..10) == 0 && !bytes.is_empty() {
        let at = random.usize(0..bytes.len());
        bytes[at] = random.u8(..);
    }
    bytes
}

#[test]
fn a_configuration_that_envoy_does_not_give_or_take_is_refused() {
    for hostcall in ["proxy_get_buffer_bytes", "proxy_call_foreign_function"] {
        for status in REFUSALS {
            let mut envoy = Envoy::with_certificate();
            envoy.refused = Some((Some(hostcall.to_owned()), status));
            let mut vm = Vm::start(envoy).expect("a started VM");
            let accepted = vm.configure().expect("no trap");
            assert!(!accepted, "{hostcall} returned {status}");
            assert_eq!(vm.store.data().logged.len(), 1, "one reason is logged");
        }
    }
}
