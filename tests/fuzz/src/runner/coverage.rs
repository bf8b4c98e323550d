//! Coverage-guided fuzzing: libFuzzer drives a program of its own, built with the compiler's
//! instrumentation.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use fuzz::{Target, corpus, random};

use crate::report::Outcome;
use crate::{Interrupted, work_folder};

/// What libFuzzer needs of the compiler, all of it in stable Rust: edges are counted, and
/// comparisons tell their operands.
const INSTRUMENTATION: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";

/// Seconds after which one input counts as a finding.
const TOO_SLOW: u32 = 5;

/// The instrumented program.
pub(crate) fn build() -> Result<PathBuf, String> {
    let compiler = env::var_os("CXX").unwrap_or_else(|| "c++".into());
    let compiles = Command::new(&compiler).arg("--version").output();
    if !compiles.is_ok_and(|output| output.status.success()) {
        return Err(format!(
            "libFuzzer needs a C++ compiler, and {} is none",
            compiler.display()
        ));
    }
    let host = host().ok_or("rustc does not name this machine's target")?;
    println!("building the instrumented program");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let built = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(&root)
        .args([
            "build",
            "--locked",
            "--package",
            "fuzz",
            "--bin",
            "fuzz-coverage-guided",
        ])
        .args(["--no-default-features", "--features", "libfuzzer"])
        // A target keeps build scripts and macros free of instrumentation.
        .args(["--profile", "fuzz", "--target", &host])
        .env("RUSTFLAGS", INSTRUMENTATION)
        .status();
    if !built.is_ok_and(|status| status.success()) {
        return Err("the instrumented program can't be built here".to_owned());
    }
    let folder = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(folder.join(host).join("fuzz/fuzz-coverage-guided"))
}

fn host() -> Option<String> {
    let output = Command::new("rustc").arg("-vV").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("host: "));
    line.map(str::to_owned)
}

/// Starts the program for that target; what it says comes from its standard error.
pub(crate) fn start(
    program: &Path,
    target: &Target,
    arguments: &[OsString],
) -> Result<Child, String> {
    let child = Command::new(program)
        .env("FUZZ_TARGET", target.name)
        .env("RUST_BACKTRACE", "0")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    child.map_err(|error| format!("{}: {error}", program.display()))
}

/// Fuzzes `target` for that long, or until something is found.
pub(crate) fn run(
    program: &Path,
    target: &Target,
    share: Duration,
    interrupted: &Interrupted,
) -> Result<Outcome, String> {
    let found = work_folder(target, "found")?;
    let findings = work_folder(target, "findings")?;
    let dictionary = work_folder(target, "words")?.join("words");
    fs::write(&dictionary, words(target))
        .map_err(|error| format!("{}: {error}", dictionary.display()))?;
    let flag = |name: &str, value: &dyn AsRef<std::ffi::OsStr>| {
        let mut flag = OsString::from(format!("-{name}="));
        flag.push(value);
        flag
    };
    let arguments = [
        flag("dict", &dictionary),
        flag("artifact_prefix", &findings.join("")),
        flag("max_len", &random::MAX_LENGTH.to_string()),
        flag("max_total_time", &share.as_secs().max(1).to_string()),
        flag("timeout", &TOO_SLOW.to_string()),
        flag("print_final_stats", &"1"),
        found.clone().into_os_string(),
        corpus::folder(target.name).into_os_string(),
    ];
    let known = count(&found);
    let start_time = Instant::now();
    let mut child = start(program, target, &arguments)?;
    let errors = child.stderr.take().ok_or("libFuzzer says nothing")?;
    let reader = thread::spawn(move || {
        let mut output = Output::default();
        let lines = BufReader::new(errors).split(b'\n').map_while(Result::ok);
        lines.for_each(|line| output.read(&String::from_utf8_lossy(&line)));
        output
    });
    let status = loop {
        if interrupted.load(Ordering::Relaxed) {
            // It may have ended by itself: Ctrl-C reaches it too.
            let _ = child.kill();
        }
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) => thread::sleep(Duration::from_millis(20)),
            Err(error) => return Err(format!("libFuzzer: {error}")),
        }
    };
    let output = reader
        .join()
        .map_err(|_| "libFuzzer's output could not be read")?;
    if !status.success() && output.finding.is_none() && !interrupted.load(Ordering::Relaxed) {
        return Err(format!("libFuzzer: {status}: {}", output.reason));
    }
    Ok(Outcome {
        runs: output.runs,
        elapsed: start_time.elapsed(),
        coverage: output.coverage,
        new_inputs: count(&found).saturating_sub(known),
        finding: output.finding,
        reason: output.reason,
    })
}

/// The target's words as libFuzzer's dictionary.
fn words(target: &Target) -> String {
    let quoted = |word: &&str| {
        let bytes = word.bytes().map(|byte| format!("\\x{byte:02x}"));
        format!("\"{}\"\n", bytes.collect::<String>())
    };
    target.words.iter().map(quoted).collect()
}

pub(crate) fn count(folder: &Path) -> usize {
    fs::read_dir(folder).map_or(0, Iterator::count)
}

/// What libFuzzer and the check said.
#[derive(Default)]
struct Output {
    runs: u64,
    coverage: Option<u64>,
    finding: Option<PathBuf>,
    reason: String,
    is_in_panic: bool,
}

impl Output {
    fn read(&mut self, line: &str) {
        let number_behind = |mark: &str| {
            let digits = line.split_once(mark)?.1.trim_start();
            let end = digits.find(|character: char| !character.is_ascii_digit());
            digits[..end.unwrap_or(digits.len())].parse::<u64>().ok()
        };
        if let Some(runs) = number_behind("#").filter(|_| line.starts_with('#')) {
            self.runs = self.runs.max(runs);
        }
        if let Some(runs) = number_behind("stat::number_of_executed_units:") {
            self.runs = runs;
        }
        self.coverage = number_behind(" cov:").or(self.coverage);
        if let Some((_, file)) = line.split_once("Test unit written to ") {
            self.finding = Some(PathBuf::from(file.trim()));
        }
        let starts_panic = line.starts_with("thread ") && line.contains("panicked");
        if starts_panic || line.contains("ERROR: libFuzzer: ") {
            self.is_in_panic = starts_panic;
            self.reason.push_str(line);
            self.reason.push('\n');
        } else if line.starts_with("note: ") || line.is_empty() {
            self.is_in_panic = false;
        } else if self.is_in_panic {
            self.reason.push_str(line);
            self.reason.push('\n');
        }
    }
}
