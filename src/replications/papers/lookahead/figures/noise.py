"""Figures about noise: the stationary variance, its limits, and the profile inside a loop."""

from __future__ import annotations

import numpy as np
from matplotlib import pyplot as plt

from replications.core.figures import COLOR, MARKER, WIDTH, Drawing
from replications.papers.lookahead.claims.noise import scores
from replications.papers.lookahead.experiments import (
    INNER_LOOP,
    ONE_CURVATURE,
    STABILITY,
    VARIANCE,
    inner_loop,
    one_curvature,
    stability,
    variance,
)


def _share(x: np.ndarray, alpha: float, k: int) -> np.ndarray:
    """V_LA / V_SGD, to draw the curve between the computed points."""
    q = (1 - x) ** k
    return alpha * (1 + q) / (2 - alpha * (1 - q))


def variance_ratio(result: variance.Result) -> Drawing:
    """One panel for each k: V_LA / V_SGD over x, theory as lines, chains as points."""
    figure, panels = plt.subplots(1, len(result.k), figsize=(WIDTH, 2.6), sharey=True)
    dense = np.linspace(0.005, 1.995, 120)
    for j, (axes, k) in enumerate(zip(panels, result.k, strict=True)):
        for i, alpha in enumerate(result.alpha):
            share = result.measured[i, j] / result.sgd
            axes.plot(dense, _share(dense, alpha, k), color=COLOR["theory"])
            axes.plot(  # the 95 % interval is smaller than a marker
                result.x, share, MARKER["Lookahead"], color=COLOR["Lookahead"], markersize=3.5
            )
            axes.annotate(
                f"α = {alpha:g}", (0.05, alpha), (3, 3), textcoords="offset points", fontsize=8
            )
        axes.set(title=f"k = {k}", xlabel="x = γa", ylim=(0, 1), xlim=(0, 2), xticks=(0, 1, 2))
    for height, name, colour in ((0.92, "chains", "Lookahead"), (0.83, "formula", "theory")):
        panels[-1].annotate(name, (1.4, height), ha="center", fontsize=9, color=COLOR[colour])
    panels[0].set_ylabel("variance, Lookahead / SGD")
    j = list(result.k).index(5)
    rows = [
        f"alpha = {alpha:g}, k = 5: "
        + " ".join(f"{v:.2f}" for v in result.theory[i, j] / result.sgd)
        for i, alpha in enumerate(result.alpha)
    ]
    return Drawing(
        figure,
        "Four panels, k = 1, 2, 5, 20: stationary variance of Lookahead over that of SGD against "
        "learning rate times curvature. Simulated points lie on the predicted curves, all below 1.",
        "theory at x = " + " ".join(f"{x:g}" for x in result.x) + "\n" + "\n".join(rows),
    )


def variance_scores(result: variance.Result) -> Drawing:
    """Histogram of (simulated - predicted) in standard errors, on the standard normal."""
    from scipy.special import chdtrc

    z = scores(result)
    figure, axes = plt.subplots(figsize=(WIDTH, 2.2))
    edges = np.linspace(-4, 4, 17)
    axes.hist(z, edges.tolist(), color=COLOR["Lookahead"], alpha=0.75)
    dense = np.linspace(-4, 4, 81)
    width = edges[1] - edges[0]
    normal = z.size * width * np.exp(-(dense**2) / 2) / np.sqrt(2 * np.pi)
    axes.plot(dense, normal, color=COLOR["theory"], linewidth=2)
    p = chdtrc(z.size, (z**2).sum())
    axes.annotate("standard normal", (2.1, 0.35 * normal.max()), color=COLOR["theory"])
    axes.annotate(f"χ² test: p = {p:.2f}", (2.1, 0.55 * normal.max()))
    axes.set(xlabel="simulated − predicted variance, in standard errors", ylabel="settings")
    return Drawing(
        figure,
        f"Histogram of {z.size} differences between simulated and predicted variances in standard "
        "errors; it follows the standard normal curve.",
        f"mean {z.mean():.1f}, standard deviation {z.std(ddof=1):.1f}, "
        f"largest {np.abs(z).max():.1f}; chi-square p = {p:.1g}",
    )


def stability_limit(result: stability.Result) -> Drawing:
    """Variance at alpha = 0.5, k = 5 as the learning rate passes the limit of SGD."""
    figure, axes = plt.subplots(figsize=(WIDTH, 2.8))
    below, s2 = np.linspace(0.45, 1.985, 120), result.noise_variance
    limit = result.limit_theory[(result.alpha == 0.5) & (result.k == 5)].item()
    all_x = np.linspace(0.45, limit - 0.004, 160)
    q = (1 - all_x) ** 5
    curve = s2 * all_x * 0.5 * (1 + q) / (2 - all_x) / (2 - 0.5 * (1 - q))
    axes.plot(below, s2 * below / (2 - below), color=COLOR["SGD"])
    axes.plot(all_x, curve, color=COLOR["theory"])
    axes.plot(result.x, result.measured, MARKER["Lookahead"], color=COLOR["Lookahead"])
    for at, name in ((2.0, "SGD"), (limit, "Lookahead")):
        axes.axvline(at, color=COLOR[name], linestyle=":")
    axes.annotate("SGD", (1.55, 1.0), (-30, 2), textcoords="offset points", color=COLOR["SGD"])
    axes.annotate(
        "Lookahead, α = 0.5, k = 5",
        (1.5, 0.245),
        (4, -14),
        textcoords="offset points",
        color=COLOR["Lookahead"],
    )
    axes.set(
        xlabel="x = γL, learning rate times largest curvature",
        ylabel="stationary variance",
        yscale="log",
        xlim=(0.4, 2.35),
        ylim=(0.02, 60),
    )
    rows = [
        f"alpha = {a:g}, k = {k}: limit {measured:.3f}, formula {theory:.3f}"
        for a, k, measured, theory in zip(
            result.alpha, result.k, result.limit, result.limit_theory, strict=True
        )
    ]
    return Drawing(
        figure,
        "Stationary variance against learning rate times curvature. That of SGD grows without "
        "bound towards 2; that of Lookahead with k = 5 stays finite through 2 and up to 2.25.",
        "\n".join(rows),
    )


def sawtooth(result: inner_loop.Result) -> Drawing:
    """Three loops: the fast weights' variance climbs, the synchronisation pulls it back."""
    figure, panels = plt.subplots(1, len(result.x), figsize=(WIDTH, 2.6), sharey=True)
    k = result.theory.shape[0] - 1
    centre = result.measured.mean(0)
    error = 2.09 * result.measured.std(0, ddof=1) / np.sqrt(result.measured.shape[0])  # t, 19 df
    for j, (axes, x) in enumerate(zip(panels, result.x, strict=True)):
        for loop in range(3):
            steps = loop * k + np.arange(k + 1)
            axes.plot(steps, result.theory[:, j], color=COLOR["theory"])
            axes.plot(
                [steps[-1]] * 2, result.theory[[-1, 0], j], color=COLOR["theory"], linestyle=":"
            )
        steps = np.arange(k + 1)
        axes.errorbar(steps[1:], centre[1:, j], error[1:, j], fmt=MARKER["SGD"], color=COLOR["SGD"])
        axes.errorbar(
            steps[:1],
            centre[:1, j],
            error[:1, j],
            fmt=MARKER["Lookahead"],
            color=COLOR["Lookahead"],
            markersize=6,
        )
        axes.set(title=f"x = {x:g}", xlabel="inner step", ylim=(0.2, 1.1), xticks=(0, 5, 10, 15))
    panels[0].set_ylabel("variance / that of SGD")
    panels[0].annotate("formula", (10, 0.72), ha="center", fontsize=9, color=COLOR["theory"])
    panels[1].annotate(
        "fast", (2, centre[2, 1]), (5, -12), textcoords="offset points", color=COLOR["SGD"]
    )
    panels[1].annotate(
        "slow", (0, centre[0, 1]), (8, -5), textcoords="offset points", color=COLOR["Lookahead"]
    )
    rows = [
        f"x = {x:g}: " + " ".join(f"{v:.2f}" for v in result.theory[:, j])
        for j, x in enumerate(result.x)
    ]
    return Drawing(
        figure,
        "Three panels, x = 0.05, 0.3 and 1: over three loops the variance of the fast weights "
        "climbs from that of the slow weights towards that of SGD, and falls back at each "
        "synchronisation.",
        "after 0 to 5 inner steps\n" + "\n".join(rows),
    )


def equal_variance(result: one_curvature.Result) -> Drawing:
    """Speed of Lookahead over that of SGD with the same variance: x up to 1, and from 1 to 2."""
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(WIDTH, 3.2), sharey=True, width_ratios=(1.25, 1)
    )
    styles = {0.2: ":", 0.5: "-", 0.8: "--"}
    ends = []
    for alpha, k, shown in zip(result.shown_alpha, result.shown_k, result.shown, strict=True):
        for axes in (left, right):
            axes.plot(
                result.shown_x,
                shown,
                color=COLOR["Lookahead"],
                linestyle=styles[float(alpha)],
                linewidth=1.4,
                label=f"α = {alpha:g}" if k == 5 else None,
            )
        ends.append([np.interp(x, result.shown_x, shown) for x in (0.01, 0.1, 0.5, 1.0, 1.9)])
    for axes in (left, right):
        axes.axhline(1, color=COLOR["SGD"])
    left.annotate(
        "SGD with a lower learning rate",
        (0.0055, 1),
        (0, 4),
        textcoords="offset points",
        color=COLOR["SGD"],
    )
    for k, at in ((20, (0.11, 0.5)), (5, (0.44, 0.5)), (2, (0.98, 0.85))):
        left.annotate(f"k = {k}", at, color=COLOR["Lookahead"], ha="right", fontsize=9)
    for text, at, side in (
        ("k = 5, α = 0.8", (1.71, 1.7), "right"),
        ("α = 0.5", (1.965, 1.7), "right"),
        ("k = 2", (1.1, 0.48), "left"),
    ):
        right.annotate(text, at, color=COLOR["Lookahead"], ha=side, fontsize=9)
    left.legend(loc="lower left")
    left.set(
        xscale="log",
        xlabel="x = γa, up to 1",
        ylabel="speed at equal variance,\nLookahead / SGD",
        ylim=(0, 2),
        xlim=(5e-3, 1),
    )
    right.set(xlabel="x = γa, from 1 to 2", xlim=(1, 2))
    rows = [
        f"alpha = {a:g}, k = {k}: " + " ".join(f"{v:.2f}" for v in end)
        for a, k, end in zip(result.shown_alpha, result.shown_k, ends, strict=True)
    ]
    return Drawing(
        figure,
        "Speed of Lookahead relative to SGD of the same variance, against learning rate times "
        "curvature. Up to x = 1 the curves start at 1 and fall; between 1 and 2 only two with "
        "k = 5 pass 1, one of them in a spike where a loop lands on the minimum.",
        "at x = 0.01 0.1 0.5 1 1.9\n" + "\n".join(rows),
    )


FIGURES = {
    "variance-ratio": (variance_ratio, VARIANCE, "quick"),
    "variance-scores": (variance_scores, VARIANCE, "full"),
    "stability": (stability_limit, STABILITY, "quick"),
    "inner-loop": (sawtooth, INNER_LOOP, "quick"),
    "one-curvature": (equal_variance, ONE_CURVATURE, "quick"),
}
