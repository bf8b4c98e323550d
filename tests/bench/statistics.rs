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

/// Estimates the undisturbed value. Other work on the machine only adds to the values, so the 10th
/// percentile varies less between two runs than the median, and less than the minimum from one
/// value to the next.
pub(crate) fn undisturbed(values: &[f64]) -> f64 {
    quantile(values, 0.1)
}

/// Averages the estimate of each start of a process over its starts. Starts differ by more than the
/// slices of one start, because their memory lies elsewhere.
pub(crate) fn over_starts(starts: &[Vec<f64>]) -> f64 {
    starts.iter().map(|slices| undisturbed(slices)).sum::<f64>() / starts.len().max(1) as f64
}

/// [`over_starts`] with its interval.
pub(crate) fn estimate(starts: &[Vec<f64>], rng: &mut Rng) -> Estimate {
    bootstrap(&[starts], rng, |each| each[0])
}

/// How much more `of` comes to than `base`, which were measured in the same starts.
pub(crate) fn added(of: &[Vec<f64>], base: &[Vec<f64>], rng: &mut Rng) -> Estimate {
    bootstrap(&[of, base], rng, |each| each[0] - each[1])
}

/// The ratio of added costs: each pair is a series and its base, all measured in the same starts.
pub(crate) fn ratio(above: [&[Vec<f64>]; 2], below: [&[Vec<f64>]; 2], rng: &mut Rng) -> Estimate {
    bootstrap(&[above[0], above[1], below[0], below[1]], rng, |each| {
        (each[0] - each[1]) / (each[2] - each[3])
    })
}

/// Draws starts, and slices within each of them; `statistic` gets the estimate of each series.
fn bootstrap(series: &[&[Vec<f64>]], rng: &mut Rng, statistic: impl Fn(&[f64]) -> f64) -> Estimate {
    let as_measured: Vec<f64> = series.iter().map(|starts| over_starts(starts)).collect();
    let starts = series[0].len();
    let resampled: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let drawn: Vec<usize> = (0..starts).map(|_| rng.usize(..starts)).collect();
            let mut draw = |slices: &Vec<f64>| -> Vec<f64> {
                let one = |_: &f64| slices[rng.usize(..slices.len())];
                slices.iter().map(one).collect()
            };
            let each: Vec<f64> = series
                .iter()
                .map(|series| {
                    let drawn: Vec<_> = drawn.iter().map(|start| draw(&series[*start])).collect();
                    over_starts(&drawn)
                })
                .collect();
            statistic(&each)
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
    fn starts_that_differ_widen_the_interval_and_count_alike() {
        let mut rng = Rng::with_seed(7);
        let start = |value: f64| vec![value; 20];
        let (of, base) = ([start(33.0), start(35.0)], [start(30.0), start(30.0)]);
        let added = added(&of, &base, &mut rng);
        assert_eq!((added.low, added.value, added.high), (3.0, 4.0, 5.0));
    }

    #[test]
    fn disturbance_does_not_move_what_is_added_and_the_interval_holds_it() {
        let mut rng = Rng::with_seed(7);
        let (of, base) = ([disturbed(35.0, &mut rng)], [disturbed(30.0, &mut rng)]);
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
        let series = [33.0, 30.0, 13.0, 12.0].map(|value| [disturbed(value, &mut rng)]);
        let ratio = ratio([&series[0], &series[1]], [&series[2], &series[3]], &mut rng);
        assert!(
            (2.7..3.3).contains(&ratio.value) && ratio.low < ratio.high,
            "{ratio:?}"
        );
    }
}
