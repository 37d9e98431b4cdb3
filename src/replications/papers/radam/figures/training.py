"""Figures of the training runs: losses, gradient histograms, and the controls."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt

from replications.core.figures import WIDTH, Drawing, figure
from replications.core.numbers import number, row
from replications.papers.radam.experiments.translation import (
    PEAK,
    all_arms,
    by_first_update,
    controls,
    distance,
    final,
    shift,
    trained,
    translation,
)
from replications.papers.radam.look import COLOR, MARKER


@figure(on=translation)
def loss_curves(result: xr.Dataset) -> Drawing:
    """Figure 1: every seed thin, their mean thick."""
    canvas, axes = plt.subplots(figsize=(WIDTH, 3.4))
    smooth = result["loss"].coarsen(step=10).mean()
    arms = result["arm"].values.tolist()
    entropy = result["entropy"].values[0]
    for arm in arms:
        loss, color = smooth.sel(arm=arm), COLOR[arm]
        axes.plot(loss["step"], loss.transpose("step", "seed"), color=color, lw=0.5, alpha=0.6)
        axes.plot(loss["step"], loss.mean("seed"), MARKER[arm] + "-", color=color, linewidth=2,
                  markevery=(5, 10), ms=6, label=arm)  # fmt: skip
    axes.axhline(entropy, color=COLOR["theory"], linestyle=":")
    axes.annotate(
        "knowing the words' frequencies only", (150, entropy), (0, 9),
        textcoords="offset points", fontsize=9, color=COLOR["theory"],
    )  # fmt: skip
    axes.legend(loc="upper right", ncols=len(arms), labelcolor="linecolor")
    end = int(result["step"].max())
    axes.set(xlabel="iteration", ylabel="training loss, nats a word", xlim=(0, end), ylim=(0, 4))
    means = {arm: number(final(result, arm).mean().item(), digits=2) for arm in arms}
    trains = int(trained(result, "Adam-2k").sum())
    return Drawing(
        canvas,
        f"Training loss over {end} iterations, five seeds an arm. Adam stays at the loss of "
        f"knowing only the words' frequencies. Warm-up falls to {means['warm-up']}, RAdam to "
        f"{means['RAdam']}, Adam-eps half way; Adam-2k trains for {trains} of the seeds.",
        "loss of the last 50 iterations\n"
        + "\n".join(f"{arm}: {value}" for arm, value in means.items()),
    )


def _apart(items: list[tuple[str, float]], gap: float) -> dict[str, float]:
    """Heights of labels that do not overlap, from rising values."""
    placed: dict[str, float] = {}
    low = -1.0
    for name, value in items:
        low = max(value, low + gap)
        placed[name] = low
    return placed


@figure(on=translation)
def gradient_histograms(result: xr.Dataset) -> Drawing:
    """Figures 2 and 3: ridge lines of ln|g|, one panel an arm, time running downwards."""
    arms, hardest = result["arm"].values.tolist(), final(result, "Adam-2k").idxmax("seed").item()
    seed = result.sel(seed=[hardest])
    canvas, panels = plt.subplots(1, len(arms), figsize=(WIDTH, 4.2), sharey=True, sharex=True)
    share = seed["share"].squeeze("seed")
    tiny = share.sel(ln_g=slice(None, -20.5)).sum("ln_g")
    # bins of width 1, and one for all below
    pairs = share.sel(ln_g=slice(-20, -0.5)).coarsen(ln_g=2).sum()
    middles = np.array([-20.5, *(np.floor(pairs["ln_g"].values) + 0.5)])
    rows, tallest = [], 1.08 * float(pairs.max())  # the first bin is cut, its number stands beside
    for axes, arm in zip(panels, arms, strict=True):
        for i, look in enumerate(result["look"].values.tolist()):
            base, below = -float(i), tiny.sel(arm=arm, look=look).item()
            heights = np.array([below, *pairs.sel(arm=arm, look=look).values]) / tallest
            axes.fill_between(  # the first bin is given as a number
                middles, base, base + np.minimum(heights, 0.95), step="mid",
                facecolor=COLOR[arm], alpha=0.85, edgecolor="0.5", linewidth=0.4, zorder=i + 2,
            )  # fmt: skip
            axes.annotate(f"{below:.0%}", (-19.9, base + 0.5), fontsize=9, zorder=20)
            if axes is panels[0]:
                axes.annotate(f"{look}", (-21.4, base + 0.12), ha="right", fontsize=9,
                              annotation_clip=False)  # fmt: skip
        axes.set_title(arm, color=COLOR[arm], fontsize=9.5)
        axes.set(xlim=(-21.2, 0), ylim=(-6.2, 1.2), yticks=[])
        axes.set_xticks([-20, -12, -4], ["<e⁻²⁰", "e⁻¹²", "e⁻⁴"], fontsize=9)
        axes.spines["left"].set_visible(False)
        axes.grid(False)
        moved = shift(seed, arm).mean().item()
        rows.append(f"{arm}: median moved by {number(moved, digits=2)} decades")
    panels[0].set_ylabel("share of the weights at iteration", labelpad=26)
    canvas.supxlabel("|g|, logarithmic", fontsize=9.5)
    return Drawing(
        canvas,
        "Ridge lines of the distribution of |g| on a logarithmic axis at iterations 1, 5, 10, 25, "
        "50, 75 and 100, one panel for each of Adam, warm-up, RAdam, Adam-2k and Adam-eps. One "
        "seed, the one on which Adam-2k ends worst. All start alike. Within 10 updates of Adam "
        "most of the mass falls by several decades and stays there; with warm-up and RAdam it "
        "nearly keeps its place.",
        "by iteration 10\n" + "\n".join(rows),
    )


@figure(on=translation)
def distortion(result: xr.Dataset) -> Drawing:
    """Wasserstein distance of the histogram to iteration 1, with every seed."""
    canvas, axes = plt.subplots(figsize=(WIDTH, 3.0))
    far = {arm: distance(result, arm) for arm in result["arm"].values.tolist()}
    means = {arm: x.mean("seed") for arm, x in far.items()}
    ends = {arm: float(x[-1]) for arm, x in means.items()}
    heights = _apart(sorted(ends.items(), key=lambda item: item[1]), 0.75)
    rows = []
    for arm, each in far.items():
        color, look = COLOR[arm], each["look"]
        axes.plot(look, each.transpose("look", "seed"), MARKER[arm], color=color, ms=3, alpha=0.4)
        axes.plot(look, means[arm], MARKER[arm] + "-", color=color, ms=5.5)
        axes.annotate(arm, (look.values[-1], heights[arm]), (6, -3),
                      textcoords="offset points", color=color)  # fmt: skip
        rows.append(f"{arm}: {row(means[arm].values, 2)}")
    axes.set(xlabel="iteration", ylabel="distance to iteration 1, in ln|g|", xlim=(0, 118))
    tops = {arm: number(means[arm].max().item(), digits=2) for arm in ("warm-up", "RAdam")}
    return Drawing(
        canvas,
        "Wasserstein distance between the histogram of ln|g| and that of iteration 1, over the "
        "first 100 iterations, five seeds. Adam's jumps to "
        f"{number(means['Adam'].sel(look=10).item(), digits=2)} within 10 updates and is "
        f"{number(ends['Adam'], digits=2)} at 100. Those of warm-up and RAdam reach "
        f"{tops['warm-up']} and {tops['RAdam']} at most and sink again.",
        f"at iterations {row(result['look'].values)}\n" + "\n".join(rows),
    )


@figure(on=(controls, translation), name="controls")
def controls_figure(controls: xr.Dataset, translation: xr.Dataset) -> Drawing:
    """Final loss and first update of every arm."""
    result = all_arms(controls, translation)
    first = result["update"].sel(early=1)
    arms = by_first_update(result)
    canvas, (left, right) = plt.subplots(
        1, 2, figsize=(WIDTH, 3.8), sharey=True, width_ratios=(1.2, 1)
    )
    rows = []
    for y, arm in enumerate(arms):
        color, losses = COLOR[arm], final(result, arm)
        updates = first.sel(arm=arm)
        left.plot(losses, np.full(losses.size, y), "o", color=color, ms=4)
        right.plot(updates, np.full(updates.size, y), "o", color=color, ms=4)
        loss = number(losses.mean().item(), digits=2)
        size = number(updates.mean().item() / PEAK, digits=2)
        rows.append(f"{arm}: loss {loss}, first update {size} learning rates")
    left.axvline(result["entropy"].values[0], color=COLOR["theory"], linestyle=":")
    left.set_yticks(range(len(arms)), arms)
    left.set(xlabel="final training loss, nats", xlim=(-0.05, 3.4))
    right.set(xlabel="first update, root mean square", xscale="log")
    return Drawing(
        canvas,
        "Ten arms, ordered by the size of their first update. The two post-LN ones with a "
        "first update of the full learning rate, Adam and Adam-2k with a restarted counter, stay "
        "near the loss of having learned nothing; those with one ten times smaller train, all "
        "but one seed of Adam-2k. Pre-LN Adam trains with first updates as large as Adam's.",
        "\n".join(rows),
    )
