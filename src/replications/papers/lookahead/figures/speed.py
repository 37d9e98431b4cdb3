"""Figures about speed: equal risk, decay and averaging, momentum, the slow step."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt

from replications.core.figures import WIDTH, Drawing, figure
from replications.core.numbers import number, row
from replications.papers.lookahead.experiments import controls, momentum
from replications.papers.lookahead.look import COLOR, MARKER


def _look(arm: str) -> str:
    if arm.startswith("Lookahead"):
        return "Lookahead"
    return "SGD, linear decay" if "decay" in arm else arm


@figure(on=controls.controls, name="verdict")
def best_losses(result: xr.Dataset) -> Drawing:
    """The verdict: each method's lowest loss after the same number of steps."""
    best = result["loss"]
    order = best["arm"].values[np.argsort(-best.values)].tolist()
    canvas, axes = plt.subplots(figsize=(WIDTH, 3.2))
    labels, rows = [], []
    for height, arm in enumerate(order):
        loss, label = best.sel(arm=arm).item(), arm
        if arm.startswith("Lookahead"):
            label += f", α = {number(controls.best_alpha(result, arm))}"
        if not arm.endswith(("decay", "averaged")):
            label += ", constant"
        labels.append(label)
        rows.append(f"{label}: {number(loss, digits=3)}")
        colour = COLOR[_look(arm)]
        axes.plot([0, loss], [height, height], color=colour, linewidth=1)
        axes.plot(loss, height, MARKER[_look(arm)], color=colour, markersize=6)
        text = number(loss, digits=3)
        axes.annotate(text, (loss, height), (8, -3.5), textcoords="offset points", fontsize=9)
    axes.set_yticks(range(len(order)), labels)
    axes.grid(False, axis="y")
    axes.set(xlim=(0, 0.165), xlabel="expected loss after 1000 steps, best over all settings")
    return Drawing(
        canvas,
        f"Lowest expected loss after 1000 steps for {len(order)} methods. With a constant learning "
        "rate Lookahead lies a little below SGD; decay and averaging reach half to two thirds of "
        "either. Lookahead inside the linear decay hardly differs from the decay.",
        "\n".join(rows),
    )


@figure(on=controls.sensitivity, name="sensitivity")
def variations(result: xr.Dataset) -> Drawing:
    """Each method's lowest loss over that of SGD, on problems of other sizes and noises."""
    ratio = controls.of_sgd(result)
    ratio = ratio.isel(variation=np.argsort(-ratio.sel(arm="Lookahead").values))
    canvas, axes = plt.subplots(figsize=(WIDTH, 3.4), layout="constrained")
    place = np.arange(ratio.sizes["variation"])
    rows = []
    for arm, label in (
        ("α = 0.5", "Lookahead, k = 5, α = 0.5"),
        ("Lookahead", "Lookahead, best k and α"),
        ("SGD, linear decay", "SGD, linear decay"),
        ("SGD, averaged", "SGD, averaged"),
    ):
        values = ratio.sel(arm=arm)
        axes.plot(place, values, MARKER[arm], color=COLOR[arm], markersize=5, label=label)
        rows.append(f"{label}: {row(values.values, digits=2)}")
    axes.axhline(1, color=COLOR["SGD"])
    axes.annotate("SGD", (place[-1] + 0.6, 1), (0, 3), textcoords="offset points",
                  ha="right", color=COLOR["SGD"])  # fmt: skip
    axes.set(
        yscale="log",
        xlabel="24 variations of spectrum, size, length and noise, by Lookahead's gain",
        ylabel="lowest loss / that of SGD",
        xticks=[],
    )
    ticks = (0.2, 0.4, 0.6, 0.8, 1)
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    canvas.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return Drawing(
        canvas,
        "Lowest loss of each method over that of constant SGD on 24 problems. Lookahead with alpha "
        "0.5 lies on the line of SGD or just below, with the best k and alpha a little lower; "
        "decay and averaging lie below it everywhere, mostly far below.",
        "\n".join(rows),
    )


@figure(on=momentum.momentum, name="momentum")
def momentum_speed(result: xr.Dataset) -> Drawing:
    """Figure 4 twice: with the two extreme eigenvalues, and with the range filled."""
    canvas, panels = plt.subplots(2, 2, figsize=(WIDTH, 4.6), sharex=True, sharey="row")
    lines = {"momentum": "-", "maintain": "-", "reset": "--", "pullback": ":"}
    rows = []
    condition = 10 ** result["decades"]
    for b, beta in enumerate(result["beta"].values.tolist()):
        for axes, count in zip(panels[b], (2, 0), strict=True):
            for arm in result["arm"].values.tolist():
                speed = result["speed"].sel(beta=beta, arm=arm, eigenvalues=count)
                alone = arm == "momentum"
                axes.plot(
                    condition,
                    speed,
                    color=COLOR["SGD" if alone else "Lookahead"],
                    linestyle=lines[arm],
                    marker=MARKER["SGD"] if alone else "",
                    label="momentum" if alone else f"Lookahead, {arm}",
                )
                rows.append(
                    f"beta {beta:g}, {count or 'all'} eigenvalues, {arm}: {row(speed.values)}"
                )
            title = "two eigenvalues" if count else "range filled"
            axes.set(xscale="log", yscale="log", ylim=(2e-4, 0.3), title=f"β = {beta:g}, {title}")
        panels[b, 0].set_ylabel("1 − rate per step")
    for axes in panels[1]:
        axes.set_xlabel("condition number")
    panels[0, 0].legend(loc="lower left", fontsize=8)
    return Drawing(
        canvas,
        "Four panels: speed against condition number for momentum 0.9 and 0.99, with two "
        "eigenvalues and with the range filled. Lookahead's gain in the under-damped regime "
        "shrinks or turns into a loss once the range is filled.",
        "\n".join(rows),
    )


@figure(on=momentum.momentum)
def momentum_profile(result: xr.Dataset) -> Drawing:
    """Rate of a single eigenvalue: flat for momentum, with teeth for Lookahead."""
    canvas, panels = plt.subplots(1, 2, figsize=(WIDTH, 2.7), sharey=True)
    rows = []
    for axes, beta in zip(panels, result["beta"].values.tolist(), strict=True):
        slowest = {}
        for arm, name, label in (
            ("momentum", "SGD", "momentum"),
            ("maintain", "Lookahead", "Lookahead, maintain"),
        ):
            speed = 1 - result["profile"].sel(beta=beta, arm=arm)
            seen = speed.sel(x=slice(1e-3, 3.8))
            axes.plot(seen["x"], seen, color=COLOR[name], label=label)
            check = 1 - result["measured"].sel(beta=beta, arm=arm)[::2]
            axes.plot(check["check_x"], check, MARKER[name], color=COLOR[name], markersize=3)
            slowest[name] = number(speed.sel(x=slice(0.01, 3.5)).min().item(), digits=3)
        rows.append(
            f"beta {beta:g}, 0.01 < x < 3.5: momentum {slowest['SGD']}, "
            f"Lookahead {slowest['Lookahead']} at its slowest"
        )
        axes.set(xscale="log", yscale="log", ylim=(4e-4, 1), title=f"β = {beta:g}", xlabel="x = γa")
    panels[0].set_ylabel("1 − rate per step")
    panels[0].legend(loc="upper left", fontsize=8)
    return Drawing(
        canvas,
        "Speed of a single eigenvalue against learning rate times eigenvalue. Momentum alone is a "
        "plateau; Lookahead's curve has deep notches, where k steps turn the state full circle.",
        "\n".join(rows),
    )
