//! SECURITY.md claims nothing that no test tries to break.

use std::{fs, path::Path};

use support::wasm::repository;

/// The lines of the section `## Claims` that are claims.
fn claims() -> Vec<String> {
    let path = repository().join("SECURITY.md");
    let text = fs::read_to_string(path).expect("SECURITY.md");
    let (_, section) = text.split_once("\n## Claims\n").expect("its claims");
    let section = section
        .split_once("\n## ")
        .map_or(section, |(claims, _)| claims);
    section
        .lines()
        .filter_map(|line| line.strip_prefix("- "))
        .map(str::to_owned)
        .collect()
}

/// The paths of tests between backticks.
fn test_modules(claim: &str) -> Vec<&str> {
    claim
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|code| code.starts_with("tests/") || code.contains("/tests/"))
        .collect()
}

/// Fails unless `mod` lines lead from the crate's root to that file or folder: otherwise it never
/// runs.
#[track_caller]
fn assert_runs(module: &Path, claim: &str) {
    let name = module.file_name().and_then(|name| name.to_str());
    let (Some(name), Some(folder)) = (name, module.parent()) else {
        panic!("{} is no module: {claim}", module.display());
    };
    let files = ["mod.rs", "main.rs"].map(|file| module.join(file));
    let exists = module.with_extension("rs").is_file() || files.iter().any(|file| file.is_file());
    assert!(exists, "{} does not exist: {claim}", module.display());
    let parents = ["main.rs", "mod.rs"].map(|file| folder.join(file));
    let Some(parent) = parents.iter().find(|file| file.is_file()) else {
        return;
    };
    let text = fs::read_to_string(parent).expect("a text file");
    let names = ["", "pub ", "pub(crate) "].map(|visible| format!("{visible}mod {name};"));
    assert!(
        text.lines()
            .any(|line| names.iter().any(|module| line == module)),
        "{} does not name {name}: {claim}",
        parent.display()
    );
    if parent.ends_with("mod.rs") {
        assert_runs(folder, claim);
    }
}

#[test]
fn every_claim_names_tests_that_exist_and_run() {
    let claims = claims();
    assert!(claims.len() > 10, "{claims:#?}");
    for claim in claims {
        let modules = test_modules(&claim);
        assert!(!modules.is_empty(), "no test stands behind: {claim}");
        for module in modules {
            assert_runs(&repository().join(module), &claim);
        }
    }
}
