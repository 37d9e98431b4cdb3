"""Figures about noise: the stationary variance, its limits, and the profile inside a loop."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr
from matplotlib import pyplot as plt

from replications.core.figures import WIDTH, Drawing, figure
from replications.core.numbers import number, row
from replications.papers.lookahead.experiments import inner_loop, stability, variance
from replications.papers.lookahead.look import COLOR, MARKER
from replications.problems.noisy_quadratic import NoisyQuadratic

UNIT = NoisyQuadratic(torch.ones(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64))
"""One curvature: its learning rate is x."""


@figure(on=variance.variance, tier="quick")
def variance_ratio(result: xr.Dataset) -> Drawing:
    """One panel for each k: V_LA / V_SGD over x, theory as lines, chains as points."""
    canvas, panels = plt.subplots(1, result.sizes["k"], figsize=(WIDTH, 2.6), sharey=True)
    dense = torch.linspace(0.005, 1.995, 120, dtype=torch.float64)
    share = result["measured"] / result["sgd"]
    for axes, k in zip(panels, result["k"].values.tolist(), strict=True):
        for alpha in result["alpha"].values.tolist():
            curve = UNIT.lookahead_variance(dense, alpha, k) / UNIT.sgd_variance(dense)
            axes.plot(dense, curve[:, 0], color=COLOR["theory"])
            points = share.sel(alpha=alpha, k=k)  # the 95 % interval is smaller than a marker
            axes.plot(
                points["x"], points, MARKER["Lookahead"], color=COLOR["Lookahead"], markersize=3.5
            )
            axes.annotate(
                f"α = {alpha:g}", (0.05, alpha), (3, 3), textcoords="offset points", fontsize=8
            )
        axes.set(title=f"k = {k}", xlabel="x = γa", ylim=(0, 1), xlim=(0, 2), xticks=(0, 1, 2))
    for height, name, colour in ((0.92, "chains", "Lookahead"), (0.83, "formula", "theory")):
        panels[-1].annotate(name, (1.4, height), ha="center", fontsize=9, color=COLOR[colour])
    panels[0].set_ylabel("variance, Lookahead / SGD")
    theory = (result["theory"] / result["sgd"]).sel(k=5)
    rows = [
        f"alpha = {alpha:g}, k = 5: {row(theory.sel(alpha=alpha).values)}"
        for alpha in result["alpha"].values.tolist()
    ]
    return Drawing(
        canvas,
        "Four panels, k = 1, 2, 5, 20: stationary variance of Lookahead over that of SGD against "
        "learning rate times curvature. Simulated points lie on the predicted curves, all below 1.",
        f"theory at x = {' '.join(f'{x:g}' for x in result['x'].values)}\n" + "\n".join(rows),
    )


@figure(on=stability.stability, name="stability")
def stability_limit(result: xr.Dataset) -> Drawing:
    """Variance at alpha = 0.5, k = 5 as the learning rate passes the limit of SGD."""
    canvas, axes = plt.subplots(figsize=(WIDTH, 2.8))
    limit = UNIT.max_stable_lr(0.5, 5).item()
    below = torch.linspace(0.45, 1.985, 120, dtype=torch.float64)
    all_x = torch.linspace(0.45, limit - 0.004, 160, dtype=torch.float64)
    noise = result["noise_variance"].item()
    axes.plot(below, noise * UNIT.sgd_variance(below)[:, 0], color=COLOR["SGD"])
    axes.plot(all_x, noise * UNIT.lookahead_variance(all_x, 0.5, 5)[:, 0], color=COLOR["theory"])
    axes.plot(result["x"], result["measured"], MARKER["Lookahead"], color=COLOR["Lookahead"])
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
        f"alpha = {setting['alpha'].item():g}, k = {setting['k'].item()}: limit "
        f"{number(setting['limit'].item(), setting['resolution'].item())}, "
        f"formula {number(setting['limit_theory'].item())}"
        for _, setting in result[["limit", "limit_theory", "resolution"]].groupby("setting")
    ]
    return Drawing(
        canvas,
        "Stationary variance against learning rate times curvature. That of SGD grows without "
        "bound towards 2; that of Lookahead with k = 5 stays finite through 2 and up to 2.25.",
        "\n".join(rows),
    )


@figure(on=inner_loop.inner_loop, name="inner-loop")
def sawtooth(result: xr.Dataset) -> Drawing:
    """Three loops: the fast weights' variance climbs, the synchronisation pulls it back."""
    canvas, panels = plt.subplots(1, result.sizes["x"], figsize=(WIDTH, 2.6), sharey=True)
    k = result.sizes["step"] - 1
    blocks = result["measured"]
    error = 2.09 * blocks.std("block", ddof=1) / np.sqrt(result.sizes["block"])  # t, 19 df
    for axes, x in zip(panels, result["x"].values.tolist(), strict=True):
        theory = result["theory"].sel(x=x)
        centre, half = blocks.mean("block").sel(x=x), error.sel(x=x)
        for loop in range(3):
            axes.plot(loop * k + theory["step"], theory, color=COLOR["theory"])
            axes.plot([(loop + 1) * k] * 2, theory[[-1, 0]], color=COLOR["theory"], linestyle=":")
        fast = slice(1, None)
        axes.errorbar(
            theory["step"][fast], centre[fast], half[fast], fmt=MARKER["SGD"], color=COLOR["SGD"]
        )
        axes.errorbar(
            [0],
            centre[:1],
            half[:1],
            fmt=MARKER["Lookahead"],
            color=COLOR["Lookahead"],
            markersize=6,
        )
        axes.set(title=f"x = {x:g}", xlabel="inner step", ylim=(0.2, 1.1), xticks=(0, 5, 10, 15))
    panels[0].set_ylabel("variance / that of SGD")
    panels[0].annotate("formula", (10, 0.72), ha="center", fontsize=9, color=COLOR["theory"])
    middle = blocks.mean("block").isel(x=1)
    for name, step, shift, colour in (
        ("fast", 2, (5, -12), "SGD"),
        ("slow", 0, (8, -5), "Lookahead"),
    ):
        at = (step, middle.sel(step=step).item())
        panels[1].annotate(name, at, shift, textcoords="offset points", color=COLOR[colour])
    rows = [
        f"x = {x:g}: {row(result['theory'].sel(x=x).values)}" for x in result["x"].values.tolist()
    ]
    return Drawing(
        canvas,
        "Three panels, x = 0.05, 0.3 and 1: over three loops the variance of the fast weights "
        "climbs from that of the slow weights towards that of SGD, and falls back at each "
        "synchronisation.",
        "after 0 to 5 inner steps\n" + "\n".join(rows),
    )
