"""Figures of the chaotic toy, and of tuning."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt

from replications.core.figures import WIDTH, Drawing, figure, strip
from replications.core.numbers import number
from replications.papers.hypergradients.experiments.box import box as in_box
from replications.papers.hypergradients.experiments.box import left_by
from replications.papers.hypergradients.experiments.chaos import chaos as on_line
from replications.papers.hypergradients.experiments.chaos import mse
from replications.papers.hypergradients.experiments.tuning import (
    SEARCHES,
    best_rate,
    final,
    ridge_tuning,
    toy_tuning,
)
from replications.papers.hypergradients.look import COLOR, MARKER

SHOWN = {
    "reverse mode": "reverse mode",
    "UORO": "UORO",
    "differences 0.3": "differences",
    "truncated BPTT 10": "truncated BPTT",
    "truncated ES 10": "truncated ES",
    "full ES 0.3": "full ES",
    "PES 10": "PES",
    "NRES 10": "NRES",
}


@figure(on=on_line)
def chaos(result: xr.Dataset) -> Drawing:
    """Error by place on the line, and bias and variance of full ES by sigma."""
    canvas, (left, right) = plt.subplots(
        1, 2, figsize=(WIDTH, 3.6), gridspec_kw={"width_ratios": [3, 2]}
    )
    lines = []
    for setting, way in SHOWN.items():
        value = mse(result).sel(setting=setting).clip(min=1e-4)
        left.plot(value["place"], value, color=COLOR[way], marker=MARKER[way], label=setting)
    for place in result["place"].values.tolist():
        size = float(np.log10(result["explosion"].sel(place=place)))
        es = float(mse(result).sel(setting="full ES 0.3", place=place))
        lines.append(
            f"place {number(place)}: exact derivative 1e{round(size)} times the smoothed slope, "
            f"squared error of full ES {number(es, digits=1)}"
        )
    left.set(yscale="log", xlabel="place: calm start to best point", ylim=(5e-5, 1e8))
    left.set_ylabel("relative mean squared error")
    left.set_title("against the slope smoothed at 0.3")
    own = result.sel(place=0.75).isel(setting=(result["way"] == "full ES").values)
    for name, style in (("bias2", "-"), ("variance", "--")):
        right.plot(
            own["knob"],
            own[name].clip(min=1e-4),
            ls=style,
            color=COLOR["full ES"],
            marker=MARKER["full ES"],
            label={"bias2": "bias squared", "variance": "variance"}[name],
        )
    right.set(xscale="log", yscale="log", xlabel="sigma of full ES")
    right.set_title("place 0.75, 50 pairs")
    right.legend()
    canvas.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return Drawing(
        canvas,
        "Left, errors along the line from calm to chaos: exact derivatives become useless by many "
        "orders of magnitude, smoothing strategies do not. Right, bias and variance of full ES by "
        "sigma.",
        "\n".join(lines),
    )


@figure(on=(ridge_tuning, toy_tuning))
def tuning(ridge: xr.Dataset, toy: xr.Dataset) -> Drawing:
    """Final losses of all ways at equal compute."""
    canvas, axes = plt.subplots(1, 2, figsize=(WIDTH, 3.8))
    lines = []
    titles = ("ridge, 16 hyperparameters", "toy, 2 hyperparameters")
    for ax, result, title in zip(axes, (ridge, toy), titles, strict=True):
        arms = result["arm"].values.tolist()
        ends = {arm: final(result, arm) for arm in arms}
        ends = dict(sorted(ends.items(), key=lambda item: -float(item[1].mean())))
        # ridge problems differ: against the start
        start = result["start"] if title.startswith("ridge") else 1.0
        rows = {arm: (values / start).values for arm, values in ends.items()}
        strip(ax, rows, COLOR, MARKER)
        for arm, values in rows.items():
            rate = "" if arm in SEARCHES else f" (rate {number(best_rate(result, arm))})"
            lines.append(f"{title}: {arm} {number(values.mean(), digits=3)}{rate}")
        ax.set(xscale="log", title=title)
    axes[0].set_xlabel("final loss / loss at the start")
    axes[1].set_xlabel("final loss")
    return Drawing(
        canvas,
        "Final losses of every way at equal compute, sorted, for the ridge run and for the chaotic "
        "toy; small marks are single problems or seeds, bars their means.",
        "\n".join(lines),
    )


@figure(on=in_box)
def box(result: xr.Dataset) -> Drawing:
    """What searches in a box and a slope leave, by number of hyperparameters."""
    canvas, ax = plt.subplots(figsize=(WIDTH, 3.2))
    lines = []
    for arm in result["arm"].values.tolist():
        dims = result["dim"].values.tolist()
        each = [left_by(result, arm, dim).values for dim in dims]
        mean = np.array([values.mean() for values in each])
        for dim, values in zip(dims, each, strict=True):
            ax.plot(np.full(len(values), dim), values, MARKER[arm], color=COLOR[arm], ms=3)
        ax.plot(dims, mean, MARKER[arm], ls="-", color=COLOR[arm], ms=7, label=arm)
        shares = ", ".join(number(100 * x, digits=2) for x in mean)
        lines.append(f"{arm}, percent left with {dims} hyperparameters: {shares}")
    ax.set(xlabel="hyperparameters", ylabel="share of excess loss left")
    ax.set_yscale("symlog", linthresh=1e-4)
    canvas.legend(loc="outside lower center", ncols=3)
    return Drawing(
        canvas,
        "Share of the excess loss that is left after the compute of 80 training runs, against the "
        "number of hyperparameters, for random search, a Gaussian process and reverse mode.",
        "\n".join(lines),
    )
