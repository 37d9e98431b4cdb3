"""Figures of the runs on the digits: maps, losses, the edge, slow settings, Adam."""

from __future__ import annotations

import numpy as np
from matplotlib import pyplot as plt

from replications.core.estimates import mean
from replications.core.figures import COLOR, MARKER, WIDTH, Drawing
from replications.papers.lookahead.claims.digits import figure_8
from replications.papers.lookahead.experiments import (
    ADAM,
    DIGITS,
    SLOW_SETTINGS,
    STRESS,
    adam,
    digits,
    slow_settings,
)

HALF = "SGD, scaled lr"


def _interval(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean over the last axis, seeds, and the half-width of its 95 % interval."""
    flat = samples.reshape(-1, samples.shape[-1])
    found = [mean(row, "over seeds") for row in flat]
    shape = samples.shape[:-1]
    centre = np.array([e.value for e in found])
    half = np.array([e.high - e.value for e in found])
    return centre.reshape(shape), half.reshape(shape)


def _rows(array: np.ndarray) -> str:
    return "\n".join(" ".join(f"{x:.1f}" for x in row) for row in array.round(1) + 0.0)


def digits_maps(result: digits.Result) -> Drawing:
    """Accuracy of SGD and Lookahead, and what Lookahead adds to SGD at lr and at lr / 2."""
    figure, grid = plt.subplots(
        2, 2, figsize=(WIDTH, 7.4), sharex=True, sharey=True, layout="constrained"
    )
    maps = {
        "SGD: test accuracy, %": result.sgd.mean(-1),
        "Lookahead: test accuracy, %": result.lookahead.mean(-1),
        "Lookahead − SGD at the same lr, points": (result.lookahead - result.sgd).mean(-1),
        "Lookahead − SGD at half the lr, points": (result.lookahead - result.half).mean(-1),
    }
    for i, (axes, (title, values)) in enumerate(zip(grid.flat, maps.items(), strict=True)):
        accuracy = i < 2
        axes.imshow(
            values,
            origin="lower",
            aspect="auto",
            cmap="cividis" if accuracy else "PuOr_r",
            vmin=10 if accuracy else -40,
            vmax=100 if accuracy else 40,
        )
        for (row, column), value in np.ndenumerate(values.round(1) + 0.0):
            dark = value < 70 if accuracy else abs(value) > 25
            text = f"{value:.1f}" if accuracy else f"{value:+.1f}"
            axes.text(
                column,
                row,
                text,
                ha="center",
                va="center",
                fontsize=9.5,
                color="white" if dark else "black",
            )
        axes.set_title(title, fontsize=10)
        axes.set_xticks(range(len(result.momentum)), [f"{m:g}" for m in result.momentum])
        axes.set_yticks(range(len(result.lr)), [f"{lr:g}" for lr in result.lr])
        axes.grid(False)
    for axes in grid[1]:
        axes.set_xlabel("momentum")
    for axes in grid[:, 0]:
        axes.set_ylabel("learning rate")
    return Drawing(
        figure,
        "Four heat maps over learning rate and momentum. Both methods do well up to a boundary; "
        "Lookahead's lies further out, most with high momentum. Against SGD at the same rate it "
        "gains widely where SGD fails and loses at most other settings; against SGD at half the "
        "rate it gains at high momentum and loses at low momentum.",
        "\n".join(f"{title}:\n{_rows(values)}" for title, values in list(maps.items())[2:]),
    )


def digits_loss(result: digits.Result) -> Drawing:
    """Figure 8 as points: training loss before the first decay, at most that of guessing."""
    rates = result.lr[(result.lr >= 0.1) & (result.lr <= 0.4)]
    momenta = result.momentum[result.momentum >= 0.9]
    figure, panels = plt.subplots(
        1, len(momenta), figsize=(WIDTH, 3.0), sharey=True, layout="constrained"
    )
    lines = []
    losses = {
        "SGD": result.sgd_loss,
        HALF: result.half_loss,
        "Lookahead": result.lookahead_loss,
    }
    for name, loss in losses.items():
        part = figure_8(np.minimum(loss, np.log(10)), result)
        middle = np.median(part, axis=-1)
        low, high = np.quantile(part, (0.25, 0.75), axis=-1)
        for j, axes in enumerate(panels):
            axes.errorbar(
                rates,
                middle[:, j],
                yerr=(middle[:, j] - low[:, j], high[:, j] - middle[:, j]),
                color=COLOR[name],
                marker=MARKER[name],
                markersize=5,
                label="SGD at half the lr" if name == HALF else name,
            )
        lines.append(f"{name}: " + " ".join(f"{x:.2f}" for x in middle.T.ravel()))
    for axes, momentum in zip(panels, momenta, strict=True):
        axes.set(xscale="log", yscale="log", title=f"momentum {momentum:g}", xlabel="learning rate")
        axes.set_xticks(rates, [f"{rate:g}" for rate in rates])
        axes.minorticks_off()
    panels[0].set_ylabel("training loss before the decay, nats")
    panels[0].legend(fontsize=8)
    return Drawing(
        figure,
        "Training loss against learning rate in three panels, momentum 0.9, 0.95, 0.98. "
        "Lookahead's is the lowest at eight of nine settings; at the largest rate and momentum all "
        "are far up, SGD where it only guesses, Lookahead the least.",
        "median loss, lr 0.1 0.2 0.4 for each momentum\n" + "\n".join(lines),
    )


def digits_stress(result: digits.Result) -> Drawing:
    """Accuracy over the learning rate where noise rules."""
    figure, panels = plt.subplots(1, 2, figsize=(WIDTH, 3.0), sharey=True, layout="constrained")
    lines = []
    curves = {"SGD": result.sgd, HALF: result.half, "Lookahead": result.lookahead}
    for name, accuracy in curves.items():
        centre, half = _interval(accuracy)
        for j, axes in enumerate(panels):
            axes.errorbar(
                result.lr,
                centre[:, j],
                yerr=half[:, j],
                color=COLOR[name],
                marker=MARKER[name],
                markersize=5,
                label="SGD at half the lr" if name == HALF else name,
            )
            axes.set(xscale="log", xlabel="learning rate", title=f"momentum {result.momentum[j]:g}")
            axes.set_xticks(result.lr, [f"{rate:g}" for rate in result.lr])
            axes.minorticks_off()
        lines.append(f"{name}: " + " ".join(f"{x:.1f}" for x in centre.T.ravel()))
    panels[0].set_ylabel("test accuracy, %")
    panels[0].legend(fontsize=8, loc="lower left")
    return Drawing(
        figure,
        "Test accuracy against learning rate with small batches and noisy labels. Without "
        "momentum Lookahead and SGD at half the rate agree up to lr 0.4, where SGD at the full "
        "rate is the best; with momentum 0.9 SGD fails first, SGD at half the rate and Lookahead "
        "one step later, Lookahead up to five points higher.",
        "lr for momentum 0, then for 0.9\n" + "\n".join(lines),
    )


def slow_grid(result: slow_settings.Result) -> Drawing:
    """What each (k, alpha) adds to SGD, at a good and at a rough place."""
    figure, panels = plt.subplots(1, 2, figsize=(WIDTH, 3.0), layout="constrained")
    lines = []
    for p, axes in enumerate(panels):
        centre, half = _interval(result.accuracy[p] - result.sgd_accuracy[p])
        lr, momentum = result.place[p]
        for j, alpha in enumerate(result.alpha):
            axes.errorbar(
                np.arange(len(result.k)) + 0.12 * (j - 1),
                centre[:, j],
                yerr=half[:, j],
                fmt="osD"[j],
                color=COLOR["Lookahead"],
                markersize=5,
                markerfacecolor="none" if j == 0 else None,
                label=f"α = {alpha:g}",
            )
        axes.axhline(0, color=COLOR["SGD"], linewidth=1)
        axes.set_xticks(range(len(result.k)), [f"{k}" for k in result.k])
        axes.set(
            xlabel="k",
            title=f"lr {lr:g}, momentum {momentum:g}: SGD {result.sgd_accuracy[p].mean():.1f} %",
        )
        axes.title.set_fontsize(10)
        lines.append(f"lr {lr:g}: " + " ".join(f"{x:.1f}" for x in centre.ravel()))
    panels[0].set_ylabel("points over SGD (blue line)")
    panels[0].legend(fontsize=8, loc="center")
    return Drawing(
        figure,
        "Accuracy over that of SGD for k = 5, 10, 20 and three alphas. Where SGD is good, all "
        "settings are below it, least so for alpha = 0.8, whatever k; where SGD fails, all are far "
        "above it, least so for alpha = 0.8, and there less with larger k.",
        "k outside, alpha inside\n" + "\n".join(lines),
    )


def lookahead_adam(result: adam.Result) -> Drawing:
    """Accuracy over Adam's learning rate."""
    figure, axes = plt.subplots(figsize=(WIDTH, 3.0), layout="constrained")
    curves = {
        "Adam": (result.adam, "Adam", "Adam"),
        "Adam at half the lr": (result.half, "Adam", "SGD, scaled lr"),
        "Lookahead around Adam": (result.lookahead, "Lookahead", "Lookahead"),
    }
    lines = []
    for name, (accuracy, colour, marker) in curves.items():
        centre, half = _interval(accuracy)
        axes.errorbar(
            result.lr,
            centre,
            yerr=half,
            color=COLOR[colour],
            marker=MARKER[marker],
            markersize=5,
            linestyle="--" if "half" in name else "-",
            label=name,
        )
        lines.append(f"{name}: " + " ".join(f"{x:.1f}" for x in centre))
    axes.set(xscale="log", xlabel="learning rate", ylabel="test accuracy, %")
    axes.set_xticks(result.lr, [f"{rate:g}" for rate in result.lr])
    axes.minorticks_off()
    axes.legend(fontsize=8, loc="lower center")
    return Drawing(
        figure,
        "Test accuracy against Adam's learning rate. Up to 0.016 Lookahead around Adam lies on "
        "the curve of Adam at half the rate, below Adam; from 0.032 on it is below that curve, and "
        "at the largest rate between the two.",
        "\n".join(lines),
    )


FIGURES = {
    "digits-maps": (digits_maps, DIGITS, "full"),
    "digits-loss": (digits_loss, DIGITS, "full"),
    "digits-stress": (digits_stress, STRESS, "full"),
    "slow-settings": (slow_grid, SLOW_SETTINGS, "full"),
    "lookahead-adam": (lookahead_adam, ADAM, "full"),
}
