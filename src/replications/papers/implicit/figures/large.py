"""Figures of the larger experiments: a million decays, overfitted validation, learned images."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt

from replications.core.estimates import mean
from replications.core.figures import OKABE_ITO, WIDTH, Drawing, figure
from replications.core.numbers import number, row
from replications.papers.implicit.experiments.distill import BASELINES, SOLVERS, distill, score
from replications.papers.implicit.experiments.million import mebibytes
from replications.papers.implicit.experiments.million import million as run
from replications.papers.implicit.experiments.overfit import ARMS, TUNED, at_end, overfit
from replications.papers.implicit.look import COLOR


@figure(on=run)
def million(result: xr.Dataset) -> Drawing:
    """Seconds and bytes against the number of decays."""
    canvas, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 2.9))
    slow, step = result["hypergradient_seconds"], result["gradient_seconds"]
    left.plot(result.decays, slow, "D-", color=COLOR["Neumann"])
    left.plot(result.decays, step, "o-", color=OKABE_ITO["blue"])
    end = int(result.decays.max())
    left.annotate(
        f"hypergradient, K = {run.full.terms}",
        (end, float(slow.sel(decays=end))),
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
    right.plot(
        result.decays,
        mebibytes(result) - result["base_bytes"] / 2**20,
        "D-",
        color=COLOR["Neumann"],
    )
    vectors = 10 * result.decays * 4 / 2**20
    right.plot(result.decays, vectors, ":", color=COLOR["theory"])
    right.annotate("ten vectors", (0.62, 0.3), xycoords="axes fraction", fontsize=8.5)
    right.set(xscale="log", xlabel="number of decays", ylabel="memory above the start, MiB")
    held = number(float(mebibytes(result).sel(decays=end)), digits=2)
    return Drawing(
        canvas,
        "CPU time of a hypergradient and of a training step, and peak memory, against the number "
        "of decays from a thousand to a million. Both grow, more slowly than the number of decays.",
        f"largest: {end:,} decays; peak memory of the process {held} MiB",
    )


@figure(on=overfit)
def overfitting(result: xr.Dataset) -> Drawing:
    """Validation and test accuracy while every weight's decay is tuned on 50 digits."""
    canvas, panels = plt.subplots(1, 2, figsize=(WIDTH, 3.0), sharey=True)
    curves = {"val": "validation", "test": "test"}
    rows = []
    for axes, model in zip(panels, result.model.values.tolist(), strict=True):
        for field, name in curves.items():
            for arm, line, word in zip(ARMS, ("--", "-"), ("fixed", "tuned"), strict=True):
                values = result[field].sel(model=model, arm=arm)
                color = COLOR[name]
                label = f"{name}, {word}"
                axes.plot(values.outer, values.mean("split"), line, color=color, label=label)
                if arm == TUNED:
                    low, high = values.min("split"), values.max("split")
                    axes.fill_between(values.outer, low, high, color=color, alpha=0.15, lw=0)
        decays = f"{int(result['hyperparameters'].sel(model=model)):,}"
        axes.set(title=f"{model}, {decays} decays", xlabel="steps on the decays")
        ends = [
            row([float(at_end(result, field, arm, model).mean()) for field in curves], digits=2)
            for arm in (TUNED, ARMS[0])
        ]
        rows.append(f"{model}: optimised {ends[0]}; fixed {ends[1]}")
    panels[0].set(ylabel="accuracy", ylim=(0, 1.03))
    handles, labels = panels[0].get_legend_handles_labels()
    canvas.legend(handles, labels, loc="outside lower center", ncols=4)
    return Drawing(
        canvas,
        "Accuracy on 50 validation digits and on the test set while one decay a weight is tuned "
        "on validation (solid; bands are the range over splits) or stays fixed (dashed). "
        "Validation reaches about one and stays; test accuracy of the network peaks early and then "
        "falls, that of the linear model stays above the fixed decay's.",
        f"{result.sizes['split']} splits, mean at the end: validation and test\n" + "\n".join(rows),
    )


@figure(on=distill)
def distilled(result: xr.Dataset) -> Drawing:
    """The ten learned images of two solvers, and what a classifier trained on them reaches."""
    canvas = plt.figure(figsize=(WIDTH, 3.6))
    parts: Any = canvas.subfigures(2, 1, height_ratios=(1, 1))
    top, bottom = parts
    shown = ("Neumann 0", "Neumann 20")
    grid = top.subplots(len(shown), 10)
    for images, name in zip(grid, shown, strict=True):
        for digit, axes in enumerate(images):
            pixels = result["images"].sel(solver=name, digit=digit)
            axes.imshow(pixels, cmap="gray", vmin=0, vmax=1)
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
            if name == shown[0]:
                axes.set_title(str(digit), loc="center", fontsize=9)
        images[0].set_ylabel(name, fontsize=8)
    axes = bottom.subplots()
    bars = {name: mean(score(result, name).values, "") for name in (*SOLVERS, *BASELINES)}
    for i, (name, e) in enumerate(bars.items()):
        learned = name in SOLVERS
        color = COLOR["Neumann"] if learned else OKABE_ITO["blue"]
        axes.plot([e.low, e.high], [-i, -i], color=color, linewidth=2.5)
        axes.plot(e.value, -i, "D" if learned else "o", color=color)
    labels = [f"learned, {n}" if n in SOLVERS else n for n in bars]
    axes.set_yticks(-np.arange(len(bars)), labels)
    axes.grid(axis="y", visible=False)
    axes.set(xlabel="test accuracy (mean, 95 %)")
    return Drawing(
        canvas,
        "Top: ten learned 8x8 images, one a class, for two orders of the series; bright "
        "blobs in the middle more than digits. Bottom: test accuracy of softmax regression trained "
        "on ten learned images: above ten class means, as good as all 900 real ones with the decay "
        "that was chosen for ten images, below all 900 with a weaker one.",
        f"{result.sizes['split']} splits\n" + "\n".join(f"{n}: {e:value}" for n, e in bars.items()),
    )
