"""Figures of the deciding experiments: the matched trial, tuned runs, the loss's scale, and the
learning rate on a residual network.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt

from replications.core.figures import WIDTH, Drawing, figure
from replications.core.numbers import number, row
from replications.papers.radam.experiments.matched import last, matched
from replications.papers.radam.experiments.robust import robust
from replications.papers.radam.experiments.scale import scale
from replications.papers.radam.experiments.translation import PEAK, TRAINED, final
from replications.papers.radam.experiments.tuned import at_best, tuned
from replications.papers.radam.look import COLOR, MARKER


def _strip(axes: plt.Axes, x: float, values: xr.DataArray, color: str, marker: str) -> None:
    """One mark a seed, side by side, and a bar at the median."""
    beside = x + np.linspace(-0.26, 0.26, values.size)
    axes.plot(beside, np.sort(values), marker, color=color, ms=4, alpha=0.8)
    axes.plot([x - 0.3, x + 0.3], 2 * [float(values.median())], color=color, linewidth=1)


def _count(values: xr.DataArray) -> str:
    return f"{int((values < TRAINED).sum())}/{values.size}"


def _label(arm: str) -> str:
    return arm.split(maxsplit=1)[1].replace(", by ", ",\nby\n")


@figure(on=matched)
def matched_trial(result: xr.Dataset) -> Drawing:
    """Final losses by gradients behind v and length of the first steps, and the reverse."""
    arms = result["arm"].values.tolist()
    full = [arm for arm in arms if arm.startswith("full ")]
    short = [arm for arm in arms if arm.startswith("short ")]
    later = {
        "short 1": "no\nreset",
        "restart, usual steps": "reset,\nusual\nsteps",
        "v kept, restart's steps": "v kept,\nfull\nsteps",
        "restart": "reset,\nfull\nsteps",
    }
    panels = (
        ("early steps as long as Adam's", full, [_label(arm) for arm in full]),
        ("as warm-up's", short, [_label(arm) for arm in short]),
        ("moments reset at step 100", list(later), list(later.values())),
    )
    canvas, all_axes = plt.subplots(
        1, 3, figsize=(WIDTH, 3.6), sharey=True, width_ratios=(6, 2.4, 4.4)
    )
    rows = []
    for axes, (title, shown, labels) in zip(all_axes, panels, strict=True):
        for x, arm in enumerate(shown):
            values, adams = last(result, arm), "full" in arm or arm in ("restart",)
            adams = adams or arm.startswith("v kept")
            look = "Adam" if adams else "warm-up"
            _strip(axes, x, values, COLOR[look], MARKER[look])
            axes.annotate(_count(values), (x, 3.25), ha="center")
            median = number(values.median().item(), digits=2)
            rows.append(f"{arm}: {_count(values)} trained, median loss {median}")
        axes.axhline(result["entropy"].item(), color=COLOR["theory"], linestyle=":")
        axes.axhline(TRAINED, color=COLOR["theory"], linestyle="--", linewidth=0.8)
        axes.set_title(title, fontsize=9.5)
        axes.set_xticks(range(len(shown)), labels)
        axes.grid(axis="x", visible=False)
        axes.set(xlim=(-0.6, len(shown) - 0.4), ylim=(0, 3.6))
    all_axes[0].set(ylabel="final training loss, nats", xlabel="gradients behind v")
    all_axes[1].set_xlabel("gradients behind v")
    all_axes[1].annotate("nothing learned", (-0.5, 2.93), fontsize=9, color=COLOR["theory"])
    all_axes[0].annotate("trained", (-0.5, TRAINED - 0.18), fontsize=9, color=COLOR["theory"])
    return Drawing(
        canvas,
        "Final losses of ten seeds in three panels; above, how many trained. With steps as long as "
        "Adam's none does, whether 1 or 200 gradients stand behind v, nor with Adam's length in "
        "every tensor. With warm-up's all do, with 1 and with 200. Where the moments are reset at "
        "step 100 all train with the usual steps; with full ones nearly all end just above the "
        "mark of having trained, also those that keep their v.",
        "\n".join(rows),
    )


@figure(on=tuned, name="tuned")
def tuned_figure(result: xr.Dataset) -> Drawing:
    """Loss against the rate, choosing seed; losses at the best rate, judging seeds."""
    canvas, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.6), width_ratios=(1, 1.15))
    arms = sorted(result["arm"].values.tolist(), key=lambda arm: arm.startswith("pre-LN"))
    rows = []
    for y, arm in enumerate(reversed(arms)):
        name = arm.removeprefix("pre-LN ")
        color, marker = COLOR[name], MARKER[name]
        values, best = at_best(result, arm), result["best"].sel(arm=arm).item()
        if arm == name:
            tried = result["tried"].sel(arm=arm)
            left.plot(tried["lr"], tried, marker + "-", color=color, label=arm)
        right.plot(values, np.full(values.size, y), marker, color=color, ms=4.5)
        rows.append(f"{arm}: rate {number(best)}, losses {row(np.sort(values), 2)}")
    labels = [f"{arm}, {number(result['best'].sel(arm=arm).item())}" for arm in reversed(arms)]
    right.set_yticks(range(len(arms)), labels)
    right.axhline(sum(a.startswith("pre-LN") for a in arms) - 0.5, color=COLOR["theory"], lw=0.8)
    right.set(title="each at its best rate, five seeds", xlabel="final loss, nats", xlim=(0, 3.1))
    left.set(title="post-LN, the choosing seed", xscale="log", xlabel="learning rate",
             ylabel="final loss, nats", ylim=(0, 3.1))  # fmt: skip
    left.legend(fontsize=9, labelspacing=0.2)
    return Drawing(
        canvas,
        "Left: final loss of one seed against the learning rate for six methods on the post-LN "
        "Transformer; RAdam and the long warm-up have their best at larger rates than Adam. Right: "
        "final losses of five other seeds at each method's best rate. On post-LN the points of "
        "RAdam and of a warm-up over the whole run lie lowest and mixed, those of Adam and Adam-2k "
        "highest. On pre-LN those of RAdam and warm-up lie below all of Adam's.",
        "\n".join(reversed(rows)),
    )


@figure(on=scale)
def scale_of_the_loss(result: xr.Dataset) -> Drawing:
    """First updates, and final losses, by factor of the loss."""
    canvas, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.0))
    rules = {"momentum": ("momentum", "RAdam"), "skip": ("skip", "skip")}
    rows = []
    for below, (label, look) in rules.items():
        for x, factor in enumerate(("0.01", "1", "100")):
            arm = f"{below} x {factor}"
            length = result["length"].sel(arm=arm).mean("seed") / PEAK
            left.plot(length["early"], length.where(length > 1e-4), MARKER[look] + "-", ms=3.5,
                      color=COLOR[look])  # fmt: skip
            if below == "momentum":
                left.annotate(f"loss × {factor}", (1, length[0]), (2, 5), fontsize=9,
                              textcoords="offset points", color=COLOR[look])  # fmt: skip
            values, shift = final(result, arm), -0.2 if below == "momentum" else 0.2
            right.plot(np.full(values.size, x + shift), values, MARKER[look], color=COLOR[look],
                       label=label if x == 0 else None)  # fmt: skip
            rows.append(f"{arm}: first update {number(length[0].item(), digits=2)}, "
                        f"final loss {row(np.sort(values), 2)}")  # fmt: skip
    left.set(title="updates, in learning rates", yscale="log", xlabel="step", ylim=(5e-5, 6))
    right.set_xticks(range(3), ["× 0.01", "× 1", "× 100"])
    right.set(title="final loss, five seeds", ylim=(0, 3.1), xlabel="factor of the loss")
    right.legend()
    return Drawing(
        canvas,
        "Left: length of RAdam's first ten updates for three factors of the loss. The first five "
        "scale with the loss; from the sixth on they are within a factor of three. Right: final "
        "losses of five seeds. With momentum steps first, a hundredfold loss ends far above "
        "the others; with those steps skipped the factor makes no difference.",
        "\n".join(rows),
    )


@figure(on=robust, name="robust")
def robust_figure(result: xr.Dataset) -> Drawing:
    """Accuracy against the learning rate on the residual network."""
    canvas, axes = plt.subplots(figsize=(WIDTH, 2.9))
    rows = []
    for arm in result["arm"].values.tolist():
        accuracy = result["accuracy"].sel(arm=arm)
        middle = accuracy.mean("seed")
        axes.plot(accuracy["lr"], accuracy.transpose("lr", "seed"), MARKER[arm], ms=3, alpha=0.5,
                  color=COLOR[arm])  # fmt: skip
        axes.plot(middle["lr"], middle, MARKER[arm] + "-", color=COLOR[arm], label=arm)
        rows.append(f"{arm}: {row(middle.values, 3)}")
    axes.set(xscale="log", xlabel="learning rate", ylabel="test accuracy")
    axes.set_xticks(result["lr"].values, [number(x) for x in result["lr"].values])
    axes.minorticks_off()
    axes.legend()
    return Drawing(
        canvas,
        "Test accuracy of a small residual network with batch norm on the digits at the paper's "
        "four learning rates, five seeds. Adam's line is flat; RAdam's falls at the smallest rate, "
        "and SGD's falls lower and sooner.",
        f"means at rates {row(result['lr'].values)}\n" + "\n".join(rows),
    )
