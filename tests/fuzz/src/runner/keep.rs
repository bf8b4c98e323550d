//! Adding to the committed corpora, which stay small.

use std::cmp::Reverse;
use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::process::ExitCode;

use fuzz::{Target, corpus};

use crate::{coverage, work_folder};

/// Most inputs of a target that are committed; inputs that showed a bug are added by hand and
/// always welcome.
const MOST_INPUTS: usize = 30;
/// Longest input that is added, in bytes.
const LONGEST: usize = 512;

/// Copies inputs of earlier runs that reach what no committed one does: the long ones, which reach
/// the most.
pub(crate) fn keep(targets: &[Target]) -> Result<ExitCode, String> {
    let program = coverage::build()?;
    for target in targets {
        let committed = corpus::folder(target.name);
        let merged = work_folder(target, "merged")?;
        let failed = |error: std::io::Error| format!("{}: {error}", merged.display());
        fs::remove_dir_all(&merged).map_err(failed)?;
        fs::create_dir_all(&merged).map_err(failed)?;
        let folders = [&merged, &committed, &work_folder(target, "found")?];
        let mut arguments = vec![OsString::from("-set_cover_merge=1")];
        arguments.extend(folders.map(|folder| folder.clone().into_os_string()));
        let mut child = coverage::start(&program, target, &arguments)?;
        let mut said = String::new();
        let errors = child
            .stderr
            .take()
            .map(|mut errors| errors.read_to_string(&mut said));
        let status = child
            .wait()
            .map_err(|error| format!("libFuzzer: {error}"))?;
        if !status.success() || !matches!(errors, Some(Ok(_))) {
            return Err(format!("libFuzzer: {status}: {said}"));
        }

        let known: Vec<Vec<u8>> = corpus::inputs(&committed)
            .into_iter()
            .map(|(_, input)| input)
            .collect();
        let mut new = corpus::inputs(&merged);
        new.retain(|(_, input)| input.len() <= LONGEST && !known.contains(input));
        new.sort_by_key(|(_, input)| Reverse(input.len()));
        new.truncate(MOST_INPUTS.saturating_sub(known.len()));
        for (name, input) in &new {
            let file = committed.join(name.get(..12).unwrap_or(name));
            fs::write(&file, input).map_err(|error| format!("{}: {error}", file.display()))?;
        }
        println!(
            "{}: {} inputs, {} of them new",
            target.name,
            known.len() + new.len(),
            new.len()
        );
    }
    Ok(ExitCode::SUCCESS)
}
