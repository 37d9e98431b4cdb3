"""Figures of the Iris study and of the audit of the blog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import pyplot as plt

from replications.core.estimates import mean, paired
from replications.core.figures import COLOR, MARKER, OKABE_ITO, WIDTH, Drawing
from replications.papers.implicit.experiments import AUDIT, IRIS, audit, iris
from replications.papers.implicit.study import ARM, arms, early_stopped, tuned_scalar

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAMES = {
    "no decay": "no decay",
    "frozen": "initial decays, frozen",
    "blog's code": "the blog's code",
    "theta, K=5": "θ by SGD, K = 5",
    ARM: "log λ by Adam, K = 20",
    "uniform 1e-2": "weight_decay 0.01",
}
"""Arms that the curves show; all but the first as differences to the first."""
MEANS = {
    "no decay": (OKABE_ITO["blue"], "-"),
    ARM: (COLOR["Neumann"], "-"),
    "uniform 1e-2": (OKABE_ITO["orange"], "--"),
}
"""Those that are shown as they are."""


def iris_effects(results: tuple[iris.Result, ...]) -> Drawing:
    """Paired differences in final test loss between optimised decays and every control."""
    by = arms(results)
    ours = by[ARM].test[:, -1]
    rows = [
        ("no decay", paired(ours, by["no decay"].test[:, -1], "")),
        ("the initial decays, frozen", paired(ours, by["frozen"].test[:, -1], "")),
        ("weight_decay 0.01 for all (λ = 0.005)", paired(ours, by["uniform 1e-2"].test[:, -1], "")),
        ("one weight_decay, chosen on validation", paired(ours, tuned_scalar(by)[0], "")),
        ("no decay, stopped early", paired(ours, early_stopped(by["no decay"])[0], "")),
        (
            "no decay, both stopped early",
            paired(early_stopped(by[ARM])[0], early_stopped(by["no decay"])[0], ""),
        ),
    ]
    figure, axes = plt.subplots(figsize=(WIDTH, 3.2))
    lines = []
    for i, (name, e) in enumerate(rows):
        better, worse = e.high < 0, e.low > 0
        color = (
            OKABE_ITO["green"] if better else OKABE_ITO["vermillion"] if worse else COLOR["theory"]
        )
        marker = "D" if better else "X" if worse else "o"
        axes.plot([e.low, e.high], [-i, -i], color=color, linewidth=2.5, solid_capstyle="butt")
        axes.plot(e.value, -i, marker, color=color, ms=7)
        lines.append(f"against {name}: {e.value:+.2f} [{e.low:+.2f}, {e.high:+.2f}]")
    axes.axvline(0, color=plt.rcParams["text.color"], linewidth=0.8)
    axes.set_yticks(-np.arange(len(rows)), [name for name, _ in rows])
    axes.grid(axis="y", visible=False)
    axes.set(
        xlabel="test loss of 17,280 optimised decays minus that of the control, nats\n"
        "(left of zero: optimised decays are better)",
        title="Is it better than …",
    )
    return Drawing(
        figure,
        "Paired differences of the final test loss, with 95 % intervals, between 17,280 optimised "
        "weight decays and six controls. Against no decay and against the same decays left alone "
        "the interval lies below zero; against one decay for all weights and against early "
        "stopping it holds zero.",
        f"n = {len(ours)} splits\n" + "\n".join(lines),
    )


def iris_curves(results: tuple[iris.Result, ...]) -> Drawing:
    """Losses and accuracy over outer iterations; test loss of every arm minus that of no decay."""
    by = arms(results)
    others = [name for name in NAMES if name in by and name != "no decay"]
    outer = np.arange(1, by["no decay"].test.shape[1] + 1)
    figure = plt.figure(figsize=(WIDTH, 5.4))
    parts: Any = figure.subfigures(2, 1, height_ratios=(1.15, 1))
    top, bottom = parts
    panels = top.subplots(1, 4)
    fields = ("train", "val", "test", "accuracy")
    titles = ("training loss", "validation loss", "test loss", "test accuracy")
    for axes, field, title in zip(panels, fields, titles, strict=True):
        for name, (color, line) in MEANS.items():
            _band(axes, outer, getattr(by[name], field), color, line, NAMES[name])
        axes.set(title=title, xscale="log")
        axes.xaxis.set_major_formatter("{x:g}")
    for axes in panels[:3]:
        axes.set(yscale="log", ylim=(0.02, 0.4))
        axes.set_yticks([0.02, 0.05, 0.1, 0.2, 0.4], ["0.02", "0.05", "0.1", "0.2", "0.4"])
        axes.minorticks_off()
    for axes in panels[1:3]:
        axes.set_yticklabels([])
    panels[0].set(ylabel="cross-entropy, nats")
    panels[3].set(ylim=(0.9, 1.0))
    top.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    none = by["no decay"]
    row = bottom.subplots(1, len(others), sharey=True)
    for axes, name in zip(row, others, strict=True):
        axes.axhline(0, color=plt.rcParams["text.color"], linewidth=0.8)
        color, line = MEANS.get(name, (OKABE_ITO["green"], "-"))
        _band(axes, outer, by[name].test - none.test, color, line)
        axes.set(ylim=(-0.15, 0.12), xlim=(0, outer[-1]))
        axes.set_title(NAMES[name].replace(", K", ",\nK").replace("s, f", "s,\nf"), fontsize=9)
    row[0].set(ylabel="test loss minus that\nof no decay, nats")
    bottom.supxlabel("outer iteration", fontsize=9.5)
    rows = []
    for name in [n for n in NAMES if n in by]:
        losses = " ".join(f"{getattr(by[name], f)[:, -1].mean():.2f}" for f in fields)
        rows.append(f"{NAMES[name]}: {losses}")
    return Drawing(
        figure,
        "Above: training, validation and test loss and test accuracy over outer iterations, means "
        "over splits with 95 % intervals. The mean test loss is lowest at about the fourth "
        "iteration and then rises while accuracy stays flat. Below: the test loss of the other "
        "arms minus that of no decay, paired by split.",
        f"mean of {len(none.test)} splits, last iteration: train, val, test, accuracy\n"
        + "\n".join(rows),
    )


def _band(
    axes: Axes,
    at: np.ndarray,
    values: np.ndarray,
    color: str,
    line: str,
    label: str | None = None,
) -> None:
    """Mean over splits with its 95 % interval, at each outer iteration."""
    found = [mean(column, "") for column in values.T]
    axes.plot(at, [e.value for e in found], line, color=color, label=label, linewidth=1.2)
    low, high = [e.low for e in found], [e.high for e in found]
    axes.fill_between(at, low, high, color=color, alpha=0.2, lw=0)


def mean_decay(results: tuple[iris.Result, ...]) -> Drawing:
    """Average decay over outer iterations: theta hardly moves, log lambda does."""
    by = arms(results)
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.1))
    names = {
        "theta, K=5, alpha 0.1": ("θ, K = 5, α = 0.1", OKABE_ITO["blue"], "-"),
        "theta, K=0": ("θ, K = 0, α = 1", OKABE_ITO["sky"], "--"),
        "theta, K=5": ("θ, K = 5, α = 1", OKABE_ITO["green"], "-"),
        "theta, K=20": ("θ, K = 20, α = 1", OKABE_ITO["orange"], "-"),
        "blog's code": ("the blog's code", OKABE_ITO["purple"], "-."),
        ARM: ("log λ, K = 20", COLOR["Neumann"], "-"),
    }
    rows = []
    for name, (label, color, line) in names.items():
        curve = by[name].mean_decay.mean(0)
        outer = np.arange(1, len(curve) + 1)
        if name != ARM:
            left.plot(outer, 1e5 * curve, line, color=color, label=label)
        right.plot(outer, curve, line, color=color, label=label if name == ARM else None)
        rows.append(f"{label}: {curve[0]:.2g} to {curve[-1]:.1g}")
    start = 1e-4 / 3
    left.axhline(1e5 * start, color=plt.rcParams["text.color"], linewidth=0.8, linestyle=":")
    note = "dotted: mean of U(0, 0.01)²;\nK = 0 and α = 0.1 lie on it"
    left.annotate(note, (100, 3.3), fontsize=8.5, ha="right", va="top")
    left.set(xlabel="outer iteration", ylabel="mean decay λ, 10⁻⁵", ylim=(3.05, 4.25))
    left.set_title("moved as θ, λ = θ² (linear scale)")
    right.set(xlabel="outer iteration", ylabel="mean decay λ", yscale="log")
    right.set_title("the same, and moved as log λ")
    handles = [*left.get_legend_handles_labels()[0], *right.get_legend_handles_labels()[0]]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return Drawing(
        figure,
        "Mean decay over outer iterations. Tuned through theta with the correct hypergradient "
        "it stays near its initial value, 3.3e-5; the blog's code at its defaults leaves it; tuned "
        "as log lambda it grows more than a hundredfold.",
        "\n".join(rows),
    )


def audit_cosines(result: audit.Result) -> Drawing:
    """Cosine of the blog's update with the correct hypergradient, repair by repair."""
    figure, axes = plt.subplots(figsize=(WIDTH, 3.2))
    checkpoints = AUDIT.quick.checkpoints
    colors = [OKABE_ITO[c] for c in ("yellow", "orange", "vermillion", "purple", "blue")]
    rows = []
    for i, name in enumerate(audit.VARIANTS):
        values = result.cosine[i].mean(1)
        for k, (value, color) in enumerate(zip(values, colors, strict=True)):
            label = f"{checkpoints[k]}" if i == 0 else None
            at = -i + 0.14 * (2 - k)
            axes.plot(result.cosine[i, k], [at] * result.cosine.shape[2], ".", color=color, ms=3)
            axes.plot(value, at, "D", color=color, ms=5.5, label=label)
        rows.append(f"{name}: " + " ".join(f"{v:+.1f}" for v in values))
    axes.axvline(0, color=plt.rcParams["text.color"], linewidth=0.8)
    axes.set_yticks(-np.arange(len(rows)), list(audit.VARIANTS))
    axes.grid(axis="y", visible=False)
    axes.set(xlim=(-1.02, 1.02), xlabel="cosine with the correct hypergradient (1: same direction)")
    figure.legend(loc="outside lower center", ncols=5, title="outer iteration")
    return Drawing(
        figure,
        "Cosine between the blog's update and the correct hypergradient, as published and after "
        "each repair, at five outer iterations; dots are splits. As published the update points "
        "away from the hypergradient; all repairs together point along it.",
        f"mean of {result.cosine.shape[2]} splits at outer {checkpoints}\n" + "\n".join(rows),
    )


def orders(results: tuple[iris.Result, ...]) -> Drawing:
    """Final test loss of each order of the series and of the controls."""
    by = arms(results)
    names = {
        "no decay": "no decay",
        "frozen": "initial decays, frozen",
        "blog's code": "the blog's code",
        "theta, K=5, alpha 0.1": "θ, K = 5, α = 0.1",
        "theta, K=0": "θ, K = 0",
        "theta, K=5": "θ, K = 5",
        "theta, K=20": "θ, K = 20",
        "log, K=0": "log λ, K = 0",
        ARM: "log λ, K = 20",
        "uniform 1e-3": "weight_decay 0.001",
        "uniform 1e-2": "weight_decay 0.01",
        "uniform 1e-1": "weight_decay 0.1",
    }
    figure, axes = plt.subplots(figsize=(WIDTH, 3.6))
    rows = []
    for i, (name, label) in enumerate(names.items()):
        final = by[name].test[:, -1]
        e = mean(final, "")
        axes.plot(final, [-i] * len(final), "|", color=COLOR["theory"], ms=7, alpha=0.7)
        axes.plot([e.low, e.high], [-i, -i], color=COLOR["Neumann"], linewidth=2.5)
        axes.plot(e.value, -i, MARKER["Neumann"], color=COLOR["Neumann"])
        rows.append(f"{label}: {e.value:.2f} [{e.low:.2f}, {e.high:.2f}]")
    axes.set_yticks(-np.arange(len(names)), list(names.values()))
    axes.grid(axis="y", visible=False)
    axes.set(xscale="log", xlabel="final test loss, nats (bars: splits; diamond: mean, 95 %)")
    axes.set_xticks([0.001, 0.01, 0.1, 1], ["0.001", "0.01", "0.1", "1"])
    return Drawing(
        figure,
        "Final test loss of twelve arms, all with dropout: each split as a bar, the mean with its "
        "interval. Within an arm splits differ by up to a factor of a thousand and more, the "
        "arms' means by three.",
        "\n".join(rows),
    )


FIGURES = {
    "iris-effects": (iris_effects, IRIS, "full"),
    "iris-curves": (iris_curves, IRIS, "full"),
    "iris-orders": (orders, IRIS, "full"),
    "mean-decay": (mean_decay, IRIS, "full"),
    "audit": (audit_cosines, AUDIT, "quick"),
}
