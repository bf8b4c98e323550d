//! Whether the machine was quiet enough for the figures to be believed.

use std::time::Duration;

use crate::{
    outcome::{Failure, setup},
    processor::{Machine, own_time},
    statistics::spread,
};

/// The largest share of the machine that others may have used.
const OTHERS: f64 = 0.10;
/// The largest share that other virtual machines may have been given.
const STOLEN: f64 = 0.03;
/// The largest distance of the quartiles of a baseline over the rounds, as a share of its median.
const SPREAD: f64 = 0.15;

/// Watches the machine while something is measured.
#[derive(Debug)]
pub(crate) struct Watch {
    machine: Machine,
    own: Duration,
}

impl Watch {
    /// Starts to watch. `measured` is the processor time that the measured processes have used so
    /// far.
    ///
    /// # Errors
    /// When the kernel's accounting is not readable.
    pub(crate) fn start(measured: Duration) -> Result<Watch, Failure> {
        Ok(Watch {
            machine: Machine::now().map_err(setup("the machine's load"))?,
            own: own_time().map_err(setup("the processor time"))? + measured,
        })
    }

    /// The reasons to doubt the figures.
    ///
    /// # Errors
    /// When the kernel's accounting is not readable.
    pub(crate) fn doubts(
        &self,
        what: &str,
        measured: Duration,
        baseline: &[f64],
    ) -> Result<Vec<String>, Failure> {
        let own = own_time().map_err(setup("the processor time"))? + measured;
        let machine = Machine::now().map_err(setup("the machine's load"))?;
        let (others, stolen) = machine.others_since(&self.machine, own.saturating_sub(self.own));
        let checks = [
            ("other processes used", others, OTHERS, "of the machine"),
            (
                "the host of this virtual machine gave away",
                stolen,
                STOLEN,
                "of its processors",
            ),
            (
                "the quartiles of the baseline lie",
                spread(baseline),
                SPREAD,
                "of its median apart",
            ),
        ];
        Ok(checks
            .into_iter()
            .filter(|(_, share, most, _)| share > most)
            .map(|(who, share, most, of)| {
                format!(
                    "{what}: {who} {:.0} % {of} (at most {:.0} %)",
                    share * 100.0,
                    most * 100.0
                )
            })
            .collect())
    }
}
