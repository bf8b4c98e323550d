//! The release checklist: each item runs, and prints a reason when it fails.

use std::fs;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail, ensure};
use oci_spec::image::ImageManifest;

use crate::acceptance;
use crate::facts::{Facts, repository, run};
use crate::image;
use crate::layout::Layout;

/// Largest module, in bytes (contract §6: 350 KiB).
const MAX_MODULE_BYTES: usize = 350 * 1024;

/// Returns what it found, or the error that blocks the release.
type Check = fn(&Facts) -> Result<String>;

/// Prints every item with `ok` or `failed`; fails if one failed.
pub(crate) fn check() -> Result<ExitCode> {
    let facts = Facts::gather()?;
    println!("release {} from {}", facts.version, facts.revision);
    let items: [(&str, Check); 8] = [
        ("the checkout is clean", clean),
        ("CHANGELOG.md starts with this version", changelog),
        ("README.md pins this version", readme),
        ("envoy/kubernetes/ pins this version", kubernetes),
        ("the image states what it is", annotations),
        ("Istio and Envoy Gateway accept the image", accepted),
        ("the module is small enough", size),
        ("another clone builds the same image", reproducible),
    ];
    let mut failed = 0;
    for (item, check) in items {
        match check(&facts) {
            Ok(detail) => println!("ok      {item}: {detail}"),
            Err(error) => {
                failed += 1;
                println!("failed  {item}: {error:#}");
            }
        }
    }
    println!("{} of {} ok", items.len() - failed, items.len());
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn clean(_: &Facts) -> Result<String> {
    let changes = run("git", &["status", "--porcelain"])?;
    let count = changes.lines().count();
    ensure!(
        count == 0,
        "{count} files differ from the commit: `git status` lists them"
    );
    Ok("every file is committed".to_owned())
}

fn changelog(facts: &Facts) -> Result<String> {
    let text = fs::read_to_string(repository().join("CHANGELOG.md"))?;
    let (version, date) = newest_release(&text)?;
    ensure!(
        version == facts.version,
        "its newest version is {version}, Cargo.toml has {}",
        facts.version
    );
    Ok(format!("{version} of {date}"))
}

/// Returns version and date of the first heading `## VERSION - YYYY-MM-DD`.
fn newest_release(changelog: &str) -> Result<(&str, &str)> {
    let heading = changelog
        .lines()
        .find_map(|line| line.strip_prefix("## "))
        .context("no heading \"## VERSION - YYYY-MM-DD\"")?;
    let (version, date) = heading
        .split_once(" - ")
        .with_context(|| format!("the heading {heading:?} has no date"))?;
    let is_date = date.len() == 10
        && date.bytes().enumerate().all(|(place, byte)| match place {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    ensure!(is_date, "{date:?} is not a date of the form YYYY-MM-DD");
    Ok((version, date))
}

fn readme(facts: &Facts) -> Result<String> {
    let text = fs::read_to_string(repository().join("README.md")).context("README.md")?;
    check_tags(&text, &facts.version)
}

fn kubernetes(facts: &Facts) -> Result<String> {
    let mut text = String::new();
    for entry in fs::read_dir(repository().join("envoy/kubernetes"))? {
        text.push_str(&fs::read_to_string(entry?.path())?);
    }
    check_tags(&text, &facts.version)
}

/// Checks that `text` names at least one image, and none of another version.
fn check_tags(text: &str, version: &str) -> Result<String> {
    let mut count = 0;
    for after in text.split("/client-cert-forwarder:").skip(1) {
        let end = after.find(|c: char| !(c.is_ascii_alphanumeric() || ".-_".contains(c)));
        let tag = end.and_then(|end| after.get(..end)).unwrap_or(after);
        ensure!(
            tag == version,
            "it names the image of {tag:?}, Cargo.toml has {version}"
        );
        count += 1;
    }
    ensure!(
        count > 0,
        "it names no image client-cert-forwarder:{version}"
    );
    Ok(format!("{count} times"))
}

fn annotations(facts: &Facts) -> Result<String> {
    let layout = image_layout()?;
    let bytes = layout.blob(layout.manifest.digest())?;
    let manifest = ImageManifest::from_reader(bytes.as_slice())?;
    let found = manifest.annotations().clone().unwrap_or_default();
    for (name, expected) in facts.annotations() {
        let found = found.get(&name).map_or("absent", String::as_str);
        ensure!(
            found == expected,
            "{name} is {found:?}, this checkout has {expected:?}: run `make image`"
        );
    }
    ensure!(
        facts.source.is_some(),
        "it names no source: set `repository` in [workspace.package] of Cargo.toml"
    );
    Ok(format!("{} annotations", found.len()))
}

fn accepted(_: &Facts) -> Result<String> {
    let layout = image_layout()?;
    let digest = layout.manifest.digest();
    acceptance::accept(&layout, Some(digest.digest()))?;
    Ok(digest.to_string())
}

fn size(_: &Facts) -> Result<String> {
    let bytes = acceptance::accept(&image_layout()?, None)?.len();
    ensure!(
        bytes <= MAX_MODULE_BYTES,
        "it has {bytes} bytes, {MAX_MODULE_BYTES} are allowed"
    );
    Ok(format!("{bytes} bytes of {MAX_MODULE_BYTES}"))
}

/// Builds the commit again in a clone at another path; the image must be the same.
fn reproducible(facts: &Facts) -> Result<String> {
    let folder = tempfile::tempdir()?;
    let clone = folder.path().join("clone");
    let path = clone.to_str().context("the temporary folder's path")?;
    run("git", &["clone", "--quiet", ".", path])?;
    println!("        (building the module again, this takes about a minute)");
    let build = Command::new("make")
        .args(["--no-print-directory", "-C", path, "wasm"])
        .env_remove("MAKEFLAGS")
        .env_remove("CARGO_TARGET_DIR")
        .output()?;
    if !build.status.success() {
        bail!(
            "the clone does not build:\n{}",
            String::from_utf8_lossy(&build.stderr)
        );
    }
    let module = fs::read(clone.join("dist/client_cert_forwarder.wasm"))?;
    let (first, second) = (
        image_layout()?.manifest.digest().clone(),
        image::build(&module, facts)?.digest,
    );
    ensure!(
        first.digest() == second.digest(),
        "the image is {first}, the clone's is sha256:{second}"
    );
    Ok(first.to_string())
}

fn image_layout() -> Result<Layout> {
    Layout::open(&repository().join("dist/image"))
}

#[cfg(test)]
mod tests {
    use super::{check_tags, newest_release};

    #[test]
    fn the_newest_release_is_the_first_heading_with_version_and_date() {
        let changelog = "# Changelog\n\n## 1.2.0 - 2026-03-04\n\n- a\n\n## 1.1.0 - 2025-01-01\n";
        assert_eq!(newest_release(changelog).unwrap(), ("1.2.0", "2026-03-04"));
        for (changelog, reason) in [
            ("# Changelog\n", "no heading"),
            ("## 1.2.0\n", "has no date"),
            ("## 1.2.0 - unreleased\n", "is not a date"),
        ] {
            let error = newest_release(changelog).unwrap_err().to_string();
            assert!(error.contains(reason), "{changelog:?}: {error}");
        }
    }

    #[test]
    fn every_image_that_a_text_names_must_be_of_the_version() {
        let text =
            "oci://a.example/client-cert-forwarder:1.2.0\n`a.example/client-cert-forwarder:1.2.0`";
        assert_eq!(check_tags(text, "1.2.0").unwrap(), "2 times");
        for (text, reason) in [
            (text, "names the image of \"1.2.0\""),
            ("oci://a.example/other:1.2.1", "names no image"),
            (
                "x/client-cert-forwarder:latest",
                "names the image of \"latest\"",
            ),
        ] {
            let error = check_tags(text, "1.2.1").unwrap_err().to_string();
            assert!(error.contains(reason), "{text:?}: {error}");
        }
    }
}
