//! A bar chart as SVG, for light and dark pages.

/// One bar.
#[derive(Clone, Debug)]
pub(crate) struct Bar {
    /// Its label.
    pub(crate) label: String,
    /// How long it is.
    pub(crate) value: f64,
    /// The ends of its interval.
    pub(crate) interval: (f64, f64),
    /// Whether it is one of the product's own.
    pub(crate) own: bool,
}

const LABELS: f64 = 300.0;
const BARS: f64 = 400.0;
const FIGURES: f64 = 90.0;
const LINE: f64 = 26.0;
const TOP: f64 = 56.0;

/// The chart of these bars, which are figures in `unit`.
pub(crate) fn bars(title: &str, subtitle: &str, unit: &str, bars: &[Bar]) -> String {
    let longest = bars
        .iter()
        .map(|bar| bar.interval.1.max(bar.value))
        .fold(f64::MIN_POSITIVE, f64::max);
    let scale = |value: f64| value.max(0.0) / longest * BARS;
    let (width, height) = (
        LABELS + BARS + FIGURES,
        TOP + LINE * bars.len() as f64 + 12.0,
    );
    let rows: String = bars
        .iter()
        .enumerate()
        .map(|(number, bar)| {
            let y = TOP + LINE * number as f64;
            let (low, high) = (LABELS + scale(bar.interval.0), LABELS + scale(bar.interval.1));
            format!(
                "  <text x=\"{label_x}\" y=\"{text_y}\" text-anchor=\"end\">{label}</text>\n  \
                 <rect class=\"{class}\" x=\"{LABELS}\" y=\"{y}\" width=\"{length:.1}\" height=\"18\" rx=\"2\"/>\n  \
                 <path class=\"interval\" d=\"M{low:.1} {middle}H{high:.1}M{low:.1} {from}v6M{high:.1} {from}v6\"/>\n  \
                 <text x=\"{figure_x:.1}\" y=\"{text_y}\">{value:.1} {unit}</text>\n",
                label_x = LABELS - 8.0,
                text_y = y + 13.5,
                label = escaped(&bar.label),
                class = if bar.own { "own" } else { "other" },
                length = scale(bar.value),
                middle = y + 9.0,
                from = y + 6.0,
                figure_x = high.max(LABELS + scale(bar.value)) + 6.0,
                value = bar.value,
            )
        })
        .collect();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\">
  <title>{title}</title>
  <style>
    text {{ font: 13px system-ui, sans-serif; fill: #1f2328; }}
    .title {{ font-weight: 600; font-size: 15px; }}
    .subtitle {{ font-size: 11px; fill: #59636e; }}
    .own {{ fill: #0969da; }}
    .other {{ fill: #8c959f; }}
    .interval {{ stroke: #1f2328; stroke-width: 1.2; fill: none; }}
    @media (prefers-color-scheme: dark) {{
      text {{ fill: #e6edf3; }}
      .subtitle {{ fill: #9198a1; }}
      .own {{ fill: #4493f8; }}
      .other {{ fill: #6e7681; }}
      .interval {{ stroke: #e6edf3; }}
    }}
  </style>
  <text class=\"title\" x=\"8\" y=\"20\">{title}</text>
  <text class=\"subtitle\" x=\"8\" y=\"38\">{subtitle}</text>
{rows}</svg>
",
        title = escaped(title),
        subtitle = escaped(subtitle),
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::{Bar, bars};

    #[test]
    fn bars_are_as_long_as_their_values_and_never_negative() {
        let bar = |value: f64| Bar {
            label: "a < b".to_owned(),
            value,
            interval: (value - 1.0, value),
            own: true,
        };
        let svg = bars("title", "subtitle", "µs", &[bar(10.0), bar(5.0), bar(-1.0)]);
        for width in ["width=\"400.0\"", "width=\"200.0\"", "width=\"0.0\""] {
            assert!(svg.contains(width), "{svg}");
        }
        assert!(svg.contains("a &lt; b") && !svg.contains("a < b"), "{svg}");
    }
}
