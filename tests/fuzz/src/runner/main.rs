//! `make fuzz`: every target for its share of `DURATION` seconds, coverage-guided where there is a
//! C++ compiler for libFuzzer, else with random inputs.

mod coverage;
mod keep;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, panic};

use fuzz::{TARGETS, Target, random};
use report::Outcome;
use signal_hook::consts::{SIGINT, SIGTERM};

const USAGE: &str = "\
fuzz [TARGET…]            every target, or those, for DURATION seconds in all
fuzz replay TARGET FILE   check one input
fuzz keep [TARGET…]       add to the committed corpora what reached new code";

/// Set by Ctrl-C.
type Interrupted = Arc<AtomicBool>;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["replay", name, file] => replay(name, file),
        ["keep", names @ ..] => targets(names).and_then(|targets| keep::keep(&targets)),
        names => targets(names).and_then(|targets| fuzz(&targets)),
    };
    outcome.unwrap_or_else(|problem| {
        eprintln!("fuzz: {problem}");
        ExitCode::from(2)
    })
}

fn targets(names: &[&str]) -> Result<Vec<Target>, String> {
    if names.is_empty() {
        return Ok(TARGETS.to_vec());
    }
    names.iter().map(|name| named(name)).collect()
}

fn named(name: &str) -> Result<Target, String> {
    fuzz::target(name).ok_or_else(|| {
        let known = TARGETS.map(|target| target.name).join(", ");
        format!("no target {name:?}; there are {known}\n{USAGE}")
    })
}

fn replay(name: &str, file: &str) -> Result<ExitCode, String> {
    let target = named(name)?;
    let input = fs::read(file).map_err(|error| format!("{file}: {error}"))?;
    println!("{}", input.escape_ascii());
    (target.check)(&input);
    println!("{name}: this input passes");
    Ok(ExitCode::SUCCESS)
}

fn fuzz(targets: &[Target]) -> Result<ExitCode, String> {
    let duration = env::var("DURATION").unwrap_or_else(|_| "60".to_owned());
    let seconds: u32 = duration
        .parse()
        .map_err(|_| format!("DURATION is {duration:?}: give a number of seconds"))?;
    let interrupted = Interrupted::default();
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&interrupted))
            .map_err(|error| format!("signals can't be caught: {error}"))?;
    }

    let program = coverage::build();
    if interrupted.load(Ordering::Relaxed) {
        return Ok(ExitCode::from(130));
    }
    let how = match &program {
        Ok(_) => "coverage-guided (libFuzzer)".to_owned(),
        Err(reason) => format!("with random inputs (proptest), because {reason}"),
    };
    let share = Duration::from_secs(u64::from(seconds)) / u32::try_from(targets.len()).unwrap_or(1);
    println!(
        "{how}: {} targets, {:.1} s each",
        targets.len(),
        share.as_secs_f64()
    );
    report::header();
    let mut has_findings = false;
    for target in targets {
        report::begin(target);
        let outcome = match &program {
            Ok(program) => coverage::run(program, target, share, &interrupted)?,
            Err(_) => at_random(target, share, &interrupted)?,
        };
        report::end(target, &outcome);
        has_findings |= outcome.finding.is_some();
        if interrupted.load(Ordering::Relaxed) {
            println!("interrupted");
            return Ok(ExitCode::from(130));
        }
    }
    Ok(ExitCode::from(u8::from(has_findings)))
}

/// Where runs leave what they find: a folder of that name for the target.
fn work_folder(target: &Target, name: &str) -> Result<PathBuf, String> {
    let program =
        env::current_exe().map_err(|error| format!("this program's own place: {error}"))?;
    let built = program.ancestors().nth(2).unwrap_or(&program);
    let folder = built.join("fuzzing").join(target.name).join(name);
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder)
}

fn at_random(
    target: &Target,
    share: Duration,
    interrupted: &Interrupted,
) -> Result<Outcome, String> {
    const CASES: u32 = 200;
    // The finding says it once; every step of its reduction would say it again.
    panic::set_hook(Box::new(|_| {}));
    let start = Instant::now();
    let mut outcome = Outcome::default();
    while start.elapsed() < share && !interrupted.load(Ordering::Relaxed) {
        outcome.runs += u64::from(CASES);
        if let Err(finding) = random::search(target, CASES) {
            let file = work_folder(target, "findings")?.join("input");
            fs::write(&file, &finding.input)
                .map_err(|error| format!("{}: {error}", file.display()))?;
            outcome.finding = Some(file);
            outcome.reason = finding.reason;
            break;
        }
    }
    drop(panic::take_hook());
    outcome.elapsed = start.elapsed();
    Ok(outcome)
}
