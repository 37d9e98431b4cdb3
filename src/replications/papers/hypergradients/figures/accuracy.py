"""Figures of one hypergradient: error against price."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from replications.core.figures import WIDTH, Drawing, figure
from replications.core.numbers import number
from replications.papers.hypergradients.experiments import digits as on_digits
from replications.papers.hypergradients.experiments import ridge as on_ridge
from replications.papers.hypergradients.experiments.digits import digits
from replications.papers.hypergradients.experiments.dimension import dimension
from replications.papers.hypergradients.experiments.dimension import slope as slope_of
from replications.papers.hypergradients.experiments.ridge import ridge
from replications.papers.hypergradients.look import COLOR, MARKER

FLOOR = 1e-16
"""Errors below this are drawn there."""
NOISY = ("UORO", "full ES", "PES", "NRES", "truncated ES")


@figure(on=ridge)
def frontier(result: xr.Dataset) -> Drawing:
    """Mean squared error against price, unfinished and finished training."""
    canvas, axes = plt.subplots(1, 2, figsize=(WIDTH, 4.4), sharey=True)
    lines = []
    for ax, horizon in zip(axes, result["horizon"].values.tolist(), strict=True):
        at = result.sel(horizon=horizon, part="all").median("draw")
        at = at.assign(mse=on_ridge.mse(result).sel(horizon=horizon, part="all").median("draw"))
        best = _scatter(ax, at)
        ax.set(xscale="log", yscale="log", xlabel="price (gradients beyond the run)")
        ax.set_title(f"T = {horizon}: {'unfinished' if horizon < 100 else 'finished'}")
        ax.set_ylim(FLOOR / 4, 1e4)
        lines.append(f"T = {horizon}, best for its price: {best}")
    axes[0].set_ylabel("relative mean squared error")
    canvas.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return Drawing(
        canvas,
        "Two panels of mean squared error against price. Where training is unfinished reverse mode "
        "is the cheapest exact way and the implicit theorem stays at a large error; where it is "
        "finished, conjugate gradients reach small errors at the lowest price.",
        "\n".join(lines),
    )


def _scatter(ax: Axes, at: xr.Dataset) -> str:
    """All settings of all ways, the frontier as a staircase; returns the frontier in words."""
    for way in dict.fromkeys(at["way"].values.tolist()):
        own = at.isel(setting=(at["way"] == way).values)
        x, y = own["cost"].values, own["mse"].values.clip(FLOOR)
        line = "none" if way in NOISY or way == "differences" else "-"
        ax.plot(x, y, color=COLOR[way], marker=MARKER[way], ls=line, lw=1, ms=5.5, label=way)
        if way in NOISY:  # repeated: the variance falls, the bias stays
            times = np.logspace(0, 3, 20)
            for i in range(len(x)):
                bias2 = max(float(own["bias2"][i]), 0.0)
                if bias2 > y[i] / 2:
                    continue
                ax.plot(x[i] * times, bias2 + y[i] / times, color=COLOR[way], lw=0.7, ls=":")
    twice = (at["way"] == "last steps") & (at["cost"] == at["cost"].sel(setting="reverse mode"))
    at = at.isel(setting=~twice.values)  # all steps are the last ones: that is reverse mode
    order = np.lexsort((at["mse"].values, at["cost"].values))
    best, steps, names = np.inf, [], []
    for i in order:
        value = max(float(at["mse"][i]), FLOOR)
        if value < best / 1.5 and best > FLOOR:
            best = value
            steps.append((float(at["cost"][i]), value))
            error = number(float(np.sqrt(value)), digits=1)
            names.append(f"{at['setting'].values[i]} ({error})")
    x, y = (np.array(z) for z in zip(*steps, strict=True))
    ax.step(x, y, where="post", color="0.5", lw=4, alpha=0.3, zorder=0)
    last = names[-1].split(" (")[0].replace(" ", "\n", 1)
    ax.annotate(last, (x[-1], y[-1]), (7, 16), textcoords="offset points", fontsize="small")
    return ", ".join(names)


@figure(on=digits)
def solvers(result: xr.Dataset) -> Drawing:
    """Relative error against price on the digits network at its minimum."""
    canvas, ax = plt.subplots(figsize=(WIDTH, 4.2))
    at = result.median("split").assign(mse=on_digits.mse(result).median("split"))
    for way in dict.fromkeys(at["way"].values.tolist()):
        name = way.removesuffix(", warm")
        own = at.isel(setting=(at["way"] == way).values)
        error = np.sqrt(own["mse"].clip(min=1e-22))
        ax.plot(
            own["cost"],
            error,
            color=COLOR[name],
            marker=MARKER[name],
            mfc="none" if way != name else None,
            ls="none" if way in NOISY else "-",
            lw=1,
            label=way if way == name else "differences, 64 steps each",
        )
    ax.set(xscale="log", yscale="log", xlabel="price (gradients beyond the run)")
    ax.set_ylabel("relative error (root mean square)")
    canvas.legend(loc="outside lower center", ncols=4)
    lines = [
        f"{way}, products until 1 %: "
        f"{number(float(on_digits.products_needed(result, way, 0.01).median()), digits=2)}"
        for way in ("implicit, CG", "implicit, Neumann")
    ]
    return Drawing(
        canvas,
        "Error against price on the digits: conjugate gradients fall steeply, the Neumann series "
        "and the last steps of training, which are the same, slowly; evolution strategies stay "
        "above an error of one.",
        "\n".join(lines),
    )


@figure(on=dimension)
def many_or_few(result: xr.Dataset) -> Drawing:
    """The price of a relative error of 10 % against the number of hyperparameters."""
    canvas, ax = plt.subplots(figsize=(WIDTH, 3.4))
    lines = []
    for arm in result["arm"].values.tolist():
        price = result["price"].sel(arm=arm).median("draw")
        ax.plot(price["dim"], price, color=COLOR[arm], marker=MARKER[arm], label=arm)
        power = number(round(float(slope_of(result, arm).mean()), 9) + 0.0, digits=2)
        lines.append(f"{arm}: grows with P to the {power}")
    ax.set(xscale="log", yscale="log", xlabel="hyperparameters P (and weights)")
    ax.set_ylabel("price of 10 % (gradients)")
    canvas.legend(loc="outside right upper")
    return Drawing(
        canvas,
        "The price of one hypergradient against the number of hyperparameters: flat for conjugate "
        "gradients and reverse mode, growing for forward mode, differences, UORO and evolution "
        "strategies.",
        "\n".join(lines),
    )
