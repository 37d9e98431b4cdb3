"""Figures of the training runs: losses, gradient histograms, and the controls."""

from __future__ import annotations

import numpy as np
from matplotlib import pyplot as plt

from replications.core.estimates import mean
from replications.core.figures import COLOR, MARKER, WIDTH, Drawing
from replications.papers.radam.claims.training import distance, final, shift
from replications.papers.radam.experiments import CONTROLS, TRANSLATION, translation

Runs = tuple[translation.Result, ...]

CONTROL_COLOR = {
    "Adam-2k restarted": COLOR["Adam-2k"],
    "uncorrected": COLOR["Adam"],
    "warm-up 10": COLOR["warm-up"],
    "warm-up 2000": COLOR["warm-up"],
    "pre-LN Adam": COLOR["Adam"],
}


def loss_curves(runs: Runs) -> Drawing:
    """Figure 1: every seed thin, their mean thick."""
    figure, axes = plt.subplots(figsize=(WIDTH, 3.4))
    for run in runs:
        smooth = run.loss.reshape(len(run.loss), -1, 10).mean(axis=2)
        t = np.arange(5, run.loss.shape[1], 10)
        color = COLOR[run.method]
        axes.plot(t, smooth.T, color=color, linewidth=0.5, alpha=0.6)
        axes.plot(t, smooth.mean(axis=0), color=color, linewidth=2, label=run.method)
    axes.axhline(runs[0].entropy, color=COLOR["theory"], linestyle=":")
    axes.annotate(
        "knowing the words' frequencies only", (150, runs[0].entropy), (0, 9),
        textcoords="offset points", fontsize=8, color=COLOR["theory"],
    )  # fmt: skip
    end = runs[0].loss.shape[1]
    axes.legend(loc="upper right", ncols=len(runs), labelcolor="linecolor")
    axes.set(xlabel="iteration", ylabel="training loss, nats a word", xlim=(0, end), ylim=(0, 4))
    rows = [f"{run.method}: {final(runs, run.method).mean():.2f}" for run in runs]
    return Drawing(
        figure,
        "Training loss over 600 iterations, five seeds a method. Adam stays at the loss of "
        "knowing only the words' frequencies. Warm-up falls to 0.02, RAdam to 0.14, Adam-eps "
        "half way; Adam-2k trains for four seeds and fails for one.",
        "loss of the last 50 iterations\n" + "\n".join(rows),
    )


def _apart(items: list[tuple[str, float]], gap: float) -> dict[str, float]:
    """Heights of labels that do not overlap, from rising values."""
    placed: dict[str, float] = {}
    low = -1.0
    for name, value in items:
        low = max(value, low + gap)
        placed[name] = low
    return placed


def gradient_histograms(runs: Runs) -> Drawing:
    """Figures 2 and 3: ridge lines of ln|g|, one panel a method, time running downwards."""
    figure, panels = plt.subplots(1, len(runs), figsize=(WIDTH, 4.2), sharey=True, sharex=True)
    tiny = int((translation.LN_EDGES[:-1] < -20).sum())
    middles = np.array([-20.5, *np.arange(-19.5, 0)])  # bins of width 1, and one for all below
    rows = []
    for axes, run in zip(panels, runs, strict=True):
        share = run.shares.mean(axis=0)
        pairs = share[:, tiny : tiny + 40].reshape(len(share), 20, 2).sum(axis=2)
        share = np.column_stack([share[:, :tiny].sum(axis=1), pairs])
        for i, look in enumerate(run.looks):
            base = -float(i)
            heights = np.minimum(share[i] / 0.18, 1.35)  # the first bin is given as a number
            axes.fill_between(
                middles, base, base + heights, step="mid", facecolor=COLOR[run.method], alpha=0.85,
                edgecolor="0.5", linewidth=0.4, zorder=i + 2,
            )  # fmt: skip
            axes.annotate(f"{share[i, 0]:.0%}", (-19.9, base + 0.5), fontsize=7, zorder=20)
            if axes is panels[0]:
                axes.annotate(f"{look}", (-21.4, base + 0.12), ha="right", fontsize=8,
                              annotation_clip=False)  # fmt: skip
        axes.set_title(run.method, color=COLOR[run.method], fontsize=9.5)
        axes.set(xlim=(-21.2, 0), ylim=(-6.2, 1.2), yticks=[])
        axes.set_xticks([-20, -12, -4], ["<e⁻²⁰", "e⁻¹²", "e⁻⁴"], fontsize=8)
        axes.spines["left"].set_visible(False)
        axes.grid(False)
        rows.append(f"{run.method}: median moved by {shift(runs, run.method).mean():.1f} decades")
    panels[0].set_ylabel("share of the weights at iteration", labelpad=26)
    figure.supxlabel("|g|, logarithmic", fontsize=9.5)
    return Drawing(
        figure,
        "Ridge lines of the distribution of |g| on a logarithmic axis at iterations 1, 5, 10, 25, "
        "50, 75 and 100, one panel for each of Adam, warm-up, RAdam, Adam-2k and Adam-eps. One "
        "seed, the one on which Adam-2k fails. All start alike. Within 10 updates of Adam most of "
        "the mass falls by several decades and stays there; with warm-up and RAdam it nearly keeps "
        "its place.",
        "by iteration 10\n" + "\n".join(rows),
    )


def distortion(runs: Runs) -> Drawing:
    """Wasserstein distance of the histogram to iteration 1, with every seed."""
    figure, axes = plt.subplots(figsize=(WIDTH, 3.0))
    rows = []
    ends = {run.method: float(distance(run)[:, -1].mean()) for run in runs}
    heights = _apart(sorted(ends.items(), key=lambda item: item[1]), 0.75)
    for run in runs:
        far = distance(run)
        axes.plot(run.looks, far.T, MARKER[run.method], color=COLOR[run.method], ms=3, alpha=0.5)
        axes.plot(run.looks, far.mean(axis=0), color=COLOR[run.method])
        axes.annotate(run.method, (run.looks[-1], heights[run.method]), (6, -3),
                      textcoords="offset points", color=COLOR[run.method])  # fmt: skip
        rows.append(f"{run.method}: " + " ".join(f"{x:.1f}" for x in far.mean(axis=0)))
    axes.set(xlabel="iteration", ylabel="distance to iteration 1, in ln|g|", xlim=(0, 118))
    return Drawing(
        figure,
        "Wasserstein distance between the histogram of ln|g| and that of iteration 1, over the "
        "first 100 iterations, five seeds. Adam's jumps to 9 within 10 updates and stays above 11 "
        "in the mean, while one seed comes back to 9. Those of warm-up and RAdam reach 3.4 and "
        "2.6 at iteration 25 and sink again.",
        "at iterations " + " ".join(map(str, runs[0].looks)) + "\n" + "\n".join(rows),
    )


def controls(runs: Runs) -> Drawing:
    """Final loss and largest early update of every method."""
    paper: Runs = TRANSLATION.result("full")
    everything = sorted((*paper, *runs), key=lambda run: -run.update[:, 0].mean())
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(WIDTH, 3.8), sharey=True, width_ratios=(1.2, 1)
    )
    rows = []
    for y, run in enumerate(everything):
        color = (COLOR | CONTROL_COLOR)[run.method]
        losses = final(tuple(everything), run.method)
        estimate = mean(losses, "")
        left.plot(losses, np.full(len(losses), y), "o", color=color, ms=4)
        left.plot([max(estimate.low, 0), estimate.high], [y, y], color=color, linewidth=1)
        right.plot(run.update[:, 0], np.full(len(losses), y), "o", color=color, ms=4)
        rows.append(
            f"{run.method}: loss {losses.mean():.2f}, first update {run.update[:, 0].mean():.0e}"
        )
    left.axvline(runs[0].entropy, color=COLOR["theory"], linestyle=":")
    left.set_yticks(range(len(everything)), [run.method for run in everything])
    left.set(xlabel="final training loss, nats", xlim=(-0.05, 3.4))
    right.set(xlabel="first update, root mean square", xscale="log")
    return Drawing(
        figure,
        "Ten methods, ordered by the size of their first update. The two post-LN ones with a "
        "first update of the full learning rate, Adam and Adam-2k with a restarted counter, stay "
        "near the loss of having learned nothing; those with one ten times smaller train, all "
        "but one seed of Adam-2k. Pre-LN Adam trains with first updates as large as Adam's.",
        "\n".join(rows),
    )


FIGURES = {
    "loss-curves": (loss_curves, TRANSLATION, "full"),
    "gradient-histograms": (gradient_histograms, TRANSLATION, "quick"),
    "distortion": (distortion, TRANSLATION, "full"),
    "controls": (controls, CONTROLS, "full"),
}
