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

/// What the values come to where nothing disturbs them: other work on the machine only ever adds to them, so the 10th percentile moves
/// less between two runs than the median, and less than the minimum from one value to the next.
pub(crate) fn undisturbed(values: &[f64]) -> f64 {
    quantile(values, 0.1)
}

/// [`undisturbed`] with its interval.
pub(crate) fn estimate(values: &[f64], rng: &mut Rng) -> Estimate {
    bootstrap(&[values], rng, |drawn| undisturbed(&drawn[0]))
}

/// How much more `of` comes to than `base`.
pub(crate) fn added(of: &[f64], base: &[f64], rng: &mut Rng) -> Estimate {
    bootstrap(&[of, base], rng, |drawn| {
        undisturbed(&drawn[0]) - undisturbed(&drawn[1])
    })
}

/// The ratio of what is added: each pair is a series and its base.
pub(crate) fn ratio(above: [&[f64]; 2], below: [&[f64]; 2], rng: &mut Rng) -> Estimate {
    bootstrap(&[above[0], above[1], below[0], below[1]], rng, |drawn| {
        (undisturbed(&drawn[0]) - undisturbed(&drawn[1]))
            / (undisturbed(&drawn[2]) - undisturbed(&drawn[3]))
    })
}

fn bootstrap(series: &[&[f64]], rng: &mut Rng, statistic: impl Fn(&[Vec<f64>]) -> f64) -> Estimate {
    let as_measured: Vec<Vec<f64>> = series.iter().map(|values| values.to_vec()).collect();
    let resampled: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let draw = |values: &&[f64]| {
                values
                    .iter()
                    .map(|_| values[rng.usize(..values.len())])
                    .collect()
            };
            let drawn: Vec<Vec<f64>> = series.iter().map(draw).collect();
            statistic(&drawn)
        })
        .collect();
    Estimate {
        value: statistic(&as_measured),
        low: quantile(&resampled, 0.025),
        high: quantile(&resampled, 0.975),
    }
}

#[cfg(test)]
mod tests {
    use super::{added, median, quantile, ratio, spread};
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

    /// A series around `value` in which most figures are disturbed, some of them wildly.
    fn disturbed(value: f64, rng: &mut Rng) -> Vec<f64> {
        (0..100)
            .map(|number| match number % 5 {
                0 | 1 => value + rng.f64() * 0.2,
                2 | 3 => value + rng.f64() * 20.0,
                _ => value + rng.f64() * 1e6,
            })
            .collect()
    }

    #[test]
    fn disturbance_does_not_move_what_is_added_and_the_interval_holds_it() {
        let mut rng = Rng::with_seed(7);
        let (of, base) = (disturbed(35.0, &mut rng), disturbed(30.0, &mut rng));
        let added = added(&of, &base, &mut rng);
        assert!((4.8..5.2).contains(&added.value), "{added:?}");
        assert!(
            added.low < 5.1 && added.high > 4.9 && added.relative_error() < 0.05,
            "{added:?}"
        );
    }

    #[test]
    fn a_ratio_is_that_of_what_is_added() {
        let mut rng = Rng::with_seed(7);
        let series = [33.0, 30.0, 13.0, 12.0].map(|value| disturbed(value, &mut rng));
        let ratio = ratio([&series[0], &series[1]], [&series[2], &series[3]], &mut rng);
        assert!(
            (2.7..3.3).contains(&ratio.value) && ratio.low < ratio.high,
            "{ratio:?}"
        );
    }
}
