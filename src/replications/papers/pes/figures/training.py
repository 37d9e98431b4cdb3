"""Figures about optimisation: influence balancing, the toy, the digits network, the memory task."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np

from replications.core.figures import COLOR, MARKER, WIDTH, Drawing
from replications.papers.pes.experiments import digits as digits_experiment
from replications.papers.pes.experiments import influence as influence_experiment
from replications.papers.pes.experiments import memory_task as memory_experiment
from replications.papers.pes.experiments import toy as toy_experiment


def factor(result: influence_experiment.Result) -> Drawing:
    """c_K against K: above zero, truncated backpropagation walks away."""
    figure, axis = plt.subplots(figsize=(WIDTH, 2.7))
    k = np.arange(1, len(result.factor) + 1)
    axis.axhspan(0, 20, color=COLOR["truncated BPTT"], alpha=0.12, linewidth=0)
    axis.axhline(0, color=COLOR["theory"], linewidth=1)
    axis.axhline(result.limit, color=COLOR["theory"], linewidth=1, linestyle="--")
    axis.plot(k, result.factor, color=COLOR["truncated BPTT"])
    words = []
    for window in (1, 10, 20, 40, 46, 100):
        value = result.factor[window - 1]
        axis.plot(window, value, MARKER["truncated BPTT"], color=COLOR["truncated BPTT"])
        words.append(f"c_{window} = {value:.3f}")
        if window in (1, 10, 100):
            axis.annotate(
                f"K = {window}", (window, value), xytext=(7, 6), textcoords="offset points"
            )
    axis.text(50, 13, "walks away from the optimum")
    axis.text(1, result.limit - 1.9, "exact factor −6", color=COLOR["theory"], fontsize=9)
    axis.set(xlabel="window K, steps", ylabel="factor c$_K$", xlim=(0, len(k) + 2), ylim=(-9, 20))
    return Drawing(
        figure,
        "The factor of truncated BPTT's gradient against the window: positive, so pointing the "
        "wrong way, up to 40 steps, then negative and soon the exact minus six.",
        ", ".join(words),
    )


def influence(result: influence_experiment.Result) -> Drawing:
    """Loss against updates for all methods, in three panels."""
    panels = {
        "Backpropagation and RTRL": (
            "truncated BPTT, K=1",
            "truncated BPTT, K=10",
            "truncated BPTT, K=100",
            "RTRL",
            "UORO",
        ),
        "ES with N = 1000": (
            "truncated ES, N=1000",
            "PES, N=1000",
            "NRES, N=1000",
        ),
        "Fewer particles": ("PES, N=100", "PES, N=10", "NRES, N=4"),
    }
    short = {
        name: name.replace("truncated ", "tr. ").replace(", N=1000", "")
        for name in influence_experiment.ARMS
    }
    figure, axes = plt.subplots(1, 3, figsize=(WIDTH, 3.4), sharey=True)
    words = []
    for axis, (title, names) in zip(axes, panels.items(), strict=True):
        for name in names:
            loss = np.clip(result.loss[list(influence_experiment.ARMS).index(name)], 1e-22, 1e26)
            middle = np.median(loss, axis=1)
            color = COLOR[name.split(",")[0]]
            line = {"K=10": "--", "N=10": "--", "K=100": ":"}.get(name.split(", ")[-1], "-")
            axis.fill_between(
                result.iterations,
                loss.min(axis=1),
                loss.max(axis=1),
                color=color,
                alpha=0.15,
                linewidth=0,
            )
            axis.plot(result.iterations, middle, color=color, linestyle=line)
            nudge = {
                "truncated BPTT, K=1": 1e2,
                "UORO": 1e-2,
                "NRES, N=1000": 1e-1,
                "PES, N=1000": 1e1,
                "NRES, N=4": 1e-2,
                "PES, N=100": 1e2,
            }.get(name, 1.0)
            axis.text(
                3060,
                min(middle[-1] * nudge, 1e22),
                short[name],
                color=color,
                fontsize=8,
                va="center",
            )
            words.append(f"{name}: 10^{np.log10(middle[-1]):.0f}")
        axis.set(title=title, xlabel="updates", yscale="log", xlim=(0, 5100), ylim=(1e-20, 1e24))
        axis.set_xticks([0, 1000, 2000, 3000], ["0", "1000", "2000", "3000"])
    seeds = result.loss.shape[2]
    note = f"lines: medians\nshaded: range of {seeds} seeds,\ncut at 10$^{{-20}}$"
    axes[1].text(0.04, 0.97, note, fontsize=8.5, va="top", transform=axes[1].transAxes)
    axes[0].set_ylabel("loss of a fresh unroll")
    axes[0].minorticks_off()
    return Drawing(
        figure,
        "Loss against updates, medians and ranges over seeds. RTRL, truncated BPTT with K=100, PES "
        "and NRES with 1000 particles go down by many orders; truncated ES copies truncated BPTT "
        "with K=1 and stays up; truncated BPTT with K=10 and PES with 10 particles blow up.",
        "median last losses: " + ", ".join(words),
    )


def toy(result: toy_experiment.Result) -> Drawing:
    """Paths on the surface of the meta-loss, and the meta-loss against updates."""
    from matplotlib.colors import LogNorm

    figure, (left, right) = plt.subplots(
        1, 2, figsize=(WIDTH, 3.7), gridspec_kw={"width_ratios": [1.25, 1]}
    )
    low, high = result.axis[[0, -1]]
    image = left.imshow(
        result.surface,
        extent=(low, high, low, high),
        origin="lower",
        cmap="Greys_r",
        norm=LogNorm(500, 10000),
        rasterized=True,
        interpolation="nearest",
    )
    figure.colorbar(image, ax=left, shrink=0.8)
    names = list(toy_experiment.ARMS)
    words = []
    for i, name in enumerate(names):
        base = name.split(",")[0]
        line = "--" if name.endswith("0.3") else "-"
        color = COLOR[base]
        left.plot(
            result.path[i, :, 0, 0],
            result.path[i, :, 0, 1],
            color=color,
            linewidth=1.3,
            linestyle=line,
        )
        left.plot(
            *result.path[i, -1, 0], MARKER[base], color=color, markersize=6, markeredgecolor="white"
        )
        middle = np.median(result.loss[i], axis=1)
        right.plot(result.iterations, middle, color=color, linestyle=line)
        words.append(f"{name} {middle[-1]:.0f}")
    left.plot(-4, -4, "+", color="#E69F00", markersize=10, markeredgewidth=2)
    left.set(
        xlabel="θ$_0$: log of the first rate",
        ylabel="θ$_1$: log of the last rate",
        title="Meta-loss (grey), and paths of one seed from +",
    )
    left.grid(False)
    ink = plt.rcParams["text.color"]
    texts = (  # one line that is several methods has no colour
        ("PES, NRES", 480, ink),
        ("tr. ES σ=1", 1270, COLOR["truncated ES"]),
        ("UORO", 2130, COLOR["UORO"]),
        ("tr. BPTT, RTRL, tr. ES σ=0.3", 2560, ink),
    )
    for text, y, color in texts:
        right.text(
            19800,
            y,
            text,
            color=color,
            ha="right",
            fontsize=9,
            va="center",
        )
    right.set(title="Meta-loss, median of seeds", xlabel="updates", ylim=(400, 2800))
    right.set_xticks([0, 10000, 20000], ["0", "10000", "20000"])
    return Drawing(
        figure,
        "A rugged surface over the two log rates, with a low valley on the right. PES and NRES "
        "walk into the valley; truncated ES with the larger sigma gets part of the way; truncated "
        "BPTT, RTRL and truncated ES with the small sigma stop in a trap half-way, on a loss "
        "hardly below the first.",
        f"median last meta-loss: {', '.join(words)}; lowest grid point {result.surface.min():.0f}",
    )


def digits(results: Sequence[digits_experiment.Result]) -> Drawing:
    """Fresh-run objectives of the schedules, one dot a seed, for both objectives."""
    half = len(results) // 2
    figure, axes = plt.subplots(1, 2, figsize=(WIDTH, 2.7), sharey=True)
    words = []
    for axis, part, title in zip(
        axes,
        (results[:half], results[half:]),
        ("Mean training loss", "Mean validation error, %"),
        strict=True,
    ):
        scale = 1 if "loss" in title else 100
        for y, arm in enumerate(digits_experiment.ARMS):
            values = scale * np.array([result.fresh[y] for result in part])
            if scale == 100 and arm == "truncated BPTT":
                axis.text(
                    0.5,
                    y,
                    "no derivative: stays where it started",
                    fontsize=8.5,
                    color=COLOR[arm],
                    transform=axis.get_yaxis_transform(),
                    ha="center",
                    va="center",
                )
                continue
            axis.plot(values, np.full(len(values), y), MARKER[arm], color=COLOR[arm], alpha=0.7)
            axis.plot([np.median(values)] * 2, [y - 0.3, y + 0.3], color=COLOR[arm], linewidth=2)
            words.append(f"{title}, {arm}: median {np.median(values):.2g}")
        axis.set(title=title, xlabel="on fresh runs, lower is better")
        axis.grid(axis="y", visible=False)
    axes[0].set_yticks(range(len(digits_experiment.ARMS)), digits_experiment.ARMS)
    axes[0].invert_yaxis()
    return Drawing(
        figure,
        "One dot a seed for five tuners at equal compute. On the training loss all dots of PES, "
        "and all but one of NRES, lie left of both truncated methods. On the validation error the "
        "medians of PES and NRES lie left of that of truncated ES, but dots overlap, and truncated "
        "BPTT has none. Random search's medians are a little lower still.",
        "; ".join(words),
    )


def schedules(results: Sequence[digits_experiment.Result]) -> Drawing:
    """The learning-rate schedules that the tuners found for the training loss."""
    half = len(results) // 2
    time = np.linspace(0, 1, 101)
    figure, axes = plt.subplots(1, 5, figsize=(WIDTH, 2.2), sharey=True)
    words = []
    for y, (axis, arm) in enumerate(zip(axes, digits_experiment.ARMS, strict=True)):
        for result in results[:half]:
            a, b = result.theta[y]
            axis.plot(
                500 * time, np.exp(a) / (1 + time) ** np.exp(b), color=COLOR[arm], linewidth=1
            )
        decay = np.median([2 ** np.exp(result.theta[y, 1]) for result in results[:half]])
        words.append(f"{arm}: rate falls by a factor {decay:.1g}")
        axis.set(yscale="log", xlabel="step", ylim=(1e-3, 1))
        axis.set_title(arm, fontsize=9)
        axis.set_xticks([0, 500], ["0", "500"])
    axes[0].set_ylabel("learning rate, cut at 10$^{-3}$")
    return Drawing(
        figure,
        "Learning-rate schedules found by five tuners, one line a seed. The truncated methods let "
        "the rate decay by a factor of thousands and more. With PES and NRES it falls to between "
        "a half and a tenth in all runs but one, with random search about thirtyfold.",
        "medians: " + "; ".join(words),
    )


def memory_task(result: memory_experiment.Result) -> Drawing:
    """Loss of the memory task against episodes, one panel a method."""
    figure, axes = plt.subplots(2, 3, figsize=(WIDTH, 3.6), sharex=True, sharey=True)
    words = []
    for i, (axis, arm) in enumerate(zip(axes.flat, memory_experiment.ARMS, strict=True)):
        base = arm.split(",")[0]
        axis.plot(result.episodes, result.loss[i], color=COLOR[base], linewidth=1)
        axis.axhline(np.log(2), color=COLOR["theory"], linewidth=1, linestyle=":")
        axis.set_title(arm, fontsize=9)
        solved = int((result.loss[i, -1] < result.solved).sum())
        total = result.loss.shape[2]
        axis.text(
            0.97,
            0.88,
            f"{solved} of {total} solved",
            transform=axis.transAxes,
            ha="right",
            fontsize=9,
        )
        words.append(f"{arm}: {solved} of {total}")
    axes[0, 0].set_ylim(-0.1, 2.1)
    for axis in axes[1]:
        axis.set_xlabel("episodes")
    for axis in axes[:, 0]:
        axis.set_ylabel("loss")
    return Drawing(
        figure,
        "Loss against episodes for six methods on the task of keeping one bit. Truncated BPTT and "
        "the truncated ES whose estimate for the bit is replaced by its mean stay at chance; PES "
        "and NRES always learn the task, BPTT and truncated ES in most runs.",
        "solved: " + "; ".join(words),
    )
