//! The facts that the image states: version, licence and source from Cargo.toml, revision and date
//! from git.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use oci_spec::image;
use serde_json::Value;

/// Facts of one build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Version of the filter's crate.
    pub(crate) version: String,
    /// SPDX expression.
    pub(crate) license: String,
    /// Description in one line.
    pub(crate) description: String,
    /// URL of the repository, if Cargo.toml names one.
    pub(crate) source: Option<String>,
    /// Full hash of the commit, with `-dirty` if the checkout differs from it.
    pub(crate) revision: String,
    /// Date of the commit, RFC 3339 in UTC. The time of the build would give every image another
    /// digest.
    pub(crate) created: String,
}

impl Facts {
    /// Collects the facts of this checkout from cargo and git.
    pub(crate) fn gather() -> Result<Self> {
        let metadata = run("cargo", &["metadata", "--no-deps", "--format-version", "1"])?;
        let metadata: Value = serde_json::from_str(&metadata)?;
        let package = metadata
            .get("packages")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .find(|package| {
                package
                    .get("name")
                    .is_some_and(|name| name == "client-cert-forwarder")
            })
            .context("Cargo.toml: no package client-cert-forwarder")?;
        let text = |key: &str| package.get(key)?.as_str().map(str::to_owned);
        let commit = run("git", &["rev-parse", "HEAD"])?;
        let dirty = !run("git", &["status", "--porcelain"])?.is_empty();
        Ok(Self {
            version: text("version").context("Cargo.toml: the package has no version")?,
            license: text("license").context("Cargo.toml: the package has no license")?,
            description: text("description")
                .context("Cargo.toml: the package has no description")?,
            source: text("repository"),
            revision: if dirty {
                format!("{commit}-dirty")
            } else {
                commit
            },
            created: run(
                "git",
                &[
                    "show",
                    "--no-patch",
                    "--date=format-local:%Y-%m-%dT%H:%M:%SZ",
                    "--format=%cd",
                ],
            )?,
        })
    }

    /// Returns the facts as annotations of the manifest and labels of the configuration.
    pub(crate) fn annotations(&self) -> BTreeMap<String, String> {
        let mut annotations = vec![
            (image::ANNOTATION_TITLE, "client-cert-forwarder"),
            (image::ANNOTATION_DESCRIPTION, &self.description),
            (image::ANNOTATION_VERSION, &self.version),
            (image::ANNOTATION_REVISION, &self.revision),
            (image::ANNOTATION_CREATED, &self.created),
            (image::ANNOTATION_LICENSES, &self.license),
        ];
        if let Some(source) = &self.source {
            annotations.push((image::ANNOTATION_SOURCE, source));
        }
        annotations
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }
}

/// The checkout's root.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs a command in the checkout's root and returns its output.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Result<String> {
    let command = || format!("{program} {}", arguments.join(" "));
    let output = Command::new(program)
        .args(arguments)
        .current_dir(repository())
        .env("TZ", "UTC")
        .output()
        .with_context(command)?;
    ensure!(
        output.status.success(),
        "{}: {}",
        command(),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
