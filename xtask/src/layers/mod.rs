//! Checks that a crate's files do not import each other in circles, and that modules only use those
//! of their own layer and of the layers below it.
//!
//! Tests are left out: they may use whatever they test with.

mod graph;
mod modules;
mod order;
mod paths;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;

use crate::facts::repository;
use graph::Arrow;
use modules::Modules;

/// The root files of the checked crates, and the order of their layers where one is declared.
const CRATES: [(&str, Option<&[&[&str]]>); 5] = [
    ("src/lib.rs", Some(order::FILTER)),
    ("cli/src/main.rs", None),
    ("crl/src/lib.rs", None),
    ("settings-api/src/main.rs", Some(order::SETTINGS_API)),
    ("xtask/src/main.rs", None),
];

/// Lists every circle and every arrow that runs up; fails if there is one.
pub(crate) fn check() -> Result<ExitCode> {
    let root = repository();
    let read = |path: &Path| fs::read_to_string(root.join(path)).ok();
    let mut findings = Vec::new();
    for (file, order) in CRATES {
        findings.extend(findings_of(&modules::read(Path::new(file), &read)?, order));
    }
    for finding in &findings {
        println!("{finding}");
    }
    Ok(if findings.is_empty() {
        ExitCode::SUCCESS
    } else {
        println!(
            "{} findings: move what is shared into a layer below; xtask/src/layers/order.rs declares the layers",
            findings.len()
        );
        ExitCode::FAILURE
    })
}

fn findings_of(modules: &Modules, order: Option<&[&[&str]]>) -> Vec<String> {
    let arrows = graph::arrows(modules);
    let mut findings: Vec<String> = graph::circles(&arrows)
        .iter()
        .map(|circle| describe_circle(circle, &arrows))
        .collect();
    if let Some(order) = order {
        findings.extend(modules_without_layer(modules, order));
        findings.extend(arrows.iter().filter_map(|arrow| runs_up(arrow, order)));
    }
    findings
}

/// Describes a circle by the first use between each two of its files.
fn describe_circle(circle: &BTreeSet<&Path>, arrows: &BTreeSet<Arrow>) -> String {
    let mut text = format!("{} files import each other in a circle:", circle.len());
    let is_inside = |file: &Path| circle.contains(file);
    let mut listed = BTreeSet::new();
    for arrow in arrows {
        let is_new = listed.insert((&arrow.from, &arrow.to));
        if is_new && is_inside(&arrow.from) && is_inside(&arrow.to) {
            text.push_str(&format!("\n  {}", describe(arrow)));
        }
    }
    text
}

fn describe(arrow: &Arrow) -> String {
    let (from, to) = (arrow.from.display(), arrow.to.display());
    format!("{from}:{} uses {to}", arrow.line)
}

fn modules_without_layer(modules: &Modules, order: &[&[&str]]) -> Vec<String> {
    let top_level = modules.iter().filter(|(path, _)| path.len() == 1);
    top_level
        .filter_map(|(path, module)| Some((path.first()?, module)))
        .filter(|(name, _)| order::layer(order, name).is_none())
        .map(|(name, module)| format!("{}: the module {name} has no layer", module.file.display()))
        .collect()
}

/// Describes an arrow from a lower layer to a higher one. The crate's root is above all layers.
fn runs_up(arrow: &Arrow, order: &[&[&str]]) -> Option<String> {
    let (from, to) = &arrow.modules;
    let from_layer = order::layer(order, from.as_deref()?)?;
    let is_up = match to {
        Some(to) => order::layer(order, to)? < from_layer,
        None => true,
    };
    is_up.then(|| format!("{}, which is in a higher layer", describe(arrow)))
}
