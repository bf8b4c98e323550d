//! The program that libFuzzer drives: the check of the target that `FUZZ_TARGET` names.

#![no_main]

use std::env;
use std::sync::OnceLock;

use fuzz::Target;

static TARGET: OnceLock<Target> = OnceLock::new();

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let target = TARGET.get_or_init(|| {
        let name = env::var("FUZZ_TARGET").expect("FUZZ_TARGET");
        fuzz::target(&name).expect("FUZZ_TARGET names a target")
    });
    (target.check)(input);
});
