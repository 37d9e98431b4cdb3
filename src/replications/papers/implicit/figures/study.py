"""Figures of the Iris study and of the audit of the blog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt

from replications.core.claims import movements
from replications.core.estimates import Estimate, mean
from replications.core.figures import OKABE_ITO, WIDTH, Drawing, figure
from replications.core.numbers import number, row
from replications.papers.implicit.experiments.audit import audit as audited
from replications.papers.implicit.experiments.iris import LATE, TUNED, compared, iris, late
from replications.papers.implicit.look import COLOR, MARKER

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAMES = {
    "no decay": "no decay",
    "frozen": "initial decays, frozen",
    "blog's code": "the blog's code",
    "theta, K=5": "θ by SGD, K = 5",
    TUNED: "log λ by Adam, K = 20",
    "uniform 1e-2": "weight_decay 0.01",
}
"""Arms that the curves show; all but the first as differences to the first."""
MEANS = {"no decay": "-", TUNED: "-.", "uniform 1e-2": "--"}
"""Those that are shown as they are, and their lines."""
EFFECTS = {
    "validation loss, no decay": ("no decay, in validation loss", "objective-falls"),
    "no decay": ("no decay", "blog-generalises"),
    "frozen": ("the initial decays, frozen", "control-frozen"),
    "uniform 1e-2": ("weight_decay 0.01 for all", "control-scalar"),
    "tuned scalar": ("one, chosen on validation", "control-tuned"),
    "no decay, stopped early": ("no decay, stopped early", "control-early-stopping"),
    "both stopped early": ("no decay, both stopped early", ""),
}
"""Comparisons of the optimised decays, what the first figure calls them, and their claims."""


@figure(on=iris)
def iris_effects(result: xr.Dataset) -> Drawing:
    """Paired differences between optimised decays and every control, with Holm's intervals."""
    canvas, axes = plt.subplots(figsize=(WIDTH, 3.3))
    lines = []
    moved = movements("implicit")
    for i, (comparison, (name, about)) in enumerate(EFFECTS.items()):
        e, movement = compared(result, comparison), moved.get(f"implicit-{about}", 0.0)
        # a margin that other dropout seeds eat up decides nothing
        better, worse = e.high + movement < 0, e.low - movement > 0
        color = (
            OKABE_ITO["green"] if better else OKABE_ITO["vermillion"] if worse else COLOR["theory"]
        )
        marker = "D" if better else "X" if worse else "o"
        axes.plot([e.low, e.high], [-i, -i], color=color, linewidth=2.5, solid_capstyle="butt")
        axes.plot(e.value, -i, marker, color=color, ms=7)
        word = "better" if better else "worse" if worse else "open"
        lines.append(f"against {name}: {e:+}, {word}")
    axes.axvline(0, color=plt.rcParams["text.color"], linewidth=0.8)
    axes.set_yticks(-np.arange(len(EFFECTS)), [name for name, _ in EFFECTS.values()])
    axes.grid(axis="y", visible=False)
    axes.set(
        xlabel="loss of 17,280 tuned decays minus the control's, nats\n(left of zero: better)",
        title="Is it better than …",
    )
    return Drawing(
        canvas,
        "Paired differences between 17,280 optimised weight decays and their controls, in "
        "validation loss in the first row and in test loss below, with intervals that are adjusted "
        "for the number of comparisons. A green diamond left of zero says better, a grey dot that "
        "the study cannot tell.",
        f"n = {result.sizes['split']} splits\n" + "\n".join(lines),
    )


@figure(on=iris)
def iris_curves(result: xr.Dataset) -> Drawing:
    """Losses and accuracy over outer iterations; test loss of every arm minus that of no decay."""
    result = result.sel(arm=list(NAMES)).mean("dropout_seed")
    others = [name for name in NAMES if name != "no decay"]
    canvas = plt.figure(figsize=(WIDTH, 5.4))
    parts: Any = canvas.subfigures(2, 1, height_ratios=(1.15, 1))
    top, bottom = parts
    panels = top.subplots(1, 4)
    titles = {
        "train": "training loss",
        "val": "validation loss",
        "test": "test loss",
        "accuracy": "test accuracy",
    }
    for axes, (field, title) in zip(panels, titles.items(), strict=True):
        for name, line in MEANS.items():
            _band(axes, result[field].sel(arm=name), COLOR[name], line, NAMES[name])
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
    none = result["test"].sel(arm="no decay", drop=True)
    below = bottom.subplots(1, len(others), sharey=True)
    for axes, name in zip(below, others, strict=True):
        axes.axhline(0, color=plt.rcParams["text.color"], linewidth=0.8)
        difference = result["test"].sel(arm=name) - none
        _band(axes, difference, COLOR.get(name, OKABE_ITO["green"]), MEANS.get(name, "-"))
        axes.set(ylim=(-0.15, 0.12), xlim=(0, int(result.outer.max())))
        axes.set_title(NAMES[name].replace(", K", ",\nK").replace("s, f", "s,\nf"), fontsize=9)
    below[0].set(ylabel="test loss minus that\nof no decay, nats")
    bottom.supxlabel("outer iteration", fontsize=9.5)
    means = result.sel(outer=result.outer > result.outer.max() - LATE).mean(("outer", "split"))
    rows = [
        f"{label}: {row([float(means[f].sel(arm=name)) for f in titles], digits=2)}"
        for name, label in NAMES.items()
    ]
    return Drawing(
        canvas,
        "Above: training, validation and test loss and test accuracy over outer iterations, means "
        "over splits with 95 % intervals. The mean test loss is lowest after a few "
        "iterations and then rises, and accuracy falls by about a point. Below: the test loss of "
        "the other arms minus that of no decay, paired by split.",
        f"mean of {result.sizes['split']} splits, late mean: train, val, test, accuracy\n"
        + "\n".join(rows),
    )


def _band(
    axes: Axes, curves: xr.DataArray, color: str, line: str, label: str | None = None
) -> None:
    """Mean over splits with its 95 % interval, at each outer iteration."""
    found = [mean(values, "") for values in curves.transpose("outer", "split").values]
    axes.plot(curves.outer, [e.value for e in found], line, color=color, label=label, linewidth=1.2)
    low, high = [e.low for e in found], [e.high for e in found]
    axes.fill_between(curves.outer, low, high, color=color, alpha=0.2, lw=0)


@figure(on=iris)
def iris_orders(result: xr.Dataset) -> Drawing:
    """Late test loss of each order of the series and of the controls."""
    names = {
        "no decay": "no decay",
        "frozen": "initial decays, frozen",
        "blog's code": "the blog's code",
        "theta, K=0": "θ, K = 0",
        "theta, K=5": "θ, K = 5",
        "theta, K=20": "θ, K = 20",
        TUNED: "log λ, K = 20",
        "uniform 1e-3": "weight_decay 0.001",
        "uniform 1e-2": "weight_decay 0.01",
        "uniform 1e-1": "weight_decay 0.1",
    }
    canvas, axes = plt.subplots(figsize=(WIDTH, 3.4))
    test = late(result["test"])
    rows = []
    for i, (name, label) in enumerate(names.items()):
        values = test.sel(arm=name).values
        e: Estimate = mean(values, "")
        axes.plot(values, [-i] * len(values), "|", color=COLOR["theory"], ms=7, alpha=0.7)
        axes.plot([e.low, e.high], [-i, -i], color=COLOR["Neumann"], linewidth=2.5)
        axes.plot(e.value, -i, MARKER["Neumann"], color=COLOR["Neumann"])
        rows.append(f"{label}: {e}")
    axes.set_yticks(-np.arange(len(names)), list(names.values()))
    axes.grid(axis="y", visible=False)
    axes.set(xscale="log", xlabel="late test loss, nats (bars: splits; diamond: mean, 95 %)")
    axes.set_xticks([0.001, 0.01, 0.1, 1], ["0.001", "0.01", "0.1", "1"])
    return Drawing(
        canvas,
        f"Test loss of {len(names)} arms at the end, all with dropout: each split as a bar, the "
        "mean with its interval. Within an arm splits differ by orders of magnitude, the arms' "
        "means by about three.",
        "\n".join(rows),
    )


@figure(on=iris)
def mean_decay(result: xr.Dataset) -> Drawing:
    """Average decay over outer iterations: theta hardly moves, log lambda does."""
    canvas, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.1))
    names = {
        "theta, K=0": ("θ, K = 0, α = 1", OKABE_ITO["sky"], "--"),
        "theta, K=5": ("θ, K = 5, α = 1", OKABE_ITO["green"], "-"),
        "theta, K=20": ("θ, K = 20, α = 1", OKABE_ITO["orange"], "-"),
        "blog's code": ("the blog's code", OKABE_ITO["purple"], "-."),
        TUNED: ("log λ, K = 20", COLOR[TUNED], "-"),
    }
    rows = []
    for name, (label, color, line) in names.items():
        curve = result["mean_decay"].sel(arm=name).mean(("split", "dropout_seed"))
        if name != TUNED:
            left.plot(curve.outer, 1e5 * curve, line, color=color, label=label)
        right.plot(curve.outer, curve, line, color=color, label=label if name == TUNED else None)
        ends = [float(curve.sel(outer=at)) for at in (curve.outer.min(), curve.outer.max())]
        rows.append(f"{label}: {number(ends[0], digits=2)} to {number(ends[1], digits=1)}")
    start = 1e-4 / 3
    left.axhline(1e5 * start, color=plt.rcParams["text.color"], linewidth=0.8, linestyle=":")
    note = "dotted: mean of U(0, 0.01)²;\nK = 0 lies on it"
    left.annotate(note, (100, 3.3), fontsize=9, ha="right", va="top")
    left.set(xlabel="outer iteration", ylabel="mean decay λ, 10⁻⁵", ylim=(3.05, 4.25))
    left.set_title("moved as θ, λ = θ² (linear scale)")
    right.set(xlabel="outer iteration", ylabel="mean decay λ", yscale="log")
    right.set_title("the same, and moved as log λ")
    handles = [*left.get_legend_handles_labels()[0], *right.get_legend_handles_labels()[0]]
    canvas.legend(handles=handles, loc="outside lower center", ncols=3)
    return Drawing(
        canvas,
        "Mean decay over outer iterations. Tuned through theta with the correct hypergradient "
        "it stays near its initial value, 3.3e-5; the blog's code at its defaults leaves it; tuned "
        "as log lambda it grows more than a hundredfold.",
        "\n".join(rows),
    )


@figure(on=audited)
def audit(result: xr.Dataset) -> Drawing:
    """Cosine of the blog's update with the correct hypergradient, repair by repair."""
    canvas, axes = plt.subplots(figsize=(WIDTH, 3.2))
    colors = [OKABE_ITO[c] for c in ("yellow", "orange", "vermillion", "purple", "blue")]
    rows = []
    variants = result.variant.values.tolist()
    for i, name in enumerate(variants):
        found = result["cosine"].sel(variant=name)
        for k, (outer, color) in enumerate(zip(found.outer.values, colors, strict=True)):
            values, at = found.sel(outer=outer), -i + 0.14 * (2 - k)
            axes.plot(values, [at] * values.size, ".", color=color, ms=3)
            label = f"{outer}" if i == 0 else None
            axes.plot(float(values.mean()), at, "D", color=color, ms=5.5, label=label)
        low, high = (number(float(x), 0.1) for x in (found.min(), found.max()))
        rows.append(f"{name}: {number(float(found.mean()), 0.1)} from {low} to {high}")
    axes.axvline(0, color=plt.rcParams["text.color"], linewidth=0.8)
    axes.set_yticks(-np.arange(len(rows)), variants)
    axes.grid(axis="y", visible=False)
    axes.set(xlim=(-1.02, 1.02), xlabel="cosine with the correct hypergradient (1: same direction)")
    canvas.legend(loc="outside lower center", ncols=5, title="outer iteration")
    return Drawing(
        canvas,
        "Cosine between the blog's update and the correct hypergradient, as published and after "
        "each repair, at five outer iterations; dots are splits. As published the update points "
        "away from the hypergradient; all repairs together point along it.",
        f"mean and range of {result.sizes['split']} splits at {result.sizes['outer']} outer "
        "iterations\n" + "\n".join(rows),
    )
