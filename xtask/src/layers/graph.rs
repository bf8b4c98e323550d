//! Which file uses which, and the circles among them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::modules::{ModulePath, Modules};

/// One use of a module in another file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Arrow {
    pub(super) from: PathBuf,
    pub(super) line: usize,
    pub(super) to: PathBuf,
    /// Top-level modules of both ends; `None` for the crate's root.
    pub(super) modules: (Option<String>, Option<String>),
}

/// Every use of a module in another file, once a line.
pub(super) fn arrows(modules: &Modules) -> BTreeSet<Arrow> {
    let mut arrows = BTreeSet::new();
    for (path, module) in modules {
        for reference in &module.references {
            let Some(target) = resolve(modules, path, &reference.segments, 0) else {
                continue;
            };
            let Some(to) = modules.get(&target).map(|module| &module.file) else {
                continue;
            };
            if *to != module.file {
                arrows.insert(Arrow {
                    from: module.file.clone(),
                    line: reference.line,
                    to: to.clone(),
                    modules: (path.first().cloned(), target.first().cloned()),
                });
            }
        }
    }
    arrows
}

/// How many imports are followed from name to name; valid code has no endless chain of them.
const MOST_IMPORTS: usize = 16;

/// The module that defines what `segments` names inside the module `from`; `None` when the path
/// leads out of the crate.
fn resolve(
    modules: &Modules,
    from: &ModulePath,
    segments: &[String],
    imports: usize,
) -> Option<ModulePath> {
    let (first, mut rest) = segments.split_first()?;
    let mut at = from.clone();
    match first.as_str() {
        "crate" => at.clear(),
        "self" => {}
        "super" => {
            at.pop()?;
        }
        child if modules.get(from)?.children.iter().any(|name| name == child) => {
            at.push(child.to_owned());
        }
        _ => return None,
    }
    while let Some((segment, behind)) = rest.split_first() {
        let module = modules.get(&at)?;
        if segment == "super" {
            at.pop()?;
        } else if module.children.contains(segment) {
            at.push(segment.clone());
        } else if let Some(import) = module.imports.get(segment)
            && imports < MOST_IMPORTS
        {
            let imported = [import.as_slice(), behind].concat();
            return resolve(modules, &at, &imported, imports + 1);
        } else {
            break;
        }
        rest = behind;
    }
    Some(at)
}

/// Groups of files that use each other, directly or through others.
pub(super) fn circles(arrows: &BTreeSet<Arrow>) -> Vec<BTreeSet<&Path>> {
    let mut uses: BTreeMap<&Path, BTreeSet<&Path>> = BTreeMap::new();
    for arrow in arrows {
        uses.entry(&arrow.from).or_default().insert(&arrow.to);
    }
    let reached: BTreeMap<&Path, BTreeSet<&Path>> = uses
        .keys()
        .map(|file| (*file, reachable(file, &uses)))
        .collect();
    let reaches = |from: &Path, to: &Path| reached.get(from).is_some_and(|set| set.contains(to));
    let mut circles: Vec<BTreeSet<&Path>> = Vec::new();
    for (file, others) in &reached {
        if reaches(file, file) && !circles.iter().any(|circle| circle.contains(file)) {
            let circle = others.iter().filter(|other| reaches(other, file));
            circles.push(circle.copied().collect());
        }
    }
    circles
}

/// The files that one uses, directly or through others.
fn reachable<'a>(file: &Path, uses: &BTreeMap<&'a Path, BTreeSet<&'a Path>>) -> BTreeSet<&'a Path> {
    let mut reached = BTreeSet::new();
    let mut open = vec![file];
    while let Some(file) = open.pop() {
        for file in uses.get(file).into_iter().flatten() {
            if reached.insert(*file) {
                open.push(file);
            }
        }
    }
    reached
}
