//! Checks that the oldest Rust that each package supports (`rust-version`) is not older than its
//! dependencies require.
//!
//! Clippy checks the package's own code (`incompatible_msrv`). Dev-dependencies are left out:
//! whoever changes the code has the toolchain that rust-toolchain.toml names.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::facts::run;

/// The part of `cargo metadata` that the check needs.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_members: Vec<String>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    rust_version: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

#[derive(Deserialize)]
struct Kind {
    kind: Option<String>,
}

/// Prints the Rust that each package of the workspace needs; fails if one states less.
pub(crate) fn check() -> Result<ExitCode> {
    let metadata = run("cargo", &["metadata", "--locked", "--format-version", "1"])?;
    let mut stated_too_low = false;
    for finding in findings(&metadata)? {
        let (verdict, relation) = if finding.holds() {
            ("ok    ", "satisfies")
        } else {
            stated_too_low = true;
            ("failed", "is older than required by")
        };
        println!(
            "{verdict}  {}: rust-version {} {relation} {} (Rust {})",
            finding.package,
            text(finding.stated),
            finding.dependency,
            text(finding.needed)
        );
    }
    Ok(if stated_too_low {
        println!(
            "raise rust-version in the package's Cargo.toml, or take an older version of the dependency"
        );
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

type Version = [u32; 3];

/// The version that a package states, and the dependency that needs the newest.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    package: String,
    stated: Version,
    dependency: String,
    needed: Version,
}

impl Finding {
    fn holds(&self) -> bool {
        self.needed <= self.stated
    }
}

fn findings(metadata: &str) -> Result<Vec<Finding>> {
    let metadata: Metadata = serde_json::from_str(metadata).context("cargo metadata")?;
    let packages: BTreeMap<&str, &Package> = metadata
        .packages
        .iter()
        .map(|package| (package.id.as_str(), package))
        .collect();
    let nodes: BTreeMap<&str, &Node> = metadata
        .resolve
        .nodes
        .iter()
        .map(|node| (node.id.as_str(), node))
        .collect();
    metadata
        .workspace_members
        .iter()
        .map(|member| {
            let package = packages.get(member.as_str()).context("cargo metadata")?;
            let stated = package
                .rust_version
                .as_deref()
                .and_then(parse)
                .with_context(|| format!("{}: Cargo.toml has no rust-version", package.name))?;
            let (needed, dependency) = built_with(member, &nodes)
                .into_iter()
                .filter_map(|id| packages.get(id))
                .filter_map(|dependency| {
                    let needed = parse(dependency.rust_version.as_deref()?)?;
                    Some((
                        needed,
                        format!("{} {}", dependency.name, dependency.version),
                    ))
                })
                .max()
                .unwrap_or_else(|| ([0; 3], "any dependency".to_owned()));
            Ok(Finding {
                package: package.name.clone(),
                stated,
                dependency,
                needed,
            })
        })
        .collect()
}

/// Everything that is compiled for the package, itself left out.
fn built_with<'a>(member: &str, nodes: &BTreeMap<&str, &'a Node>) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let mut open = vec![member];
    while let Some(node) = open.pop().and_then(|id| nodes.get(id)) {
        for dependency in &node.deps {
            let is_built = dependency
                .dep_kinds
                .iter()
                .any(|kind| kind.kind.as_deref() != Some("dev"));
            if is_built && seen.insert(dependency.pkg.as_str()) {
                open.push(&dependency.pkg);
            }
        }
    }
    seen
}

/// Parses `1.88` or `1.88.0`.
fn parse(version: &str) -> Option<Version> {
    let mut numbers = version.split('.');
    let mut next = || numbers.next().map_or(Some(0), |number| number.parse().ok());
    Some([next()?, next()?, next()?])
}

fn text(version: Version) -> String {
    let [major, minor, patch] = version;
    match patch {
        0 => format!("{major}.{minor}"),
        _ => format!("{major}.{minor}.{patch}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{findings, parse};

    /// `ours` depends on `direct`, which depends on `deep`; the tests of `ours` depend on `dev`.
    /// Each states that Rust.
    fn metadata(ours: &str, direct: Value, deep: &str, dev: &str) -> String {
        let package = |name: &str, rust: Value| json!({ "id": name, "name": name, "version": "1.0.0", "rust_version": rust });
        let edge =
            |name: &str, kind: Value| json!({ "pkg": name, "dep_kinds": [{ "kind": kind }] });
        json!({
            "packages": [
                package("ours", json!(ours)), package("direct", direct),
                package("deep", json!(deep)), package("dev", json!(dev)),
            ],
            "workspace_members": ["ours"],
            "resolve": { "nodes": [
                { "id": "ours", "deps": [edge("direct", Value::Null), edge("dev", json!("dev"))] },
                { "id": "direct", "deps": [edge("deep", json!("build"))] },
                { "id": "deep", "deps": [] },
                { "id": "dev", "deps": [] },
            ] }
        })
        .to_string()
    }

    fn holds(metadata: &str) -> bool {
        let [finding] = &findings(metadata).unwrap()[..] else {
            panic!("one package has one finding");
        };
        finding.holds()
    }

    #[test]
    fn the_newest_rust_that_any_dependency_asks_for_decides() {
        assert!(holds(&metadata("1.88", json!("1.88.0"), "1.60", "1.90")));
        assert!(!holds(&metadata("1.88", json!("1.88.1"), "1.60", "1.60")));
        assert!(!holds(&metadata("1.88", Value::Null, "1.89", "1.60")));
        assert!(!holds(&metadata("1.9", Value::Null, "1.10", "1.60")));
    }

    #[test]
    fn a_package_that_states_none_is_named() {
        let metadata = metadata("1.88", Value::Null, "1.60", "1.60").replace("\"1.88\"", "null");
        let error = findings(&metadata).unwrap_err().to_string();
        assert_eq!(error, "ours: Cargo.toml has no rust-version");
    }

    #[test]
    fn versions_have_two_numbers_or_three() {
        assert_eq!(parse("1.88"), Some([1, 88, 0]));
        assert_eq!(parse("1.88.2"), Some([1, 88, 2]));
        assert_eq!(parse("new"), None);
    }
}
