//! Comparing fairly: short runs of each side that alternate, so that what disturbs the machine disturbs both.

use crate::loader::Load;
use crate::process::Process;
use crate::{Arguments, Result};
use std::time::Duration;

/// One side of a comparison.
pub(crate) struct Side<'a> {
    pub(crate) process: &'a Process,
    pub(crate) load: Load,
}

/// What the rounds of one side came to.
#[derive(Default)]
pub(crate) struct Runs {
    /// Answers a second, round by round.
    pub(crate) rates: Vec<f64>,
    /// User-space time of the server for one answer, over all rounds.
    pub(crate) user: Duration,
    /// How busy the loader was, at most.
    pub(crate) busy: f64,
}

/// A median, and the smallest and the largest of what it is the median of.
#[derive(Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Spread {
    /// The median of two in the middle is the lower one. There has to be a value.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let last = values.len() - 1;
        Self { median: values[last / 2], least: values[0], most: values[last] }
    }

    /// Of what is measured round by round, the ratios.
    pub(crate) fn of_ratios(ours: &[f64], others: &[f64]) -> Self {
        Self::of(ours.iter().zip(others).map(|(ours, other)| ours / other))
    }
}

/// Runs every side in every round, in turns forward and backward.
pub(crate) fn compare(sides: &[Side<'_>], arguments: &Arguments) -> Result<Vec<Runs>> {
    let mut runs: Vec<Runs> = sides.iter().map(|_| Runs::default()).collect();
    let mut answers = vec![0_u64; sides.len()];
    let mut user = vec![Duration::ZERO; sides.len()];
    for round in 0..arguments.rounds() {
        for turn in 0..sides.len() {
            let at = if round % 2 == 0 { turn } else { sides.len() - 1 - turn };
            let side = &sides[at];
            let before = side.process.user_time()?;
            let carried = side.load.saturate(side.process.address, arguments.run())?;
            user[at] += side.process.user_time()? - before;
            answers[at] += carried.answers;
            runs[at].rates.push(carried.answers as f64 / carried.elapsed.as_secs_f64());
            runs[at].busy = runs[at].busy.max(carried.busy);
        }
    }
    for (at, run) in runs.iter_mut().enumerate() {
        run.user = user[at].div_f64(answers[at] as f64);
    }
    Ok(runs)
}
