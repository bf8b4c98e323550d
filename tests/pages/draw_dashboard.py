"""Draws docs/images/dashboard.svg from the samples of a run of the dashboard's queries.

    DASHBOARD_SAMPLES=$PWD/samples.json cargo test -p filter-tests --test pages every_panel
    python3 tests/pages/draw_dashboard.py samples.json docs/images/dashboard.svg

Needs matplotlib.
"""

import json
import re
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

PANELS = [
    ("Outcomes", "per second"),
    ("Not forwarded", "per second"),
    ("Refused", "per second"),
    ("Undelivered, share", "share"),
    ("VM failures", "since the start"),
    ("Configurations in Envoy", "in 10 s"),
    ("Responses", "per second"),
    ("Updates to Envoys", "in 10 s"),
    ("Envoys", "number"),
]
# Readable on light and dark pages.
GREY = "#7d8590"
COLOURS = ["#2f81f7", "#3fb950", "#db6d28", "#a371f7", "#f85149", "#d29922", "#39c5cf", "#db61a2", "#768390", "#6e40c9"]


def label(legend, metric):
    """The legend as Grafana writes it; an Envoy's port says nothing to a reader."""
    text = re.sub(r"{{(\w+)}}", lambda match: metric.get(match.group(1), ""), legend)
    text = re.sub(r"127\.0\.0\.1:\d+", "", text)
    return text.replace("/client/v4/zones/{id}/access/certificates/settings", "…/settings").strip()


def main(samples, target):
    plt.rcParams.update(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": "dashboard",
            "font.family": "sans-serif",
            "font.size": 8,
            "text.color": GREY,
            "axes.labelcolor": GREY,
            "axes.edgecolor": GREY,
            "xtick.color": GREY,
            "ytick.color": GREY,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.prop_cycle": plt.cycler(color=COLOURS),
        }
    )
    with open(samples, encoding="utf-8") as file:
        queries = json.load(file)
    start = min(point[0] for query in queries for series in query["series"] for point in series["values"])
    figure, axes = plt.subplots(3, 3, figsize=(11, 7.2), sharex=True)
    for axis, (title, unit) in zip(axes.flat, PANELS):
        for query in (query for query in queries if query["panel"] == title):
            for number, series in enumerate(query["series"]):
                times = [point[0] - start for point in series["values"]]
                values = [float(point[1]) for point in series["values"]]
                if max(values) == 0 and len(query["series"]) > 1:
                    continue
                name = label(query["legend"], series["metric"])
                if "{{instance}}" in query["legend"]:
                    name = f"{name} Envoy {number + 1}".strip()
                axis.plot(times, values, linewidth=1.3, label=name)
        axis.set_title(title, loc="left", fontsize=9, fontweight="bold")
        axis.set_ylabel(unit)
        axis.set_ylim(bottom=0)
        axis.yaxis.set_major_locator(plt.MaxNLocator(5, integer=unit in ("number", "since the start")))
        axis.grid(alpha=0.2)
        axis.legend(fontsize=6, frameon=False, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.16))
    for axis in axes[-1]:
        axis.set_xlabel("seconds")
        axis.legend(fontsize=6, frameon=False, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.3))
    figure.tight_layout()
    figure.savefig(target, transparent=True, metadata={"Date": None, "Creator": None})


if __name__ == "__main__":
    main(*sys.argv[1:])
