"""Figures where the truth is known: slips, convergence, cosine."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt

from replications.core.figures import OKABE_ITO, WIDTH, Drawing, figure
from replications.core.numbers import number, row
from replications.papers.implicit.experiments import algorithms as slipped
from replications.papers.implicit.experiments import cosine as aligned
from replications.papers.implicit.experiments.accuracy import accuracy
from replications.papers.implicit.experiments.algorithms import algorithms
from replications.papers.implicit.experiments.cosine import cosine
from replications.papers.implicit.experiments.descent import descent as promises
from replications.papers.implicit.look import COLOR, MARKER


@figure(on=algorithms)
def slips(result: xr.Dataset) -> Drawing:
    """Error and direction of the transcribed algorithm, one slip at a time."""
    canvas, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.1), sharex=True)
    styles = {
        "correct": (COLOR["Neumann"], "D"),
        "p -= v": (OKABE_ITO["blue"], "o"),
        "no factor": (OKABE_ITO["orange"], "^"),  # on the right it lies over the correct one
        "transposed": (OKABE_ITO["purple"], "s"),
        "no loss in H": (OKABE_ITO["sky"], "v"),
    }
    error, cosines = (slipped.typical(result, name) for name in ("error", "cosine"))
    rows = []
    for variant, (color, marker) in styles.items():
        for axes, variable in ((left, "error"), (right, "cosine")):
            values = result[variable].sel(variant=variant).median("problem")
            hollow = {"ls": "--", "mfc": "none", "ms": 8} if variant == "no factor" else {}
            axes.plot(values.order + 1, values, color=color, marker=marker, label=variant, **hollow)
        far, near = float(error.sel(variant=variant)), float(cosines.sel(variant=variant))
        rows.append(f"{variant}: error {number(far, digits=2)}, cosine {number(near, 0.1)}")
    left.set(xscale="log", yscale="log")
    left.set(xlabel="terms of the series, K + 1", ylabel="relative error (median)")
    right.set(xlabel="terms of the series, K + 1", ylabel="cosine (median)")
    right.axhline(0, color=COLOR["theory"], linewidth=0.8)
    left.legend(loc="lower left")
    return Drawing(
        canvas,
        "Relative error (left) and cosine (right) of the hypergradient against the number of "
        "terms, for the correct algorithm and four of the five slips. Only the correct one "
        "converges; with p -= v the direction turns round, without the factor only the length is "
        "wrong.",
        f"medians of {result.sizes['problem']} problems at K = 20\n" + "\n".join(rows),
    )


@figure(on=accuracy)
def convergence(result: xr.Dataset) -> Drawing:
    """Relative error against the number of products, three problems."""
    canvas, panels = plt.subplots(1, 3, figsize=(WIDTH, 3.4), sharey=True)
    styles = {
        "Neumann 0.5/L": (COLOR["Neumann"], ":", None),
        "Neumann 1/L": (COLOR["Neumann"], "-", MARKER["Neumann"]),
        "Neumann 1.9/L": (OKABE_ITO["orange"], "-", "s"),
        "Neumann 2.1/L": (OKABE_ITO["purple"], "--", "X"),
        "CG": (COLOR["CG"], "-", MARKER["CG"]),
        "unrolled, cold": (COLOR["unrolled"], "-", MARKER["unrolled"]),
    }
    rows = []
    for axes, name in zip(panels, result.problem.values.tolist(), strict=True):
        error = result["error"].sel(problem=name)
        for solver, (color, line, marker) in styles.items():
            values = np.maximum(error.sel(solver=solver), 1e-13)  # below is rounding
            label = solver.replace("/L", " / μmax")
            axes.plot(
                error.order + 1, values, line, color=color, marker=marker, ms=3.5, label=label
            )
        condition = number(float(result["condition"].sel(problem=name)), digits=2)
        axes.set(xscale="log", yscale="log", ylim=(1e-13, 1e3))
        axes.set(title=f"{name}, κ = {condition}", xlabel="K + 1")
        at = {solver: float(error.sel(solver=solver, order=20)) for solver in styles}
        shown = ", ".join(f"{s} {number(e, digits=2)}" for s, e in at.items() if e > 1e-12)
        rows.append(f"{name}: {shown}".replace("/L", " / μmax"))
    panels[0].set(ylabel="relative error")
    handles, labels = panels[0].get_legend_handles_labels()
    canvas.legend(handles, labels, loc="outside lower center", ncols=3)
    return Drawing(
        canvas,
        "Relative error of the hypergradient against K + 1 on ridge regression, logistic "
        "regression and a small network. Neumann series converge for steps below 2 over the "
        "largest eigenvalue, look harmless at first and then explode at 2.1; conjugate gradients "
        "reach rounding error long before the series.",
        "relative error at K = 20 (what is below 1e-12 left out)\n" + "\n".join(rows),
    )


@figure(on=cosine)
def alignment(result: xr.Dataset) -> Drawing:
    """Cosine with the dense hypergradient against products: two models, two stages."""
    canvas, panels = plt.subplots(1, 4, figsize=(WIDTH, 2.9), sharey=True)
    config = cosine.quick
    rows = []
    names = {"early": f"{config.early} steps", "late": f"{config.late} steps"}
    quartiles = aligned.typical(result)
    places = [(m, s) for m in result.model.values.tolist() for s in result.stage.values.tolist()]
    for axes, (model, stage) in zip(panels, places, strict=True):
        for solver in result.solver.values.tolist():
            found = quartiles.sel(model=model, stage=stage, solver=solver)
            low, mid, high = (found.sel(quantile=q) for q in (0.25, 0.5, 0.75))
            axes.fill_between(mid.order + 1, low, high, color=COLOR[solver], alpha=0.2, lw=0)
            axes.plot(mid.order + 1, mid, color=COLOR[solver], marker=MARKER[solver], ms=3.5)
            shown = row(mid.sel(order=[1, 5]).values, digits=2)
            rows.append(f"{model}, {names[stage]}, {solver}: {shown}")
        indefinite = float((result["lowest"].sel(model=model, stage=stage) < 0).mean())
        axes.set(xscale="log", title=f"{model}\n{names[stage]}", xlabel="K + 1")
        axes.annotate(
            f"indefinite in {indefinite:.0%}", (0.05, 0.03), xycoords="axes fraction", fontsize=9
        )
    panels[0].set(ylabel="cosine with the truth", ylim=(-0.1, 1.05))
    panels[0].annotate("CG", (2.2, 0.95), color=COLOR["CG"], ha="right")
    panels[0].annotate("Neumann", (6, 0.76), color=COLOR["Neumann"])
    return Drawing(
        canvas,
        "Cosine between approximate and exact hypergradient against K + 1, Neumann series (K "
        "products, not counting the estimate of the largest eigenvalue) and conjugate gradients "
        "(K + 1), for a linear model and a network, early and late in training; median and "
        "quartiles over splits. Conjugate gradients lead for the linear model; for the network, "
        "whose Hessian is indefinite in almost every split, neither comes near one.",
        "median cosine at K = 1 and K = 5\n" + "\n".join(rows),
    )


@figure(on=promises)
def descent(result: xr.Dataset) -> Drawing:
    """Change of the validation loss after retraining against the change promised."""
    canvas, panels = plt.subplots(1, 3, figsize=(WIDTH, 3.5))
    styles = {
        "the post's code": ("the post's code", OKABE_ITO["purple"], "X"),
        "K = 0": ("K = 0", OKABE_ITO["orange"], "^"),
        "K = 5": ("K = 5", OKABE_ITO["sky"], "s"),
        "K = 20": ("K = 20", COLOR["Neumann"], "D"),
        "exact": ("exact", COLOR["CG"], "o"),
    }
    places = (("logistic", -3.0), ("logistic", -6.0), ("network", -3.0))
    rows = []
    for axes, (problem, start) in zip(panels, places, strict=True):
        found = 1e3 * result.sel(problem=problem, start=start)[["promised", "found"]]
        for arm, (label, color, marker) in styles.items():
            at = found.sel(arm=arm)
            hollow = {"mfc": "none", "mew": 1.2} if arm == "exact" else {"mew": 0}
            axes.plot(at["promised"], at["found"], marker, ms=5, color=color, label=label, **hollow)
            fell = int((at["found"] < 0).sum())
            rows.append(f"{problem}, from e^{number(start)}, {label}: falls in {fell}")
        low = float(found["promised"].min())
        axes.plot([low, 0], [low, 0], color=COLOR["theory"], linewidth=1, zorder=0)
        axes.axhline(0, color=plt.rcParams["text.color"], linewidth=0.8, zorder=0)
        model = {"logistic": "logistic regression", "network": "network"}[problem]
        axes.set(title=f"{model}\ndecays from e$^{{{number(start)}}}$", xlabel="promised, 10⁻³")
    panels[0].set(ylabel="found after retraining, 10⁻³")
    canvas.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
    return Drawing(
        canvas,
        "Change of the validation loss after a step on the decays and retraining, against what the "
        "update promised; points on the grey diagonal kept their promise, points above the line at "
        "zero went up. The exact hypergradient lies on the diagonal, but for some draws of the "
        "network; 20 terms do on the left, and below it in the middle; with no terms most points "
        "lie far below it, since too little is promised, and a few go up; the post's code goes up "
        "in most draws of two of the three panels.",
        f"of {result.sizes['draw']} draws\n" + "\n".join(rows),
    )
