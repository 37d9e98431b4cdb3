"""Figures of the larger experiments: a million decays, overfitted validation, learned images."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt

from replications.core.estimates import mean
from replications.core.figures import OKABE_ITO, WIDTH, Drawing, figure
from replications.core.numbers import number, row
from replications.papers.implicit.experiments.distill import BASELINES, distill, score
from replications.papers.implicit.experiments.million import mebibytes
from replications.papers.implicit.experiments.million import million as run
from replications.papers.implicit.experiments.overfit import ARMS, TUNED, at_end, overfit
from replications.papers.implicit.experiments.worth import (
    EACH,
    FINALS,
    GRID,
    INPUT,
    LAYER,
    ONE,
    RANDOM,
    UNTUNED,
    ahead,
)
from replications.papers.implicit.experiments.worth import worth as compared
from replications.papers.implicit.experiments.worth_elsewhere import cancer
from replications.papers.implicit.experiments.worth_elsewhere import million_tuned as tuned
from replications.papers.implicit.experiments.worth_start import from_one, worth_start
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
    right.annotate("ten vectors", (0.62, 0.3), xycoords="axes fraction", fontsize=9)
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
                look = {"color": color, "marker": {"val": "D", "test": "o"}[field]}
                axes.plot(
                    values.outer, values.mean("split"), line, label=label, markevery=4, **look
                )
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
    """Learned digits beside real ones, and what a classifier trained on either reaches."""
    canvas = plt.figure(figsize=(WIDTH, 4.4))
    parts: Any = canvas.subfigures(2, 1, height_ratios=(1, 1.15))
    top, bottom = parts
    few, many = result.inner.values.tolist()
    learned = result["images"].sel(inner=few)
    shown = {
        "real": result["real"].sel(inner=few),
        "K = 20": learned.sel(solver="Neumann 20"),
        "CG 20": learned.sel(solver="CG 20"),
    }
    grid = top.subplots(len(shown), 10)
    for images, (name, pixels) in zip(grid, shown.items(), strict=True):
        for digit, axes in enumerate(images):
            axes.imshow(pixels.sel(digit=digit), cmap="gray", vmin=0, vmax=1)
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
        images[0].set_ylabel(name, fontsize=9, rotation=0, ha="right", va="center")
    axes = bottom.subplots()
    names = {
        "Neumann 0": "learned, K = 0",
        "Neumann 20": "learned, K = 20",
        "CG 20": "learned, CG 20",
        "CG 20, damped": "learned, CG 20, damped",
        **{name: name for name in BASELINES},
    }
    rows = []
    for i, (name, label) in enumerate(names.items()):
        for inner, marker, off in ((few, "D", 0.13), (many, "o", -0.13)):
            if name in BASELINES and inner != few:
                continue
            e = mean(100 * score(result, name, inner).values, "")
            color = OKABE_ITO["blue"] if name in BASELINES else COLOR["Neumann"]
            hollow = {"mfc": "none"} if inner == many else {}
            at = [off - i] * 2
            axes.plot([e.low, e.high], at, color=color, linewidth=2)
            axes.plot(e.value, at[0], marker, color=color, ms=5.5, **hollow)
            steps = "" if name in BASELINES else f", {inner} inner steps"
            rows.append(f"{label}{steps}: {e:value}")
    axes.set_yticks(-np.arange(len(names)), list(names.values()))
    axes.grid(axis="y", visible=False)
    axes.set(xlabel=f"test accuracy, % (diamonds: {few} inner steps; circles: {many}; 95 %)")
    return Drawing(
        canvas,
        "Top: a real image of each digit, and ten learned 8x8 images by the series and by "
        "conjugate gradients: blobs more than digits. Bottom: test accuracy of softmax regression "
        "trained on ten images. Conjugate gradients fall behind the series with 50 inner steps and "
        "not with 500; learned images are above class means and real ones.",
        f"{result.sizes['split']} splits, %\n" + "\n".join(rows),
    )


@figure(on=(compared, worth_start, cancer))
def worth(result: xr.Dataset, again: xr.Dataset, tumours: xr.Dataset) -> Drawing:
    """Test loss of one to many decays minus that of one decay by grid, by validation share."""
    canvas, grid = plt.subplots(2, 2, figsize=(WIDTH, 5.4), sharex=True, sharey="row")
    styles = {
        ONE: ("one", OKABE_ITO["blue"], "o"),
        LAYER: ("one a layer", OKABE_ITO["green"], "s"),
        INPUT: ("one an input", OKABE_ITO["orange"], "^"),
        EACH: ("one a weight", COLOR["Neumann"], "D"),
        "": ("one a weight, from e$^{-7}$", COLOR["Neumann"], "d"),
        RANDOM: ("one a weight, random search", COLOR["theory"], "X"),
    }
    shares = sorted(result.share.values.tolist())
    rows = []
    for panels, (data, found) in zip(
        grid, {"digits": result, "breast cancer": tumours}.items(), strict=True
    ):
        for axes, final in zip(panels, FINALS[1::-1], strict=True):
            for k, (arm, (label, color, marker)) in enumerate(styles.items()):
                if not arm and found is tumours:
                    continue
                pairs = (
                    ahead(found, arm, GRID, share=s, final=final)
                    if arm
                    else from_one(found, again, s, final)
                    for s in shares
                )
                means = [mean(pair.values, "") for pair in pairs]
                at = [i + 0.13 * (k - 2) for i in range(len(shares))]
                look = {"color": color, "lw": 0.8, "ls": "-" if arm else "--"}
                axes.plot(at, [e.value for e in means], marker, label=label, **look)
                for x, e in zip(at, means, strict=True):
                    axes.plot([x, x], [e.low, e.high], color=color, linewidth=1.4)
                values = row([e.value for e in means], digits=2)
                rows.append(f"{data}, {final}, {label}: {values}".replace("$^{-7}$", "^-7"))
            axes.axhline(0, color=plt.rcParams["text.color"], linewidth=0.8)
            axes.set_xticks(range(len(shares)), [f"{100 * s:.0f} %" for s in shares])
            axes.set(title=f"{data}, then trained on: {final}")
            axes.grid(axis="x", visible=False)
    for axes in grid[1]:
        axes.set(xlabel="share of the 200 for validation")
    canvas.supylabel("test loss minus that of one decay by grid, nats", fontsize=10)
    canvas.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return Drawing(
        canvas,
        "Test loss of tuned decays minus that of one decay by grid, against the share of 200 "
        "labelled examples used for validation, with 95 % intervals: digits above, breast cancer "
        "below. Trained on all 200 afterwards, one decay and one a layer lie on or just below "
        "zero, one an input and one a weight above it at every share, but for breast cancer with a "
        "tenth for validation, where their intervals hold zero. Trained on the training part "
        "alone, one a weight from e^-7 falls below it from a half on and one an input at 75 %, on "
        "digits; on breast cancer none of the many does.",
        f"mean over {result.sizes['split']} splits, shares {row(shares, digits=2)}\n"
        + "\n".join(rows),
    )


@figure(on=tuned)
def million_tuned(result: xr.Dataset) -> Drawing:
    """Validation and test loss of a wide network whose decays are none, one or a million."""
    canvas, panels = plt.subplots(1, 2, figsize=(WIDTH, 2.9), sharey=True)
    names = {
        UNTUNED: "untuned, e$^{-4}$",
        GRID: "one, grid",
        ONE: "one, hypergradient",
        EACH: "a million, hypergradient",
    }
    at = -np.arange(len(names))
    losses = {
        "validation loss, trained on half": result["val"],
        "test loss, trained on all 200": result["loss"].sel(final=FINALS[1]),
    }
    rows = []
    for axes, (title, loss) in zip(panels, losses.items(), strict=True):
        for y, (arm, name) in zip(at, names.items(), strict=True):
            values = loss.sel(arm=arm).squeeze("share")
            color = COLOR["Neumann"] if arm == EACH else OKABE_ITO["blue"]
            axes.plot(values, [y - 0.18] * values.size, "|", color=color)
            e = mean(values.values, "")
            axes.plot([e.low, e.high], [y, y], color=color, linewidth=2)
            axes.plot(e.value, y, "D" if arm == EACH else "o", color=color)
            rows.append(f"{title}, {name}: {e:value}".replace("$^{-4}$", "^-4"))
        axes.set(title=title, xlabel="nats", xlim=(0, None))
        axes.set_yticks(at, list(names.values()))
        axes.grid(axis="y", visible=False)
    return Drawing(
        canvas,
        "Validation and test loss of a network with two hidden layers of 1024 units, untuned, with "
        "one decay by grid or hypergradient, and with a million decays by hypergradient: means "
        "with 95 % intervals, ticks for the splits. In validation the million end far below all, "
        "in test beside one decay and far below the untuned.",
        f"{result.sizes['split']} splits\n" + "\n".join(rows),
    )
