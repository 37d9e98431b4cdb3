"""Figures about the estimate: smoothing, bias, targets, variance, memory."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np

from replications.core.estimates import mean
from replications.core.figures import COLOR, MARKER, WIDTH, Drawing
from replications.papers.pes.experiments import bias as bias_experiment
from replications.papers.pes.experiments import smoothing as smoothing_experiment
from replications.papers.pes.experiments import table as table_experiment
from replications.papers.pes.experiments import targets as targets_experiment
from replications.papers.pes.experiments import variance as variance_experiment


def smoothing(result: smoothing_experiment.Result) -> Drawing:
    """A staircase, its smoothed versions, and ES estimates of their slopes."""
    sigmas = smoothing_experiment.QUICK.sigmas
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 2.9))
    left.plot(result.x, result.loss, color=COLOR["theory"], linewidth=1)
    right.axhline(0, color=COLOR["theory"], linewidth=0.6)
    for i, (sigma, name) in enumerate(zip(sigmas, ("truncated ES", "PES"), strict=True)):
        color = COLOR[name]  # two colours that are far apart; no method is meant
        left.plot(result.x, result.smoothed[i], color=color)
        right.plot(result.x, result.slope[i], color=color)
        right.plot(result.at, result.estimated[i], "o", color=color, markersize=3)
        left.text(-0.75, 2.0 - 0.22 * i, f"noise σ = {sigma:g}", color=color, fontsize=9)
    left.text(-0.75, 1.56, "the loss itself", color=COLOR["theory"], fontsize=9)
    left.set(title="Noise turns stairs into a slope", xlabel="θ", ylabel="loss")
    right.set(title="ES estimates that slope (dots)", xlabel="θ", ylabel="slope", ylim=(-5, 5))
    gap = result.estimated[1] - np.interp(result.at, result.x, result.slope[1])
    return Drawing(
        figure,
        "Left: a staircase loss and its averages under Gaussian noise of two sizes; the larger "
        "noise leaves a smooth bowl. Right: estimates from 200 antithetic pairs lie on the slope "
        "of the averaged loss.",
        f"smoothed minimum at sigma {sigmas[1]:g}: {result.smoothed[1].min():.3f}; "
        f"root mean square error of the estimates there: {np.sqrt((gap**2).mean()):.1f}; "
        f"spread of one evaluation alone {result.single:.1f}, in a pair {result.paired:.1f}",
    )


def past_noise(result: smoothing_experiment.Result) -> Drawing:
    """Correlation of each window's noise with each window's loss, measured and exact."""
    figure, axes = plt.subplots(1, 2, figsize=(WIDTH, 3.3), sharey=True)
    limit = float(np.abs(result.exact).max())
    count = len(result.exact)
    ink = plt.rcParams["text.color"]
    purple, orange = np.array([[0.33, 0.15, 0.53], [0.70, 0.35, 0.02]])  # as in matplotlib's PuOr
    for axis, matrix, title in zip(
        axes,
        (result.correlation, result.exact),
        ("Measured: E[ε$_τ$ L$_t$] / σ²", "Exact: ∂L$_t$ / ∂θ$_τ$"),
        strict=True,
    ):
        strength = np.clip(np.abs(matrix) / limit, 0, 1)[..., None]  # zero lets the page through
        hue = np.where(matrix[..., None] > 0, purple, orange)
        axis.imshow(np.concatenate([hue, strength], axis=-1))
        for t in range(count):
            for tau in range(count):
                shade = ink if strength[t, tau, 0] < 0.6 else "#ffffff"
                text = f"{matrix[t, tau]:.1f}".replace("-0.0", "0.0")
                axis.text(tau, t, text, ha="center", va="center", fontsize=7, color=shade)
        axis.set(title=title, xlabel="window τ of the noise")
        axis.set_xticks(range(count), [str(i + 1) for i in range(count)])
        axis.set_yticks(range(count), [str(i + 1) for i in range(count)])
        axis.grid(False)
    axes[0].set_ylabel("window t of the loss")
    below = np.tril(np.ones_like(result.exact, dtype=bool))
    return Drawing(
        figure,
        "Two triangular tables that agree: the correlation of every window's noise with every "
        "window's loss equals the partial derivative, and is zero for noise that comes after the "
        "loss.",
        f"largest difference {np.abs(result.correlation - result.exact).max():.2f}; "
        f"largest entry above the diagonal {np.abs(result.correlation[~below]).max():.2f}",
    )


def bias(result: bias_experiment.Result) -> Drawing:
    """Relative error of each method's mean, with intervals."""
    losses, windows = bias_experiment.LOSSES, bias_experiment.QUICK.windows
    figure, axes = plt.subplots(1, 3, figsize=(WIDTH, 2.7), sharey=True)
    rows = [(arm, k) for arm in bias_experiment.ARMS for k in range(len(windows))]
    words = []
    for axis, loss in zip(axes, losses, strict=True):
        axis.axvline(0, color=COLOR["theory"], linewidth=1)
        for y, (arm, k) in enumerate(rows):
            e = mean(100 * result.relative_error(loss, arm, k, "exact"), "")
            axis.plot([e.low, e.high], [y, y], color=COLOR[arm], linewidth=2.5)
            axis.plot(e.value, y, MARKER[arm], color=COLOR[arm])
            words.append(f"{loss}, {arm} K={windows[k]}: {e.value:.0f} %".replace("-0 %", "0 %"))
        axis.set(title=f"{loss} loss")
        axis.set_xscale("symlog", linthresh=10)
        axis.set_xlim(-200, 20)
        axis.set_xticks([-100, -10, 0, 10], ["−100", "−10", "0", "10"], fontsize=8)
        axis.grid(axis="y", visible=False)
    labels = [f"{arm}, K={windows[k]}" for arm, k in rows]
    axes[0].set_yticks(range(len(rows)), labels)
    axes[0].invert_yaxis()
    axes[1].set_xlabel("error, % (linear to ±10, then logarithmic)")
    return Drawing(
        figure,
        "Errors of the mean estimate along the exact gradient, with intervals, on an axis that is "
        "linear up to ten per cent and logarithmic beyond. PES and NRES lie on "
        "zero for the linear and quadratic loss; truncated ES falls short everywhere; for the "
        "cubic loss nobody estimates the plain gradient.",
        "; ".join(words),
    )


def targets(result: targets_experiment.Result) -> Drawing:
    """The cubic loss: three methods, three targets, none of them the plain gradient."""
    figure, axis = plt.subplots(figsize=(WIDTH, 2.1))
    axis.axvline(result.cubic_gradient, color=COLOR["theory"], linewidth=1.2)
    axis.text(
        result.cubic_gradient * 1.03,
        2.42,
        f"plain gradient {result.cubic_gradient:.1f}",
        color=COLOR["theory"],
        fontsize=9,
    )
    words = [f"plain gradient {result.cubic_gradient:.1f}"]
    for y, arm in enumerate(targets_experiment.ARMS):
        e = mean(result.cubic[y], "")
        target = result.cubic_targets[y]
        axis.plot(target, y, "|", color=COLOR["theory"], markersize=22, markeredgewidth=2)
        axis.plot([e.low, e.high], [y, y], color=COLOR[arm], linewidth=2.5)
        axis.plot(e.value, y, MARKER[arm], color=COLOR[arm], markersize=6)
        side = -1 if arm == "NRES" else 1  # towards the middle
        axis.annotate(
            f"{e.value:.1f} (exact {target:.1f})",
            (target, y),
            xytext=(10 * side, -3),
            textcoords="offset points",
            ha="left" if side > 0 else "right",
            fontsize=9,
        )
        words.append(f"{arm}: {e.value:.2g} measured, {target:.1f} exact")
    axis.set(xscale="log", xlabel="expected gradient estimate (log scale)", xlim=(30, 4500))
    axis.set_yticks(range(3), targets_experiment.ARMS)
    axis.set_ylim(2.7, -0.6)
    axis.grid(axis="y", visible=False)
    return Drawing(
        figure,
        "On a cubic loss PES, NRES and truncated ES each hit the gradient of their own smoothed "
        "loss; the three differ by factors and none is the plain gradient.",
        "; ".join(words),
    )


def errata(result: targets_experiment.Result) -> Drawing:
    """Three ways to lose unbiasedness, as ratios to the exact gradient."""
    g = result.quadratic_gradient
    rows: Sequence[tuple[str, np.ndarray, bool]] = (
        ("σ shrinks: evosax's weighting", result.schedule_peer / g, False),
        ("σ shrinks: each ε over its own σ²", result.schedule_ours / g, True),
        ("K ∤ T: learned_optimization's weighting", result.crossing_peer / g, False),
        ("K ∤ T: window ends with the episode", result.crossing_ours / g, True),
        ("θ moves: at each window's own θ", result.drifting / result.drifting_current, False),
        ("θ moves: along the path taken", result.drifting / result.drifting_path, True),
    )
    ink = plt.rcParams["text.color"]
    figure, axis = plt.subplots(figsize=(WIDTH, 2.6))
    axis.axvline(1, color=COLOR["theory"], linewidth=1.2)
    words = []
    for y, (label, samples, right) in enumerate(rows):
        e = mean(samples, "")
        axis.plot([e.low, e.high], [y, y], color=ink, linewidth=2.5)
        axis.plot(e.value, y, "o" if right else "X", color=ink, markersize=7)
        side = -1 if e.value < 0.9 else 1  # away from the line at 1
        axis.annotate(
            f"{e.value:.2f}",
            (e.value, y),
            xytext=(9 * side, -3),
            textcoords="offset points",
            ha="left" if side > 0 else "right",
            fontsize=9,
        )
        words.append(f"{label}: {e.value:.1f}")
    axis.set(xscale="log", xlabel="mean estimate / exact gradient (log scale)", xlim=(0.5, 16))
    axis.set_xticks([0.5, 1, 2, 5, 10], ["0.5", "1", "2", "5", "10"])
    axis.minorticks_off()
    axis.set_yticks(range(len(rows)), [label for label, _, _ in rows])
    axis.invert_yaxis()
    axis.grid(axis="y", visible=False)
    return Drawing(
        figure,
        "Ratios of mean estimates to the exact gradient: two public weightings miss one, the "
        "corrected ones hit it. When theta moves, the mean misses the sum of the windows' "
        "gradients at their own theta and hits the derivative along the path.",
        "; ".join(words),
    )


def variance(result: variance_experiment.Result) -> Drawing:
    """Variance against the number of windows in the three scenarios."""
    config = variance_experiment.QUICK
    figure, axis = plt.subplots(figsize=(WIDTH, 3.6))
    n = np.array(config.windows)
    axis.plot(n, np.full(len(n), result.episode), color=COLOR["NRES"], linestyle="--")
    axis.text(14, result.episode * 1.08, "NRES, full ES: P + 1", color=COLOR["NRES"], fontsize=9)
    ink = plt.rcParams["text.color"]
    for law in result.laws:
        axis.plot(n, law, color=ink, linewidth=1.2, linestyle=":", zorder=3)
    styles = {"real": ("-", "D"), "random": ("-.", "s"), "repeated": ("--", "o")}
    words = []
    for i, scenario in enumerate(variance_experiment.SCENARIOS):
        centre = result.ratio[i].mean(axis=1)
        line, marker = styles[scenario]
        axis.fill_between(
            n,
            result.ratio[i].min(axis=1),
            result.ratio[i].max(axis=1),
            color=COLOR["PES"],
            alpha=0.15,
        )
        axis.plot(n, centre, marker, linestyle=line, color=COLOR["PES"])
        axis.text(n[-1] * 1.06, centre[-1], f"PES, {scenario}", color=COLOR["PES"], va="center")
        words.append(f"{scenario}: " + ", ".join(f"{v:.2g}" for v in centre))
    for k, count in enumerate(config.checked):
        e = mean(result.check[k], "")
        here = result.ratio[0, config.windows.index(count), 0]
        axis.errorbar(
            count,
            e.value * here,
            yerr=(e.high - e.low) / 2 * here,
            fmt="x",
            color=ink,
            markersize=8,
            capsize=3,
        )
    notes = (
        f"shaded: range of {config.sequences} sequences",
        "dotted: laws of identical and of independent windows",
        "× Monte Carlo, first text",
    )
    axis.text(0.02, 0.97, "\n".join(notes), fontsize=9, va="top", transform=axis.transAxes)
    axis.set(
        xscale="log",
        yscale="log",
        xlabel="windows in an episode of 100 steps",
        ylabel="total variance / |gradient|²",
        xlim=(0.95, 220),
        ylim=(120, 40000),
    )
    axis.set_xticks(n, [str(i) for i in n])
    axis.minorticks_off()
    return Drawing(
        figure,
        "Variance of one pair against the number of windows. With random letters PES's variance "
        "grows, nearly in proportion to the windows once they are many; on text it dips and then "
        "grows; on one repeated letter it falls to half of NRES's, which is constant.",
        f"windows {list(config.windows)}; NRES {result.episode:.0f}; " + "; ".join(words),
    )


def memory(result: table_experiment.Result) -> Drawing:
    """Numbers kept in a window at two horizons."""
    figure, axis = plt.subplots(figsize=(WIDTH, 2.7))
    words = []
    for y, arm in enumerate(table_experiment.ARMS):
        short, long = result.kept[y]
        axis.plot([short, long], [y, y], color=COLOR[arm], linewidth=1.5)
        axis.plot(short, y, MARKER[arm], color=COLOR[arm], fillstyle="none", markersize=9)
        axis.plot(long, y, MARKER[arm], color=COLOR[arm], markersize=5)
        words.append(f"{arm}: {short:.0f} and {long:.0f}")
    axis.set(xscale="log", xlabel="numbers kept in a window: open at T = 24, filled at T = 240")
    axis.set_yticks(range(len(table_experiment.ARMS)), table_experiment.ARMS)
    axis.invert_yaxis()
    axis.grid(axis="y", visible=False)
    return Drawing(
        figure,
        "Memory of each method at two horizons: only backpropagation through the whole episode "
        "grows with the horizon; all others need the same.",
        "; ".join(words),
    )
