//! SECURITY.md claims nothing that no test tries to break.

use std::fs;

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

/// What stands between backticks and is the path of tests.
fn test_modules(claim: &str) -> Vec<&str> {
    claim
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|code| code.starts_with("tests/") || code.contains("/tests/"))
        .collect()
}

#[test]
fn every_claim_names_tests_that_exist_and_run() {
    let claims = claims();
    assert!(claims.len() > 10, "{claims:#?}");
    for claim in claims {
        let modules = test_modules(&claim);
        assert!(!modules.is_empty(), "no test stands behind: {claim}");
        for module in modules {
            let (folder, name) = module.rsplit_once('/').expect("a path");
            let root = repository().join(folder);
            let exists = root.join(format!("{name}.rs")).is_file()
                || root.join(name).join("mod.rs").is_file()
                || root.join(name).join("main.rs").is_file();
            assert!(exists, "{module} is not there: {claim}");
            // A file that its crate doesn't name never runs.
            let parents = ["main.rs", "mod.rs"].map(|parent| root.join(parent));
            if let Some(parent) = parents.iter().find(|parent| parent.is_file()) {
                let text = fs::read_to_string(parent).expect("a text file");
                let named =
                    ["", "pub ", "pub(crate) "].map(|visible| format!("{visible}mod {name};"));
                assert!(
                    text.lines()
                        .any(|line| named.iter().any(|module| line == module)),
                    "{} does not name {name}: {claim}",
                    parent.display()
                );
            }
        }
    }
}
