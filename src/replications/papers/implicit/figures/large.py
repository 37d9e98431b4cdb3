"""Figures of the larger experiments: a million decays, overfitted validation, learned images."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib import pyplot as plt

from replications.core.estimates import mean
from replications.core.figures import COLOR, OKABE_ITO, WIDTH, Drawing
from replications.papers.implicit.experiments import (
    DISTILL,
    MILLION,
    OVERFIT,
    distill,
    million,
    overfit,
)


def million_figure(result: million.Result) -> Drawing:
    """Seconds and bytes against the number of decays."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 2.9))
    left.plot(result.decays, result.hypergradient_seconds, "D-", color=COLOR["Neumann"])
    left.plot(result.decays, result.gradient_seconds, "o-", color=OKABE_ITO["blue"])
    end = result.decays[-1]
    left.annotate(
        f"hypergradient, K = {MILLION.quick.terms}",
        (end, result.hypergradient_seconds[-1]),
        (-22, -4),
        textcoords="offset points",
        ha="right",
        color=COLOR["Neumann"],
    )
    left.annotate(
        "one training step",
        (0.97, 0.12),
        xycoords="axes fraction",
        ha="right",
        color=OKABE_ITO["blue"],
    )
    left.set(xscale="log", yscale="log", xlabel="number of decays", ylabel="CPU seconds")
    extra = (result.peak_bytes - result.base_bytes) / 2**20
    right.plot(result.decays, extra, "D-", color=COLOR["Neumann"])
    vectors = result.decays * 4 / 2**20
    right.plot(result.decays, 10 * vectors, ":", color=COLOR["theory"])
    right.annotate(
        "ten vectors",
        (result.decays[1], 10 * vectors[1]),
        (4, 8),
        textcoords="offset points",
        fontsize=8.5,
    )
    right.set(xscale="log", xlabel="number of decays", ylabel="memory above the start, MiB")
    size = f"{result.decays[-1]:,.0f}"
    return Drawing(
        figure,
        "CPU time of a hypergradient and of a training step, and peak memory, against the number "
        "of decays from a thousand to a million. Both grow, more slowly than the number of decays.",
        f"largest: {size} decays; peak memory below 1 GiB: {bool(result.peak_bytes[-1] < 2**30)}",
    )


def overfitting(result: overfit.Result) -> Drawing:
    """Validation and test accuracy while every weight's decay is tuned on 50 digits."""
    figure, panels = plt.subplots(1, 2, figsize=(WIDTH, 3.0), sharey=True)
    rows = []
    for m, (axes, model) in enumerate(zip(panels, overfit.MODELS, strict=True)):
        for field, color in (("val", COLOR["Neumann"]), ("test", OKABE_ITO["blue"])):
            for arm, line in enumerate(("--", "-")):
                values = getattr(result, field)[arm, m]
                label = f"{'validation' if field == 'val' else 'test'}, {('fixed', 'tuned')[arm]}"
                axes.plot(result.outer, values.mean(0), line, color=color, label=label)
                if arm:
                    low, high = values.min(0), values.max(0)
                    axes.fill_between(result.outer, low, high, color=color, alpha=0.15, lw=0)
        val, test = (getattr(result, f)[1, m, :, -1].mean() for f in ("val", "test"))
        fixed = [getattr(result, f)[0, m, :, -1].mean() for f in ("val", "test")]
        decays = f"{result.hyperparameters[m]:,}"
        axes.set(title=f"{model}, {decays} decays", xlabel="steps on the decays")
        rows.append(
            f"{model}: optimised {val:.2f} val, {test:.2f} test; "
            f"fixed {fixed[0]:.2f}, {fixed[1]:.2f}"
        )
    panels[0].set(ylabel="accuracy", ylim=(0, 1.03))
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    return Drawing(
        figure,
        "Accuracy on 50 validation digits and on the test set while one decay a weight is tuned "
        "on validation (solid; bands are the range over splits) or stays fixed (dashed). "
        "Validation reaches about one and stays; test accuracy of the network peaks early and then "
        "falls.",
        f"{result.val.shape[2]} splits, mean at the end\n" + "\n".join(rows),
    )


def distilled(result: distill.Result) -> Drawing:
    """The ten learned images of two solvers, and what a classifier trained on them reaches."""
    figure = plt.figure(figsize=(WIDTH, 3.6))
    parts: Any = figure.subfigures(2, 1, height_ratios=(1, 1))
    top, bottom = parts
    shown = ("Neumann 0", "Neumann 20")
    grid = top.subplots(len(shown), 10)
    names = list(distill.SOLVERS)
    for row, name in zip(grid, shown, strict=True):
        for digit, axes in enumerate(row):
            axes.imshow(result.images[names.index(name), digit], cmap="gray", vmin=0, vmax=1)
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
            if name == shown[0]:
                axes.set_title(str(digit), loc="center", fontsize=9)
        row[0].set_ylabel(name, fontsize=8)
    axes = bottom.subplots()
    bars = {name: mean(result.accuracy[i], "") for i, name in enumerate(names)}
    bars |= {name: mean(result.baselines[i], "") for i, name in enumerate(distill.BASELINES)}
    for i, (name, e) in enumerate(bars.items()):
        learned = name in distill.SOLVERS
        color = COLOR["Neumann"] if learned else OKABE_ITO["blue"]
        axes.plot([e.low, e.high], [-i, -i], color=color, linewidth=2.5)
        axes.plot(e.value, -i, "D" if learned else "o", color=color)
    labels = [f"learned, {n}" if n in distill.SOLVERS else n for n in bars]
    axes.set_yticks(-np.arange(len(bars)), labels)
    axes.grid(axis="y", visible=False)
    axes.set(xlabel="test accuracy (mean, 95 %)")
    return Drawing(
        figure,
        "Top: ten learned 8x8 images, one a class, for two orders of the series; bright "
        "blobs in the middle more than digits. Bottom: test accuracy of softmax regression trained "
        "on ten learned images: above ten class means, as good as all 900 real ones with the decay "
        "that was chosen for ten images, below all 900 with a weaker one.",
        f"{result.accuracy.shape[1]} splits\n"
        + "\n".join(f"{name}: {e.value:.2f}" for name, e in bars.items()),
    )


FIGURES = {
    "million": (million_figure, MILLION, "quick"),
    "overfitting": (overfitting, OVERFIT, "full"),
    "distilled": (distilled, DISTILL, "quick"),
}
