"""Figures of the runs on the digits: maps, losses, the edge, slow settings, Adam."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt

from replications.core.estimates import mean
from replications.core.figures import WIDTH, Drawing, figure
from replications.core.numbers import number, row
from replications.papers.lookahead.experiments import digits, slow_settings, tuned
from replications.papers.lookahead.look import COLOR, MARKER

TENTHS = 1.0
"""Half-width with which a point of accuracy is printed: one decimal, as in the paper's tables."""


def _interval(samples: xr.DataArray) -> tuple[np.ndarray, np.ndarray]:
    """Mean over the seeds and the half-width of its 95 % interval, along the other axis."""
    (axis,) = (dim for dim in samples.dims if dim != "seed")
    found = [mean(one, "over seeds") for one in samples.transpose(axis, "seed").values]
    return np.array([e.value for e in found]), np.array([e.half_width for e in found])


@figure(on=digits.digits)
def digits_maps(result: xr.Dataset) -> Drawing:
    """Accuracy of SGD and Lookahead, and what Lookahead adds to SGD at lr and at lr / 2."""
    canvas, grid = plt.subplots(
        2, 2, figsize=(WIDTH, 7.4), sharex=True, sharey=True, layout="constrained"
    )
    half = digits.gain(result, over=digits.HALF)
    gains = {
        "Lookahead − SGD at the same lr, points": digits.gain(result).mean("seed"),
        "Lookahead − SGD at half the lr, points": half.mean("seed"),
    }
    maps = {
        f"{arm}: test accuracy, %": result["accuracy"].sel(arm=arm).mean("seed")
        for arm in (digits.SGD, digits.LOOKAHEAD)
    } | gains
    for axes, (title, values) in zip(grid.flat, maps.items(), strict=True):
        accuracy = title not in gains
        axes.imshow(
            values.transpose("lr", "momentum"),
            origin="lower",
            aspect="auto",
            cmap="cividis" if accuracy else "PuOr_r",
            vmin=10 if accuracy else -40,
            vmax=100 if accuracy else 40,
        )
        for (y, x), value in np.ndenumerate(values.transpose("lr", "momentum").values.round(1)):
            dark = value < 70 if accuracy else abs(value) > 25
            axes.text(
                x,
                y,
                f"{value:.1f}" if accuracy else f"{value + 0.0:+.1f}",
                ha="center",
                va="center",
                fontsize=9.5,
                color="white" if dark else "black",
            )
        axes.set_title(title, fontsize=10)
        axes.set_xticks(range(values.sizes["momentum"]), [f"{m:g}" for m in values["momentum"]])
        axes.set_yticks(range(values.sizes["lr"]), [f"{lr:g}" for lr in values["lr"]])
        axes.grid(False)
    for axes in grid[1]:
        axes.set_xlabel("momentum")
    for axes in grid[:, 0]:
        axes.set_ylabel("learning rate")
    return Drawing(
        canvas,
        "Four heat maps over learning rate and momentum. Both methods do well up to a boundary; "
        "Lookahead's lies further out, most with high momentum. Against SGD at the same rate it "
        "gains widely where SGD fails and loses at most other settings; against SGD at half the "
        "rate it gains at high momentum and loses at low momentum.",
        "\n".join(f"{title}:\n{_rows(values)}" for title, values in gains.items()),
    )


def _rows(values: xr.DataArray) -> str:
    lines = values.transpose("lr", "momentum").values
    return "\n".join(" ".join(number(x, TENTHS) for x in line) for line in lines)


@figure(on=digits.digits)
def averaging(result: xr.Dataset) -> Drawing:
    """Figure 8 as points: training loss before the first decay, at most that of guessing."""
    loss = digits.figure_8(digits.capped_loss(result))
    arms = {
        digits.SGD: "SGD",
        digits.HALF: "SGD at half the lr",
        digits.averaged(0.97): "SGD, averaged",
        digits.LOOKAHEAD: "Lookahead",
    }
    canvas, panels = plt.subplots(
        1, loss.sizes["momentum"], figsize=(WIDTH, 3.3), sharey=True, layout="constrained"
    )
    low, middle, high = (loss.quantile(q, "seed") for q in (0.25, 0.5, 0.75))
    lines = []
    for arm, look in arms.items():
        name = "half the rate, averaged" if look == "SGD, averaged" else look
        for axes, momentum in zip(panels, loss["momentum"].values, strict=True):
            at = {"arm": arm, "momentum": momentum}
            axes.errorbar(
                loss["lr"],
                middle.sel(at),
                yerr=(middle.sel(at) - low.sel(at), high.sel(at) - middle.sel(at)),
                color=COLOR[look],
                marker=MARKER[look],
                markersize=5,
                label=name.replace("lr", "rate"),
            )
        by_momentum = middle.sel(arm=arm).transpose("momentum", "lr").values.ravel()
        lines.append(f"{name}: {row(by_momentum, digits=2)}")
    for axes, momentum in zip(panels, loss["momentum"].values, strict=True):
        axes.set(xscale="log", yscale="log", title=f"momentum {momentum:g}", xlabel="learning rate")
        axes.set_xticks(loss["lr"].values, [f"{rate:g}" for rate in loss["lr"].values])
        axes.minorticks_off()
    panels[0].set_ylabel("training loss before the decay, nats")
    canvas.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return Drawing(
        canvas,
        "Training loss against learning rate in three panels, momentum 0.9, 0.95 and 0.98. SGD at "
        "half the rate lies below SGD at all but the gentlest settings; with an average of its "
        "weights it lies on Lookahead's line or near it, below it at one setting, and above it "
        "where rate and momentum are largest.",
        "median loss, lr 0.1 0.2 0.4 for each momentum\n" + "\n".join(lines),
    )


@figure(on=tuned.tuned, name="tuned")
def against_trials(result: xr.Dataset) -> Drawing:
    """Held-out accuracy of the chosen setting against the number of settings tried."""
    canvas, panels = plt.subplots(
        1, result.sizes["noise"], figsize=(WIDTH, 3.4), layout="constrained"
    )
    curves = tuned.chosen(result)
    lines = []
    for axes, noise in zip(panels, curves["noise"].values.tolist(), strict=True):
        for i, arm in enumerate(curves["arm"].values.tolist()):
            of_search = curves.sel(noise=noise, arm=arm)
            centre, half = _interval(of_search.rename(search="seed"))
            axes.plot(curves["trial"], centre, MARKER[arm] + "-", color=COLOR[arm], markersize=3)
            axes.errorbar(
                [len(centre) + 0.6 + 0.45 * i],
                centre[-1:],
                half[-1:],
                fmt=MARKER[arm],
                color=COLOR[arm],
                markersize=5,
                label=arm,
            )
            lines.append(
                f"labels {noise:g}, {arm}: after 1, 4, {len(centre)} trials "
                + " ".join(number(x, 0.1) for x in centre[[0, 3, -1]])
            )
        best = curves.sel(noise=noise).isel(trial=-1).mean("search").max().item()
        title = f"{100 * noise:.0f} % of the labels random" if noise else "clean labels"
        axes.set(
            xlabel="settings tried", title=title, ylim=(best - 3, best + 0.5), xticks=(1, 4, 8, 12)
        )
    panels[0].set_ylabel("accuracy on held-out seeds, %")
    canvas.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=5)
    return Drawing(
        canvas,
        "Accuracy on held-out seeds against the number of settings tried, in two panels, clean and "
        "noisy labels. From four settings on all five methods lie within a point of each other; at "
        "the end the intervals of Lookahead and of SGD, averaged or not, overlap widely.",
        "\n".join(lines),
    )


@figure(on=slow_settings.slow_settings, name="slow-settings")
def slow_grid(result: xr.Dataset) -> Drawing:
    """What each (k, alpha) adds to SGD, at a good and at a rough place."""
    canvas, panels = plt.subplots(1, result.sizes["lr"], figsize=(WIDTH, 3.0), layout="constrained")
    gain = slow_settings.gain(result)
    alphas = result["alpha"].values.tolist()
    lines = []
    for axes, lr in zip(panels, result["lr"].values.tolist(), strict=True):
        for j, alpha in enumerate(alphas):
            centre, half = _interval(gain.sel(lr=lr, alpha=alpha))
            axes.errorbar(
                np.arange(len(centre)) + 0.12 * (j - 1),
                centre,
                yerr=half,
                fmt="osD"[j],
                color=COLOR["Lookahead"],
                markersize=5,
                markerfacecolor="none" if j == 0 else None,
                label=f"α = {alpha:g}",
            )
        sgd = result["sgd_accuracy"].sel(lr=lr)
        axes.axhline(0, color=COLOR["SGD"], linewidth=1)
        axes.set_xticks(range(result.sizes["k"]), [f"{k}" for k in result["k"].values])
        axes.set(
            xlabel="k",
            title=f"lr {lr:g}, momentum {sgd['momentum'].item():g}: SGD {sgd.mean().item():.1f} %",
        )
        axes.title.set_fontsize(10)
        points = gain.sel(lr=lr).mean("seed").transpose("k", "alpha").values.ravel()
        lines.append(f"lr {lr:g}: " + " ".join(number(x, TENTHS) for x in points))
    panels[0].set_ylabel("points over SGD (blue line)")
    panels[0].legend(fontsize=8, loc="center")
    return Drawing(
        canvas,
        "Accuracy over that of SGD for k = 5, 10, 20 and three alphas. Where SGD is good, all "
        "settings are below it, least so for alpha = 0.8, whatever k; where SGD fails, all are far "
        "above it, least so for alpha = 0.8, and there less with larger k.",
        "k outside, alpha inside\n" + "\n".join(lines),
    )
