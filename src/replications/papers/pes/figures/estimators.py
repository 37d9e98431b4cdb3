"""Figures about the estimate: smoothing, bias, targets, variance."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

from replications.core.estimates import mean
from replications.core.figures import WIDTH, Drawing, figure
from replications.core.numbers import number, row
from replications.papers.pes.experiments import bias as biases
from replications.papers.pes.experiments import smoothing as smoothings
from replications.papers.pes.experiments import targets as goals
from replications.papers.pes.experiments import variance as variances
from replications.papers.pes.look import COLOR, MARKER


@figure(on=smoothings.smoothing)
def smoothing(result: xr.Dataset) -> Drawing:
    """A staircase, its smoothed versions, and ES estimates of their slopes."""
    sigmas = result["sigma"].values.tolist()
    canvas, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 2.9))
    left.plot(result["theta"], result["loss"], color=COLOR["theory"], linewidth=1)
    right.axhline(0, color=COLOR["theory"], linewidth=0.6)
    for i, (sigma, name) in enumerate(zip(sigmas, ("truncated ES", "PES"), strict=True)):
        color = COLOR[name]  # two colours that are far apart; no method is meant
        part = result.sel(sigma=sigma)
        left.plot(part["theta"], part["smoothed"], color=color)
        right.plot(part["theta"], part["slope"], color=color)
        right.plot(part["at"], part["estimate"], "o", color=color, markersize=3)
        left.text(-0.75, 2.0 - 0.22 * i, f"noise σ = {sigma:g}", color=color, fontsize=9)
    left.text(-0.75, 1.56, "the loss itself", color=COLOR["theory"], fontsize=9)
    left.set(title="Noise turns stairs into a slope", xlabel="θ", ylabel="loss")
    right.set(title="ES estimates that slope (dots)", xlabel="θ", ylabel="slope", ylim=(-5, 5))
    wide = max(sigmas)
    lowest = result["smoothed"].sel(sigma=wide).min().item()
    error = smoothings.estimation_error(result, wide).item()
    alone, paired = (result["spread"].sel(evaluation=e).item() for e in ("alone", "in a pair"))
    return Drawing(
        canvas,
        "Left: a staircase loss and its averages under Gaussian noise of two sizes; the larger "
        "noise leaves a smooth bowl. Right: estimates from 200 antithetic pairs lie on the slope "
        "of the averaged loss.",
        f"smoothed minimum at sigma {wide:g}: "
        f"{number(lowest, digits=2)}; root mean square error of "
        f"the estimates there: {number(error, digits=2)}; "
        f"spread of one evaluation {number(alone, digits=2)}, in a pair {number(paired, digits=2)}",
    )


@figure(on=smoothings.smoothing)
def past_noise(result: xr.Dataset) -> Drawing:
    """Correlation of each window's noise with each window's loss, measured and exact."""
    canvas, axes = plt.subplots(1, 2, figsize=(WIDTH, 3.3), sharey=True)
    measured, exact = result["correlation"].values, result["derivative"].values
    limit = float(np.abs(exact).max())
    count = len(exact)
    ink = plt.rcParams["text.color"]
    purple, orange = np.array([[0.33, 0.15, 0.53], [0.70, 0.35, 0.02]])  # as in matplotlib's PuOr
    for axis, matrix, title in zip(
        axes,
        (measured, exact),
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
                axis.text(tau, t, text, ha="center", va="center", fontsize=8, color=shade)
        axis.set(title=title, xlabel="window τ of the noise")
        axis.set_xticks(range(count), [str(i + 1) for i in range(count)])
        axis.set_yticks(range(count), [str(i + 1) for i in range(count)])
        axis.grid(False)
    axes[0].set_ylabel("window t of the loss")
    after = result["correlation"].where(result["noise"] > result["window"])
    return Drawing(
        canvas,
        "Two triangular tables that agree: the correlation of every window's noise with every "
        "window's loss equals the partial derivative, and is zero for noise that comes after the "
        "loss.",
        f"largest difference {number(np.abs(measured - exact).max(), digits=1)}; "
        f"largest entry above the diagonal {number(abs(after).max().item(), digits=1)}",
    )


@figure(on=biases.bias)
def bias(result: xr.Dataset) -> Drawing:
    """Relative error of each method's mean, with intervals."""
    losses, windows = result["loss"].values.tolist(), result["window"].values.tolist()
    canvas, axes = plt.subplots(1, 3, figsize=(WIDTH, 2.7), sharey=True)
    rows = [(arm, window) for arm in result["arm"].values.tolist() for window in windows]
    words = []
    for axis, loss in zip(axes, losses, strict=True):
        axis.axvline(0, color=COLOR["theory"], linewidth=1)
        for y, (arm, window) in enumerate(rows):
            e = 100 * mean(biases.relative_error(result, loss, arm, window).values, "")
            axis.plot([e.low, e.high], [y, y], color=COLOR[arm], linewidth=2.5)
            axis.plot(e.value, y, MARKER[arm], color=COLOR[arm])
            words.append(f"{loss}, {arm} K={window}: {e:value} %")
        axis.set(title=f"{loss} loss")
        axis.set_xscale("symlog", linthresh=10)
        axis.set_xlim(-200, 20)
        axis.set_xticks([-100, -10, 0, 10], ["−100", "−10", "0", "10"], fontsize=8)
        axis.grid(axis="y", visible=False)
    labels = [f"{arm}, K={window}" for arm, window in rows]
    axes[0].set_yticks(range(len(rows)), labels)
    axes[0].invert_yaxis()
    axes[1].set_xlabel("error, % (linear to ±10, then logarithmic)")
    return Drawing(
        canvas,
        "Errors of the mean estimate along the exact gradient, with intervals, on an axis that is "
        "linear up to ten per cent and logarithmic beyond. PES and NRES lie on "
        "zero for the linear and quadratic loss; truncated ES falls short everywhere; for the "
        "cubic loss nobody estimates the plain gradient.",
        "; ".join(words),
    )


@figure(on=goals.targets)
def targets(result: xr.Dataset) -> Drawing:
    """The cubic loss: three methods, three targets, none of them the plain gradient."""
    canvas, axis = plt.subplots(figsize=(WIDTH, 2.1))
    plain = result["plain"].item()
    axis.axvline(plain, color=COLOR["theory"], linewidth=1.2)
    axis.text(
        plain * 1.03, 2.42, f"plain gradient {number(plain)}", color=COLOR["theory"], fontsize=9
    )
    words = [f"plain gradient {number(plain)}"]
    arms = result["arm"].values.tolist()
    for y, arm in enumerate(arms):
        e = mean(result["cubic"].sel(arm=arm).values, "")
        target = result["own"].sel(arm=arm).item()
        axis.plot(target, y, "|", color=COLOR["theory"], markersize=22, markeredgewidth=2)
        axis.plot([e.low, e.high], [y, y], color=COLOR[arm], linewidth=2.5)
        axis.plot(e.value, y, MARKER[arm], color=COLOR[arm], markersize=6)
        side = -1 if arm == "NRES" else 1  # towards the middle
        axis.annotate(
            f"{e:value} (exact {number(target)})",
            (target, y),
            xytext=(10 * side, -3),
            textcoords="offset points",
            ha="left" if side > 0 else "right",
            fontsize=9,
        )
        words.append(f"{arm}: {e:value} measured, {number(target)} exact")
    axis.set(xscale="log", xlabel="expected gradient estimate (log scale)", xlim=(30, 4500))
    axis.set_yticks(range(3), arms)
    axis.set_ylim(2.7, -0.6)
    axis.grid(axis="y", visible=False)
    return Drawing(
        canvas,
        "On a cubic loss PES, NRES and truncated ES each hit the gradient of their own smoothed "
        "loss; the three differ by factors and none is the plain gradient.",
        "; ".join(words),
    )


@figure(on=goals.targets)
def errata(result: xr.Dataset) -> Drawing:
    """Three ways to lose unbiasedness, as ratios to the exact gradient."""
    ways = result["way"].values.tolist()
    ink = plt.rcParams["text.color"]
    canvas, axis = plt.subplots(figsize=(WIDTH, 2.6))
    axis.axvline(1, color=COLOR["theory"], linewidth=1.2)
    words = []
    for y, way in enumerate(ways):
        e = mean(goals.over_goal(result, way).values, "")
        right = way in (goals.OWN_SIGMA, goals.WHOLE, goals.PATH)
        axis.plot([e.low, e.high], [y, y], color=ink, linewidth=2.5)
        axis.plot(e.value, y, "o" if right else "X", color=ink, markersize=7)
        side = -1 if e.value < 0.9 else 1  # away from the line at 1
        axis.annotate(
            number(e.value, digits=2),
            (e.value, y),
            xytext=(9 * side, -3),
            textcoords="offset points",
            ha="left" if side > 0 else "right",
            fontsize=9,
        )
        words.append(f"{way}: {e:value}")
    axis.set(xscale="log", xlabel="mean estimate / exact gradient (log scale)", xlim=(0.5, 16))
    axis.set_xticks([0.5, 1, 2, 5, 10], ["0.5", "1", "2", "5", "10"])
    axis.minorticks_off()
    axis.set_yticks(range(len(ways)), ways)
    axis.invert_yaxis()
    axis.grid(axis="y", visible=False)
    return Drawing(
        canvas,
        "Ratios of mean estimates to the exact gradient: two public weightings miss one, the "
        "corrected ones hit it. When theta moves, the mean misses the sum of the windows' "
        "gradients at their own theta and hits the derivative along the path.",
        "; ".join(words),
    )


@figure(on=variances.variance)
def variance(result: xr.Dataset) -> Drawing:
    """Variance against the number of windows in the three scenarios."""
    canvas, axis = plt.subplots(figsize=(WIDTH, 3.6))
    n, episode = result["windows"].values, result["episode"].item()
    axis.plot(n, np.full(len(n), episode), color=COLOR["NRES"], linestyle="--")
    axis.text(14, episode * 1.08, "NRES, full ES: P + 1", color=COLOR["NRES"], fontsize=9)
    ink = plt.rcParams["text.color"]
    for relation in result["relation"].values:
        law = result["law"].sel(relation=relation)
        axis.plot(n, law, color=ink, linewidth=1.2, linestyle=":", zorder=3)
    styles = {"real": ("-", "D"), "random": ("-.", "s"), "repeated": ("--", "o")}
    words = []
    for scenario in result["scenario"].values.tolist():
        ratio = result["ratio"].sel(scenario=scenario)
        centre = ratio.mean("sequence").values
        line, marker = styles[scenario]
        axis.fill_between(
            n, ratio.min("sequence"), ratio.max("sequence"), color=COLOR["PES"], alpha=0.15
        )
        axis.plot(n, centre, marker, linestyle=line, color=COLOR["PES"])
        axis.text(n[-1] * 1.06, centre[-1], f"PES, {scenario}", color=COLOR["PES"], va="center")
        words.append(f"{scenario}: {row(centre, digits=2)}")
    for count in result["checked"].values.tolist():
        e = mean(result["check"].sel(checked=count).values, "")
        here = result["ratio"].sel(scenario="real", windows=count, sequence=0).item()
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
        f"shaded: range of {result.sizes['sequence']} sequences",
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
        canvas,
        "Variance of one pair against the number of windows. With random letters PES's variance "
        "grows, nearly in proportion to the windows once they are many; on text it dips and then "
        "grows; on one repeated letter it falls to half of NRES's, which is constant.",
        f"windows {n.tolist()}; NRES {number(round(episode))}; " + "; ".join(words),
    )
