//! `bench instructions`: the cost of a request in instructions, which noise on the machine does not
//! change.
//!
//! Valgrind's callgrind runs Envoy and counts the executed instructions, the VMs' machine code
//! included. Instructions are not time (memory and mispredictions cost nothing here), but two runs
//! agree within a percent on any machine, so they show the effect of a change to the filter.

use std::{fs, path::Path, process::Command};

use serde_json::json;

use crate::{
    bench_envoy,
    cases::{Case, cases, chosen, find},
    head::Head,
    load::{Connection, Until, client_tls, open_all, request, slice},
    options::Options,
    origin::SmallOrigin,
    outcome::{Failure, Outcome, Target, setup},
    progress::Progress,
    ratios::{RATIOS, Ratio},
    report,
};

/// Requests until V8 has compiled a module's hot functions anew.
const WARM_UP: u64 = 3_000;
/// Requests of one count; two counts of a case must agree.
const COUNTED: u64 = 1_000;
/// By how much they may differ, as a share.
const DIFFERENCE: f64 = 0.01;

/// Runs it.
pub(crate) async fn run(options: &Options, head: &Head) -> Result<Outcome, Failure> {
    require_valgrind()?;
    let folder = tempfile::Builder::new()
        .prefix("bench-")
        .tempdir()
        .map_err(setup("a temporary folder"))?;
    let cases = chosen(cases(folder.path(), options.anatomy)?, &options.only)?;
    let origin = SmallOrigin::start()?;
    let mut counts = Vec::new();
    let mut doubts = Vec::new();
    let mut progress = Progress::new("instructions: case", cases.len() as u64);
    for case in &cases {
        let [first, second] = measure(case, folder.path(), &origin).await?;
        let difference = (first - second).abs() / second;
        if difference > DIFFERENCE {
            doubts.push(format!(
                "instructions: {}: two counts differ by {:.1} % (at most {:.0} %)",
                case.title,
                difference * 100.0,
                DIFFERENCE * 100.0
            ));
        }
        counts.push((first + second) / 2.0);
        progress.step();
    }
    let counted = Counted { cases, counts };
    println!(
        "\nInstructions of Envoy per request, HTTP/1.1 keep-alive over mTLS, one connection, by valgrind's callgrind\n{}",
        head.line()
    );
    counted.print();
    let json = json!({ "head": head.to_json(), "cases": counted.to_json(), "doubts": doubts });
    report::write_json("instructions.json", &json)?;
    let targets = counted.targets();
    Ok(Outcome { targets, doubts })
}

/// Brings the case into its steady state and counts twice. Each case has its own Envoy, as
/// valgrind's address space holds few VMs.
async fn measure(case: &Case, folder: &Path, origin: &SmallOrigin) -> Result<[f64; 2], Failure> {
    let callgrind = Callgrind::new(&folder.join(case.name()));
    let lanes = [case.lane.clone()];
    let envoy = bench_envoy::start_under(&callgrind.command(), &lanes, origin.address).await?;
    let mut connections = open_all(1, envoy.address(case.name()), &client_tls(), &[]).await?;
    for connection in &mut connections {
        case.expectation
            .check(case.title, connection, origin)
            .await?;
    }
    load(case, &mut connections, WARM_UP, envoy.pid()).await?;
    let mut counts = [0.0; 2];
    for count in &mut counts {
        callgrind.zero(envoy.pid())?;
        load(case, &mut connections, COUNTED, envoy.pid()).await?;
        *count = callgrind.dump(envoy.pid())? as f64 / COUNTED as f64;
    }
    Ok(counts)
}

async fn load(
    case: &Case,
    connections: &mut Vec<Connection>,
    requests: u64,
    pid: u32,
) -> Result<(), Failure> {
    let request = request(case.path, &[]);
    slice(connections, &request, Until::Requests(requests), false, pid).await?;
    Ok(())
}

/// Instructions per request of each case.
struct Counted {
    cases: Vec<Case>,
    counts: Vec<f64>,
}

impl Counted {
    /// Over the case's baseline; `None` for a baseline.
    fn added(&self, name: &str) -> Option<f64> {
        let count = |name| find(&self.cases, &self.counts, name);
        let case = find(&self.cases, &self.cases, name)?;
        Some(count(name)? - count(case.baseline?)?)
    }

    fn print(&self) {
        let mut table = report::table(&["case", "instructions", "added"]);
        for (case, count) in self.cases.iter().zip(&self.counts) {
            let added = self.added(case.name());
            table.add_row(vec![
                case.title.to_owned(),
                format!("{count:.0}"),
                added.map_or_else(|| "-".to_owned(), |added| format!("{added:.0}")),
            ]);
        }
        println!("{table}");
    }

    /// The limits of the contract.
    fn targets(&self) -> Vec<Target> {
        let target = |ratio: Ratio| {
            let measured = self.added(ratio.of).zip(self.added(ratio.to));
            let measured = measured.map(|(of, to)| of / to);
            Target {
                what: ratio.what.to_owned(),
                limit: ratio.limit.to_string(),
                measured: measured.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}")),
                met: measured.map(|measured| measured <= ratio.limit),
            }
        };
        RATIOS.into_iter().map(target).collect()
    }

    fn to_json(&self) -> Vec<serde_json::Value> {
        let cases = self.cases.iter().zip(&self.counts);
        cases
            .map(|(case, count)| {
                json!({ "name": case.name(), "instructions": count, "added": self.added(case.name()) })
            })
            .collect()
    }
}

/// Valgrind's callgrind, and where it writes its counts.
struct Callgrind {
    output: String,
}

impl Callgrind {
    fn new(output: &Path) -> Callgrind {
        Callgrind {
            output: output.display().to_string(),
        }
    }

    /// The command that runs Envoy. V8 writes machine code while it runs, so valgrind must check
    /// for self-modifying code.
    fn command(&self) -> Vec<String> {
        let output = format!("--callgrind-out-file={}", self.output);
        [
            "valgrind",
            "--quiet",
            "--tool=callgrind",
            "--smc-check=all-non-file",
            &output,
        ]
        .map(str::to_owned)
        .to_vec()
    }

    /// Counts from now on.
    fn zero(&self, pid: u32) -> Result<(), Failure> {
        control("--zero", pid)
    }

    /// The count since then.
    fn dump(&self, pid: u32) -> Result<u64, Failure> {
        control("--dump", pid)?;
        let newest = (1..)
            .map(|number| format!("{}.{number}", self.output))
            .take_while(|path| Path::new(path).exists())
            .last()
            .ok_or_else(|| Failure::Setup("callgrind wrote no counts".to_owned()))?;
        let text = fs::read_to_string(&newest).map_err(setup(&newest))?;
        total(&text).ok_or_else(|| Failure::Setup(format!("{newest} has no total")))
    }
}

/// # Errors
/// When valgrind is not installed.
fn require_valgrind() -> Result<(), Failure> {
    let missing = setup("valgrind is missing (Debian's package valgrind; make peers installs it)");
    let version = Command::new("callgrind_control").arg("--version").output();
    version.map(|_| ()).map_err(missing)
}

fn control(what: &str, pid: u32) -> Result<(), Failure> {
    let output = Command::new("callgrind_control")
        .args([what, &pid.to_string()])
        .output()
        .map_err(setup("callgrind_control"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(Failure::Setup(format!("callgrind_control {what}: {said}")))
}

/// The sum over all threads in a file that callgrind has written.
fn total(text: &str) -> Option<u64> {
    let line = |key: &str| text.lines().find_map(|line| line.strip_prefix(key));
    line("summary: ")
        .or_else(|| line("totals: "))?
        .trim()
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::total;

    #[test]
    fn the_total_is_read_from_what_callgrind_writes() {
        assert_eq!(
            total("version: 1\nevents: Ir\nsummary: 193651484\n\nfn=a\n"),
            Some(193_651_484)
        );
        assert_eq!(total("events: Ir\n\nfn=a\n1 2\ntotals: 7\n"), Some(7));
        assert_eq!(total("events: Ir\n"), None);
    }
}
