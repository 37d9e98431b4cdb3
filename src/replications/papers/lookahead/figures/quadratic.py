"""Figures of the experiments on quadratics."""

from __future__ import annotations

import numpy as np
from matplotlib import pyplot as plt

from replications.core.figures import COLOR, MARKER, WIDTH, Drawing
from replications.papers.lookahead.experiments import VARIANCE, variance


def variance_ratio(result: variance.Result) -> Drawing:
    """One panel for each k: V_LA / V_SGD over x, theory as lines, chains as points."""
    figure, panels = plt.subplots(
        1, len(result.k), figsize=(WIDTH, 2.7), sharey=True, layout="constrained"
    )
    dense = np.linspace(0.005, 1.995, 400)
    error = 1.96 * np.sqrt(2 / result.chains)
    for j, (axes, k) in enumerate(zip(panels, result.k, strict=True)):
        q = (1 - dense) ** k
        for i, alpha in enumerate(result.alpha):
            axes.plot(dense, alpha * (1 + q) / (2 - alpha * (1 - q)), color=COLOR["theory"])
            ratio = result.measured[i, j] / result.sgd
            axes.errorbar(
                result.x,
                ratio,
                yerr=error * ratio,
                fmt=MARKER["Lookahead"],
                color=COLOR["Lookahead"],
                markersize=3.5,
            )
            axes.annotate(
                f"α = {alpha:g}", (0.02, alpha), (3, 3), textcoords="offset points", fontsize=8
            )
        axes.set(title=f"k = {k}", xlabel="x = γ a", ylim=(0, 1), xlim=(0, 2), xticks=(0, 1, 2))
    panels[0].set_ylabel("variance, Lookahead / SGD")
    k5 = int(np.flatnonzero(result.k == 5)[0])
    summary = "\n".join(
        f"alpha={a:g}, k=5: " + " ".join(f"{v:.2f}" for v in result.theory[i, k5] / result.sgd)
        for i, a in enumerate(result.alpha)
    )
    return Drawing(
        figure,
        "Four panels, k = 1, 2, 5, 20: stationary variance of Lookahead over that of SGD against "
        "learning rate times curvature. Simulated points lie on the predicted curves, all below 1.",
        "theory at x = " + " ".join(f"{x:g}" for x in result.x) + "\n" + summary,
    )


FIGURES = {
    "variance-ratio": (variance_ratio, VARIANCE, "quick"),
}
