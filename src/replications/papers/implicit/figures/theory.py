"""Figures where the truth is known: slips, convergence, cosine."""

from __future__ import annotations

import numpy as np
from matplotlib import pyplot as plt

from replications.core.figures import COLOR, MARKER, OKABE_ITO, WIDTH, Drawing
from replications.papers.implicit.experiments import (
    ACCURACY,
    ALGORITHMS,
    COSINE,
    accuracy,
    algorithms,
    cosine,
)


def slips(result: algorithms.Result) -> Drawing:
    """Error and direction of the transcribed algorithm, one slip at a time."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.1), sharex=True)
    terms = np.array(ALGORITHMS.quick.terms)
    styles = {
        "correct": (COLOR["Neumann"], "D"),
        "p -= v": (OKABE_ITO["blue"], "o"),
        "no factor": (OKABE_ITO["orange"], "^"),  # on the right it lies over the correct one
        "transposed": (OKABE_ITO["purple"], "s"),
        "no loss in H": (OKABE_ITO["sky"], "v"),
    }
    rows = []
    for i, variant in enumerate(algorithms.VARIANTS):
        color, marker = styles[variant]
        error, cos = np.median(result.error[i], axis=1), np.median(result.cosine[i], axis=1)
        for axes, values in ((left, error), (right, cos)):
            hollow = {"ls": "--", "mfc": "none", "ms": 8} if variant == "no factor" else {}
            axes.plot(terms + 1, values, color=color, marker=marker, label=variant, **hollow)
        rows.append(f"{variant}: error {error[5]:.2g}, cosine {cos[5]:.2f}")
    left.set(xscale="log", yscale="log")
    left.set(xlabel="terms of the series, K + 1", ylabel="relative error (median)")
    right.set(xlabel="terms of the series, K + 1", ylabel="cosine (median)")
    right.axhline(0, color=COLOR["theory"], linewidth=0.8)
    left.legend(loc="lower left")
    return Drawing(
        figure,
        "Relative error (left) and cosine (right) of the hypergradient against the number of "
        "terms, for the correct algorithm and four of the five slips. Only the correct one "
        "converges; with p -= v the direction turns round, without the factor only the length is "
        "wrong.",
        f"medians of {result.error.shape[2]} problems at K = 20\n" + "\n".join(rows),
    )


def convergence(result: accuracy.Result) -> Drawing:
    """Relative error against the number of products, three problems."""
    figure, panels = plt.subplots(1, 3, figsize=(WIDTH, 3.4), sharey=True)
    products = np.array(ACCURACY.quick.terms) + 1
    styles = {
        "Neumann 0.5/L": (COLOR["Neumann"], ":", None),
        "Neumann 1/L": (COLOR["Neumann"], "-", MARKER["Neumann"]),
        "Neumann 1.9/L": (OKABE_ITO["orange"], "-", "s"),
        "Neumann 2.1/L": (OKABE_ITO["purple"], "--", "X"),
        "CG": (COLOR["CG"], "-", MARKER["CG"]),
        "unrolled, cold": (COLOR["unrolled"], "-", MARKER["unrolled"]),
    }
    rows = []
    for i, (axes, name) in enumerate(zip(panels, accuracy.PROBLEMS, strict=True)):
        for method, (color, line, marker) in styles.items():
            j = accuracy.METHODS.index(method)
            error = np.maximum(result.error[i, j], 1e-13)  # below is rounding
            label = method.replace("/L", " / μmax")
            axes.plot(products, error, line, color=color, marker=marker, ms=3.5, label=label)
        axes.set(xscale="log", yscale="log", ylim=(1e-13, 1e3))
        axes.set(title=f"{name}, κ = {result.condition[i]:.3g}", xlabel="K + 1")
        at = {m: result.error[i, accuracy.METHODS.index(m), 5] for m in styles}
        shown = ", ".join(f"{m} {e:.1e}" for m, e in at.items() if e > 1e-12)
        rows.append(f"{name}: {shown}".replace("/L", " / μmax"))
    panels[0].set(ylabel="relative error")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return Drawing(
        figure,
        "Relative error of the hypergradient against K + 1 on ridge regression, logistic "
        "regression and a small network. Neumann series converge for steps below 2 over the "
        "largest eigenvalue, look harmless at first and then explode at 2.1; conjugate gradients "
        "reach rounding error long before the series.",
        "relative error at K = 20 (what is below 1e-12 left out)\n" + "\n".join(rows),
    )


def alignment(result: cosine.Result) -> Drawing:
    """Cosine with the dense hypergradient against products: two models, two stages."""
    figure, panels = plt.subplots(1, 4, figsize=(WIDTH, 2.9), sharey=True)
    products = np.array(COSINE.quick.terms) + 1
    rows = []
    names = {"early": f"{COSINE.quick.early} steps", "late": f"{COSINE.quick.late} steps"}
    for m, model in enumerate(cosine.MODELS):
        for s, stage in enumerate(cosine.STAGES):
            axes = panels[2 * m + s]
            for k, solver in enumerate(cosine.SOLVERS):
                values = result.cosine[m, s, k]
                low, mid, high = np.quantile(values, [0.25, 0.5, 0.75], axis=1)
                axes.fill_between(products, low, high, color=COLOR[solver], alpha=0.2, lw=0)
                axes.plot(products, mid, color=COLOR[solver], marker=MARKER[solver], ms=3.5)
                rows.append(f"{model}, {names[stage]}, {solver}: {mid[1]:.2f} {mid[4]:.2f}")
            indefinite = (result.lowest[m, s] < 0).mean()
            axes.set(xscale="log", title=f"{model}\n{names[stage]}", xlabel="K + 1")
            axes.annotate(
                f"indefinite in {indefinite:.0%}",
                (0.05, 0.03),
                xycoords="axes fraction",
                fontsize=8,
            )
    panels[0].set(ylabel="cosine with the truth", ylim=(-0.1, 1.05))
    panels[0].annotate("CG", (2.2, 0.95), color=COLOR["CG"], ha="right")
    panels[0].annotate("Neumann", (6, 0.76), color=COLOR["Neumann"])
    return Drawing(
        figure,
        "Cosine between approximate and exact hypergradient against K + 1, Neumann series (K "
        "products, not counting the estimate of the largest eigenvalue) and conjugate gradients "
        "(K + 1), for a linear model and a network, early and late in training; median and "
        "quartiles over splits. Conjugate gradients lead for the linear model; for the network, "
        "whose Hessian is indefinite in almost every split, neither comes near one.",
        "median cosine at K = 1 and K = 5\n" + "\n".join(rows),
    )


FIGURES = {
    "slips": (slips, ALGORITHMS, "quick"),
    "convergence": (convergence, ACCURACY, "quick"),
    "alignment": (alignment, COSINE, "quick"),
}
