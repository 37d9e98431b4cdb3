"""Figures about optimisation: influence balancing, the toy, the digits network, the memory task."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

from replications.core.figures import WIDTH, Drawing, figure
from replications.core.numbers import number
from replications.papers.pes.experiments import digits as tuning
from replications.papers.pes.experiments import influence as balancing
from replications.papers.pes.experiments import memory_task as remembering
from replications.papers.pes.experiments import toy as walking
from replications.papers.pes.figures.marks import band, rows
from replications.papers.pes.look import COLOR, MARKER, method


@figure(on=balancing.influence)
def influence(result: xr.Dataset) -> Drawing:
    """Loss against updates for all methods, in three panels."""
    panels = {
        "Backpropagation and RTRL": (
            "truncated BPTT, K=1",
            "truncated BPTT, K=10",
            "truncated BPTT, K=100",
            "RTRL",
            "UORO",
        ),
        "ES with N = 1000": ("truncated ES, N=1000", "PES, N=1000", "NRES, N=1000"),
        "Fewer particles": ("PES, N=100", "PES, N=10", "NRES, N=4"),
    }
    canvas, axes = plt.subplots(1, 3, figsize=(WIDTH, 3.4), sharey=True)
    words = []
    for axis, (title, names) in zip(axes, panels.items(), strict=True):
        for name in names:
            loss = result["loss"].sel(arm=name).clip(1e-22, 1e26)
            middle = loss.median("seed").values
            color = COLOR[method(name)]
            line = {"K=10": "--", "N=10": "--", "K=100": ":"}.get(name.split(", ")[-1], "-")
            band(axis, result["update"], loss, name, linestyle=line, marker="")
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
                name.replace("truncated ", "tr. ").replace(", N=1000", ""),
                color=color,
                fontsize=8,
                va="center",
            )
            words.append(f"{name}: 10^{number(round(np.log10(middle[-1])))}")
        axis.set(title=title, xlabel="updates", yscale="log", xlim=(0, 5100), ylim=(1e-20, 1e24))
        axis.set_xticks([0, 1000, 2000, 3000], ["0", "1000", "2000", "3000"])
    seeds = result.sizes["seed"]
    note = f"lines: medians\nshaded: range of {seeds} seeds,\ncut at 10$^{{-20}}$"
    axes[1].text(0.04, 0.97, note, fontsize=8.5, va="top", transform=axes[1].transAxes)
    axes[0].set_ylabel("loss of a fresh unroll")
    axes[0].minorticks_off()
    return Drawing(
        canvas,
        "Loss against updates, medians and ranges over seeds. RTRL, truncated BPTT with K=100, PES "
        "and NRES with 1000 particles go down by many orders; truncated ES copies truncated BPTT "
        "with K=1 and stays up; truncated BPTT with K=10 and PES with 10 particles blow up.",
        "median last losses: " + ", ".join(words),
    )


@figure(on=walking.toy)
def toy(result: xr.Dataset) -> Drawing:
    """Paths on the surface of the meta-loss, and the meta-loss against updates."""
    from matplotlib.colors import LogNorm

    canvas, (left, right) = plt.subplots(
        1, 2, figsize=(WIDTH, 3.7), gridspec_kw={"width_ratios": [1.25, 1]}
    )
    low, high = result["first"].min().item(), result["first"].max().item()
    image = left.imshow(
        result["surface"],
        extent=(low, high, low, high),
        origin="lower",
        cmap="Greys_r",
        norm=LogNorm(500, 10000),
        rasterized=True,
        interpolation="nearest",
    )
    canvas.colorbar(image, ax=left, shrink=0.8)
    words = []
    for name in result["arm"].values.tolist():
        base = method(name)
        line = "--" if name.endswith("0.3") else "-"
        color = COLOR[base]
        path = result["path"].sel(arm=name, seed=0)
        first, last = (path.sel(parameter=p) for p in ("first", "last"))
        left.plot(first, last, color=color, linewidth=1.3, linestyle=line)
        end = walking.last_theta(result, name).sel(seed=0)
        left.plot(*end.values, MARKER[base], color=color, markersize=6, markeredgecolor="white")
        middle = result["loss"].sel(arm=name).median("seed")
        right.plot(result["update"], middle, color=color, linestyle=line)
        words.append(f"{name} {number(walking.median_end(result, name).item(), digits=3)}")
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
        right.text(19800, y, text, color=color, ha="right", fontsize=9, va="center")
    right.set(title="Meta-loss, median of seeds", xlabel="updates", ylim=(400, 2800))
    right.set_xticks([0, 10000, 20000], ["0", "10000", "20000"])
    return Drawing(
        canvas,
        "A rugged surface over the two log rates, with a low valley on the right. PES and NRES "
        "walk into the valley; truncated ES with the larger sigma gets part of the way; truncated "
        "BPTT, RTRL and truncated ES with the small sigma stop in a trap half-way, on a loss "
        "hardly below the first.",
        f"median last meta-loss: {', '.join(words)}; "
        f"lowest grid point {number(walking.lowest(result).item(), digits=3)}",
    )


STUCK = "truncated BPTT"
"""An error has no derivative."""


@figure(on=(tuning.digits, tuning.digits_error))
def digits(losses: xr.Dataset, errors: xr.Dataset) -> Drawing:
    """Fresh-run objectives of the schedules, one dot a seed, for both objectives."""
    canvas, axes = plt.subplots(1, 2, figsize=(WIDTH, 2.7), sharey=True)
    arms = losses["arm"].values.tolist()
    words = []
    for axis, part, title in zip(
        axes, (losses, errors), ("Mean training loss", "Mean validation error, %"), strict=True
    ):
        scale = 1 if "loss" in title else 100
        ends = {arm: scale * tuning.fresh(part, arm) for arm in arms}
        if part is errors:
            ends[STUCK] = ends[STUCK] * np.nan
        words.append(f"{title}, medians: {', '.join(rows(axis, ends))}")
        axis.set(title=title, xlabel="on fresh runs, lower is better")
    axes[1].text(
        0.5,
        arms[::-1].index(STUCK),
        "no derivative: stays where it started",
        fontsize=8.5,
        color=COLOR[STUCK],
        transform=axes[1].get_yaxis_transform(),
        ha="center",
        va="center",
    )
    return Drawing(
        canvas,
        "One dot a seed for five tuners at equal compute. On the training loss all dots of PES, "
        "and all but one of NRES, lie left of both truncated methods. On the validation error the "
        "medians of PES and NRES lie left of that of truncated ES, but dots overlap, and truncated "
        "BPTT has none. Random search's medians are a little lower still.",
        "; ".join(words),
    )


@figure(on=tuning.digits)
def schedules(result: xr.Dataset) -> Drawing:
    """The learning-rate schedules that the tuners found for the training loss."""
    time = np.linspace(0, 1, 101)
    canvas, axes = plt.subplots(1, 5, figsize=(WIDTH, 2.2), sharey=True)
    words = []
    for axis, arm in zip(axes, result["arm"].values.tolist(), strict=True):
        rates = tuning.schedule(result, arm, time)
        axis.plot(500 * time, rates.transpose("time", "seed"), color=COLOR[arm], linewidth=1)
        decay = tuning.decay_factor(result, arm).median("seed")
        words.append(f"{arm}: rate falls by a factor {number(decay.item(), digits=1)}")
        axis.set(yscale="log", xlabel="step", ylim=(1e-3, 1))
        axis.set_title(arm, fontsize=9)
        axis.set_xticks([0, 500], ["0", "500"])
    axes[0].set_ylabel("learning rate, cut at 10$^{-3}$")
    return Drawing(
        canvas,
        "Learning-rate schedules found by five tuners, one line a seed. The truncated methods let "
        "the rate decay by a factor of thousands and more. With PES and NRES it falls to between "
        "a half and a tenth in all runs but one, with random search about thirtyfold.",
        "medians: " + "; ".join(words),
    )


SHOWN = 64
"""Runs of the memory task that are drawn; more make the page heavy, and no clearer."""


@figure(on=remembering.memory_task)
def memory_task(result: xr.Dataset) -> Drawing:
    """Loss of the memory task against episodes, one panel a method."""
    canvas, axes = plt.subplots(2, 4, figsize=(WIDTH, 3.6), sharex=True, sharey=True)
    words = []
    arms = result["arm"].values.tolist()
    for axis, arm in zip(axes.flat, arms, strict=False):  # the last place stays empty
        loss = result["loss"].sel(arm=arm, seed=slice(0, SHOWN - 1)).transpose("episode", "seed")
        loss = loss[::2]
        axis.plot(loss["episode"], loss, color=COLOR[method(arm)], linewidth=0.6, alpha=0.5)
        axis.axhline(np.log(2), color=COLOR["theory"], linewidth=1, linestyle=":")
        axis.set_title(arm.replace(", ", ",\n"), fontsize=9)
        keeps = remembering.solved(result, arm)
        solved, total = int(keeps.sum()), keeps.size
        axis.text(
            0.97, 0.88, f"{solved} of {total}", transform=axis.transAxes, ha="right", fontsize=9
        )
        words.append(f"{arm}: {solved} of {total}")
    axes[0, 0].set_ylim(-0.1, 2.1)
    axes[1, 3].set_axis_off()
    axes[0, 3].tick_params(labelbottom=True)
    for axis in (*axes[1, :3], axes[0, 3]):
        axis.set_xlabel("episodes")
    for axis in axes[:, 0]:
        axis.set_ylabel("loss")
    return Drawing(
        canvas,
        "Loss against episodes for seven arms on the task of keeping one bit, a line for each of "
        f"the first {SHOWN} runs, and how many of all solve it. PES, NRES and BPTT learn it in "
        "all or nearly all runs and truncated ES in many. Truncated BPTT stays at chance in all, "
        "and leaves it in many once the bit's weights get noise or start at random.",
        "solved: " + "; ".join(words),
    )
