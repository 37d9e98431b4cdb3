"""Figures of single loops and rules: the sawtooth, the adaptive step, public code."""

from __future__ import annotations

import textwrap

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt

from replications.core.estimates import mean
from replications.core.figures import WIDTH, Drawing, figure
from replications.core.numbers import number
from replications.papers.lookahead.experiments import (
    adaptive_alpha,
    public_rules,
    sawtooth_digits,
)
from replications.papers.lookahead.look import COLOR, MARKER


@figure(on=sawtooth_digits.sawtooth_digits, name="sawtooth-digits")
def sawtooth(result: xr.Dataset) -> Drawing:
    """Accuracy over a loop, from the slow weights to the fast ones and back."""
    rates = result["lr"].values.tolist()
    canvas, panels = plt.subplots(
        1, len(rates), figsize=(WIDTH, 2.8), sharey=True, layout="constrained"
    )
    inside = sawtooth_digits.change(result).transpose("lr", "step", "seed")
    after = sawtooth_digits.recovered(result)
    k = result.sizes["step"] - 1
    lines = []
    for axes, lr in zip(panels, rates, strict=True):
        samples = [*inside.sel(lr=lr).values, after.sel(lr=lr).values]
        change = [mean(one, "over seeds") for one in samples]
        values = np.array([e.value for e in change])
        half = np.array([e.half_width for e in change])
        axes.plot(range(k + 1), values[:-1], color=COLOR["SGD"])
        axes.plot([k, k + 1], values[k:], color=COLOR["Lookahead"], linestyle=":")
        for name, at, size in (("SGD", range(1, k + 1), 4), ("Lookahead", [0, k + 1], 5)):
            axes.errorbar(
                at,
                values[list(at)],
                yerr=half[list(at)],
                fmt=MARKER[name],
                color=COLOR[name],
                markersize=size,
            )
        mode = result["inner_state"].sel(lr=lr).item()
        axes.set(title=f"lr {lr:g}\n{mode}", xticks=(0, k))
        axes.title.set_fontsize(9)
        axes.tick_params(labelsize=8)
        lines.append(f"lr {lr:g} {mode}: " + " ".join(number(v, 0.1) for v in values))
    panels[0].set_ylabel("test accuracy, change in points")
    panels[len(rates) // 2].set_xlabel("inner step of the loop; diamonds are slow weights")
    return Drawing(
        canvas,
        "Five panels of growing learning rate: change of test accuracy over the five inner steps "
        "of a loop and after the synchronisation. None at lr 0.0125; elsewhere it falls, and the "
        "synchronisation brings it back to slightly above the start.",
        "positions 0 to 5, then synchronised\n" + "\n".join(lines),
    )


@figure(on=adaptive_alpha.adaptive_alpha, name="adaptive-alpha")
def adaptive(result: xr.Dataset) -> Drawing:
    """Training loss, test accuracy and the adaptive alpha over epochs, for two learning rates."""
    rates = result["lr"].values.tolist()
    canvas, grid = plt.subplots(
        3, len(rates), figsize=(WIDTH, 6.6), sharex=True, sharey="row", layout="constrained"
    )
    names = {"adaptive": "adaptive α", "fixed": "α = 0.5", "Adam": "Adam"}
    names["Adam at half the lr"] = "Adam at half the rate"
    lines = []
    for column, lr in zip(grid.T, rates, strict=True):
        for arm, name in names.items():
            last = []
            for axes, curve in zip(column[:2], (result["loss"], result["accuracy"]), strict=True):
                axes.plot(
                    result["epoch"],
                    curve.sel(arm=arm, lr=lr).mean("seed"),
                    color=COLOR[arm],
                    marker=MARKER[arm],
                    markersize=4,
                    markevery=3,
                    label=name,
                )
                last.append(number(adaptive_alpha.final(curve, arm, lr).mean().item(), digits=3))
            lines.append(f"lr {lr:g}, {name}: loss {last[0]}, accuracy {last[1]}")
        loss, accuracy, alpha = column
        alpha.plot(
            result["epoch"], result["alpha"].sel(lr=lr).mean("seed"), color=COLOR["adaptive"]
        )
        alpha.axhline(0.5, color=COLOR["fixed"], linestyle=":")
        alpha.set(xlabel="epoch", ylim=(0, 1.05))
        loss.set(yscale="log", title=f"learning rate {lr:g}")
        accuracy.set(ylim=(80, 100))
    labels = ("training loss, nats", "test accuracy, %", "mean α of the epoch")
    for axes, label in zip(grid[:, 0], labels, strict=True):
        axes.set_ylabel(label)
    grid[1, 0].legend(fontsize=8, loc="lower right")
    return Drawing(
        canvas,
        "Training loss, test accuracy and adaptive alpha over 20 epochs. At Adam's default rate "
        "alpha stays near 1 at first and the adaptive run is the faster; at ten times the rate "
        "alpha falls to about 0.3 and the fixed one ends lower in loss.",
        "\n".join(lines),
    )


@figure(on=public_rules.public_rules, name="public-rules")
def public(result: xr.Dataset) -> Drawing:
    """Distance of each published rule from Algorithm 1, step by step."""
    canvas, panels = plt.subplots(
        2, 3, figsize=(WIDTH, 4.2), sharex=True, sharey=True, layout="constrained"
    )
    rows, wrong = [], []
    for rule in result["rule"].values.tolist():
        largest = public_rules.largest(result, rule).item()
        if largest > 1e-9:
            wrong.append(rule)
            rows.append(f"{rule}: largest {number(largest, digits=2)}")
        else:
            rows.append(f"{rule}: equal")
    for axes, rule in zip(panels.flat, wrong, strict=True):
        distance = result["distance"].sel(rule=rule)
        steps = distance["step"]
        axes.fill_between(steps, distance, step="mid", color=COLOR["Lookahead"], alpha=0.3)
        axes.step(steps, distance, where="mid", color=COLOR["Lookahead"])
        axes.set_title(textwrap.fill(rule, 28), fontsize=8)
        axes.set(ylim=(0, 0.55), xticks=(5, 20, 40))
    for axes in panels[-1]:
        axes.set_xlabel("inner step")
    for axes in panels[:, 0]:
        axes.set_ylabel("distance")
    return Drawing(
        canvas,
        "Six panels, one for each published rule that is not Algorithm 1: its distance from it "
        "over 40 steps, in units of the distance of start and optimum. All begin at a "
        "synchronisation or one step after it; at the highest they are between 0.1 and 0.5.",
        "\n".join(rows),
    )
