//! Every check against every committed input, and against random ones. `make fuzz` does this for
//! longer.

use std::fs;

use fuzz::{TARGETS, corpus, random};

#[test]
fn every_committed_input_passes_its_check() {
    for target in TARGETS {
        let inputs = corpus::inputs(&corpus::folder(target.name));
        assert!(!inputs.is_empty(), "{} has no inputs", target.name);
        for (name, input) in inputs {
            if let Err(reason) = random::passes(&target, &input) {
                panic!("tests/fuzz/corpus/{}/{name}: {reason}", target.name);
            }
        }
    }
}

macro_rules! random_inputs_pass {
    ($($name:ident: $target:literal,)*) => {
        $(#[test]
        fn $name() {
            random_inputs_pass($target);
        })*

        #[test]
        fn every_target_is_tested() {
            assert_eq!([$($target),*], TARGETS.map(|target| target.name));
        }
    };
}

random_inputs_pass! {
    a_configuration_is_sound_or_refused_at_a_place_in_it: "configuration",
    pem_is_read_alike_raw_and_url_encoded: "pem",
    every_field_of_any_certificate_is_fit_for_a_header: "certificate",
    hostnames_match_as_trying_every_pattern_does: "hostname",
    header_names_are_managed_in_every_spelling: "header-names",
    header_maps_are_read_whole_or_not_at_all: "header-map",
    a_chain_is_read_from_the_last_element_alone: "xfcc",
    a_request_is_cleaned_and_answered_as_the_contract_says: "request",
}

/// A failure leaves the smallest input that was found in a file.
fn random_inputs_pass(name: &str) {
    let target = fuzz::target(name).expect("a target");
    if let Err(finding) = random::search(&target, 300) {
        let path = format!("{}/{name}", env!("CARGO_TARGET_TMPDIR"));
        fs::write(&path, &finding.input).expect("the input is written");
        let (input, reason) = (finding.input.escape_ascii(), finding.reason);
        panic!("{name}: {reason}\n{input}\nAgain: cargo run -p fuzz -- replay {name} {path}");
    }
}
