//! Estimates that a few disturbed rounds don't move, and how far they can be trusted.

use fastrand::Rng;

/// How many resamples make an interval.
const RESAMPLES: usize = 2_000;

/// An estimate and its 95 % confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Estimate {
    /// The estimate itself.
    pub(crate) value: f64,
    /// The interval's lower end.
    pub(crate) low: f64,
    /// The interval's upper end.
    pub(crate) high: f64,
}

impl Estimate {
    /// Half of the interval's width, as a share of the value.
    pub(crate) fn relative_error(&self) -> f64 {
        ((self.high - self.low) / 2.0 / self.value).abs()
    }
}

/// The value below which that share of the values lies; 0 when there are none.
pub(crate) fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else {
        return 0.0;
    };
    let position = share * last as f64;
    let (below, part) = (position.floor() as usize, position.fract());
    let above = sorted[(below + 1).min(last)];
    sorted[below] + (above - sorted[below]) * part
}

/// The middle value; 0 when there are none.
pub(crate) fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// The distance of the quartiles as a share of the median.
pub(crate) fn spread(values: &[f64]) -> f64 {
    (quantile(values, 0.75) - quantile(values, 0.25)) / median(values)
}

/// The median of `values`, its interval by bootstrap.
pub(crate) fn median_estimate(values: &[f64], rng: &mut Rng) -> Estimate {
    bootstrap(values.len(), rng, |rounds| {
        let drawn: Vec<f64> = rounds.iter().map(|round| values[*round]).collect();
        median(&drawn)
    })
}

/// The ratio of the medians of two series of the same rounds, its interval by bootstrap over the rounds.
pub(crate) fn ratio_estimate(above: &[f64], below: &[f64], rng: &mut Rng) -> Estimate {
    bootstrap(above.len().min(below.len()), rng, |rounds| {
        let median_of = |series: &[f64]| {
            let drawn: Vec<f64> = rounds.iter().map(|round| series[*round]).collect();
            median(&drawn)
        };
        median_of(above) / median_of(below)
    })
}

fn bootstrap(rounds: usize, rng: &mut Rng, statistic: impl Fn(&[usize]) -> f64) -> Estimate {
    let all: Vec<usize> = (0..rounds).collect();
    let resampled: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let drawn: Vec<usize> = all.iter().map(|_| rng.usize(..rounds)).collect();
            statistic(&drawn)
        })
        .collect();
    Estimate {
        value: statistic(&all),
        low: quantile(&resampled, 0.025),
        high: quantile(&resampled, 0.975),
    }
}

#[cfg(test)]
mod tests {
    use super::{median, median_estimate, quantile, ratio_estimate, spread};
    use fastrand::Rng;

    #[test]
    fn quantiles_lie_between_neighbours_and_do_not_depend_on_the_order() {
        let values = [4.0, 1.0, 3.0, 2.0];
        assert_eq!(median(&values), 2.5);
        assert_eq!(quantile(&values, 0.0), 1.0);
        assert_eq!(quantile(&values, 1.0), 4.0);
        assert_eq!(quantile(&[], 0.5), 0.0);
        assert_eq!(spread(&[10.0, 10.0, 10.0]), 0.0);
    }

    #[test]
    fn an_interval_holds_the_truth_and_one_wild_round_does_not_move_the_estimate() {
        let mut rng = Rng::with_seed(7);
        let mut values: Vec<f64> = (0..100).map(|_| 5.0 + rng.f64()).collect();
        values[3] = 1e6;
        let estimate = median_estimate(&values, &mut rng);
        assert!(
            (5.3..5.7).contains(&estimate.value) && estimate.low < 5.5 && estimate.high > 5.5,
            "{estimate:?}"
        );
        assert!(estimate.relative_error() < 0.05, "{estimate:?}");
    }

    #[test]
    fn a_ratio_is_taken_within_the_same_rounds() {
        let mut rng = Rng::with_seed(7);
        let below: Vec<f64> = (0..50).map(|_| 2.0 + rng.f64()).collect();
        let above: Vec<f64> = below.iter().map(|value| value * 3.0).collect();
        let ratio = ratio_estimate(&above, &below, &mut rng);
        assert!(
            (ratio.high - 3.0).abs() < 1e-9 && (ratio.low - 3.0).abs() < 1e-9,
            "{ratio:?}"
        );
    }
}
