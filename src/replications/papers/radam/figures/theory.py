"""Figures of the theory: the variance of psi, its divergence, the proof, and the rectification."""

from __future__ import annotations

import math

import numpy as np
from matplotlib import pyplot as plt

from replications.core.figures import COLOR, OKABE_ITO, WIDTH, Drawing
from replications.papers.radam.experiments import (
    DIVERGENCE,
    PROOF,
    SCHEDULE,
    SIMULATION,
    VARIANCE,
    divergence,
    proof,
    schedule,
    simulation,
    variance,
)

EXACT, FIRST, SAMPLE = COLOR["theory"], OKABE_ITO["vermillion"], OKABE_ITO["blue"]


def _numbers(values: np.ndarray, digits: int = 3) -> str:
    return " ".join(f"{v:.{digits}g}" for v in values)


def variance_figure(result: variance.Result) -> Drawing:
    """Variance of psi; first order over exact; variance of ln psi."""
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(WIDTH, 3.0))
    rho, n = result.rho, result.sampled.shape[1]
    half = 2.02 * result.sampled.std(axis=1, ddof=1) / math.sqrt(n)  # Student's t of 40 batches
    safe = rho > 4
    left.plot(rho[rho > 2], result.exact[rho > 2], color=EXACT)
    left.plot(rho[safe], result.first_order[safe], color=FIRST, linestyle="--")
    left.errorbar(
        rho[safe], result.sampled.mean(axis=1)[safe], half[safe], fmt="o", color=SAMPLE, ms=3
    )
    heavy = (rho > 2) & ~safe
    left.plot(rho[heavy], result.sampled.mean(axis=1)[heavy], "o", mfc="none", color=SAMPLE, ms=4)
    left.annotate("first order (5)", (6, 0.8), color=FIRST, fontsize=8)
    left.annotate("exact (2)", (60, 0.02), color=EXACT, fontsize=8)
    left.annotate("sampled; hollow:\nno interval exists", (7, 3), color=SAMPLE, fontsize=8)
    left.set(title="Var[ψ], σ = 1", xscale="log", yscale="log", xlabel="ρ", xlim=(1.8, 2300))

    ratio = result.first_order[safe] / result.exact[safe]
    middle.plot(rho[safe], ratio, color=FIRST, linestyle="--")
    middle.axhline(1, color=EXACT)
    middle.errorbar(
        rho[safe],
        result.sampled.mean(axis=1)[safe] / result.exact[safe],
        half[safe] / result.exact[safe],
        fmt="o",
        color=SAMPLE,
        ms=3,
    )
    middle.set(title="Var[ψ] over exact", xscale="log", yscale="log", xlabel="ρ", ylim=(0.9, 4))
    middle.set_yticks([1, 2, 3, 4], ["1", "2", "3", "4"])
    middle.minorticks_off()
    at_5 = float(ratio[rho[safe] == 5].item())
    middle.annotate(f"{at_5:.2f} at ρ = 5", (5, at_5), (8, -3), textcoords="offset points")

    logs = result.log_sampled / result.log_exact[:, None]
    right.axhline(1, color=EXACT)
    right.errorbar(
        rho,
        logs.mean(axis=1),
        2.02 * logs.std(axis=1, ddof=1) / math.sqrt(n),
        fmt="o",
        color=SAMPLE,
        ms=3,
    )
    right.set(title="Var[ln ψ], sampled / exact", xscale="log", xlabel="ρ", ylim=(0.94, 1.06))
    right.annotate("from 7 on neighbours\nshare their draws", (1, 0.945), fontsize=8)
    chosen = np.isin(rho, (3, 5, 10, 100, 500, 1999))
    return Drawing(
        figure,
        "Three panels over rho up to 2000, logarithmic; the third starts at 1. The exact variance "
        "of psi falls and samples lie on it; the first-order formula lies above, 3.3 times at rho "
        "= 5, and joins it beyond 100. The variance of ln psi agrees with its formula at every "
        "rho, also at 1 and 2; from 7 on neighbouring points share their draws and err together.",
        f"rho {_numbers(rho[chosen])}\nexact {_numbers(result.exact[chosen])}\n"
        f"first order {_numbers(result.first_order[chosen])}",
    )


def divergence_figure(result: divergence.Result) -> Drawing:
    """Truncated mean and second moment of 1/|Z| against the cut; the effect of eps."""
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(WIDTH, 2.9))
    inverse = 1 / result.cut
    left.plot(inverse, result.mean_exact, color=EXACT)
    left.plot(inverse, result.mean, ".", color=SAMPLE)
    left.set(title="mean: a logarithm", xscale="log", xlabel="1 / d")
    middle.plot(inverse, result.second_exact, color=EXACT)
    middle.plot(inverse, result.second, ".", color=SAMPLE)
    middle.set(title="second moment: a power", xscale="log", yscale="log", xlabel="1 / d")
    right.plot(result.eps, result.eps_variance, "o-", color=SAMPLE)
    right.plot(result.eps, result.eps_uniform, "s--", color=FIRST)
    right.set(title="Var[1/(|Z| + ε)], σ = 1", xscale="log", yscale="log", xlabel="ε / σ")
    right.annotate("paper: 1/(12ε²)", (3e-6, 1e11), color=FIRST, fontsize=8)
    right.annotate("exact", (1.5e-8, 2e4), color=SAMPLE, fontsize=8)
    decades = slice(None, None, 4)
    return Drawing(
        figure,
        "Three panels. The mean of 1/|Z| cut at d rises by a fixed amount a decade of 1/d; its "
        "second moment rises in proportion to 1/d; with eps in the denominator the variance is "
        "finite. For eps far below sigma it grows like sigma/eps, far below the paper's "
        "1/(12 eps^2); for eps near sigma the two are within a factor of ten.",
        f"cut {_numbers(result.cut[decades])}\nmean {_numbers(result.mean[decades])}\n"
        f"second moment {_numbers(result.second[decades])}\n"
        f"eps {_numbers(result.eps)}: variance {_numbers(result.eps_variance)}",
    )


def proof_figure(result: proof.Result) -> Drawing:
    """The inequality of the appendix: left side, printed bound, repaired bound."""
    figure, axes = plt.subplots(figsize=(WIDTH, 2.6))
    near = result.t < 40
    t = result.t[near]
    axes.plot(t, result.left[near], color=SAMPLE)
    axes.plot(t, result.printed[near], color=FIRST, linestyle="--")
    axes.plot(t, result.repaired[near], color=EXACT)
    axes.annotate("the paper's upper bound", (5.2, 1.28), color=FIRST)
    axes.annotate("what it is said to bound", (2.03, 1.76), color=SAMPLE)
    axes.annotate("bound by Gautschi's other half", (12, 2.06), color=EXACT)
    axes.set(xscale="log", xlabel="t", ylabel="value", ylim=(0, 2.3))
    axes.set_xticks([2, 3, 5, 10, 20, 40], ["2", "3", "5", "10", "20", "40"])
    axes.minorticks_off()
    chosen = [int(np.abs(result.t - x).argmin()) for x in (3, 5, 10, 100)]
    return Drawing(
        figure,
        "Against t from 2 to 40: the expression (t-2) Gamma((t-1)/2)^2 / Gamma(t/2)^2 lies above "
        "the bound printed in the paper everywhere, and below 2, the bound that the proof needs.",
        f"t {_numbers(result.t[chosen], 2)}\nleft {_numbers(result.left[chosen])}\n"
        f"printed {_numbers(result.printed[chosen])}",
    )


def rectification_figure(result: schedule.Result) -> Drawing:
    """rho_t and r_t for three beta2."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.0))
    t = np.arange(1, result.rho.shape[1] + 1)
    colors = (OKABE_ITO["sky"], OKABE_ITO["purple"], COLOR["RAdam"])
    for i, (beta, color) in enumerate(zip(result.betas, colors, strict=True)):
        left.plot(t, result.rho[i], color=color)
        left.annotate(f"β₂ = {beta:g}", (t[-1], result.rho[i, -1]), (-2, 4),
                      textcoords="offset points", ha="right", color=color)  # fmt: skip
        right.plot(t, result.rectification[i], color=color)
        right.plot(t, result.rectification_exact[i], color=color, linestyle=":")
    left.axhspan(1, 4, color=COLOR["theory"], alpha=0.25, linewidth=0)
    left.annotate("ρ ≤ 4: momentum", (300, 1.8), fontsize=8)
    left.set(title=r"$\rho_t$", xscale="log", yscale="log", xlabel="iteration t", ylim=(1, 4000))
    right.annotate("dotted: by the exact variance", (2.2, 1.2), fontsize=8)
    right.set(title=r"$r_t$, the factor of the step", xscale="log", yscale="log",
              xlabel="iteration t", ylim=(0.01, 1.5))  # fmt: skip
    reach = [int((result.rectification[-1] >= share).argmax()) + 1 for share in (0.1, 0.5, 0.9)]
    return Drawing(
        figure,
        "Two panels over iterations 1 to 6000 for beta2 = 0.9, 0.99 and 0.999. rho_t rises as t "
        "until it saturates at 19, 199 and 1999. r_t starts at step 5, far below 1, and needs "
        "thousands of iterations to reach 1 for beta2 = 0.999. By the exact variance it would "
        "start at step 3.",
        f"beta2 = 0.999: r_t >= 0.1, 0.5, 0.9 from t = {_numbers(np.array(reach), 4)}\n"
        f"r_5 {_numbers(result.rectification[:, 4], 4)}\n"
        f"r_6 {_numbers(result.rectification[:, 5], 4)}\n"
        f"r_6 exact {_numbers(result.rectification_exact[:, 5], 4)}",
    )


def effective_length(result: schedule.Result) -> Drawing:
    """How well rho_t and Kish's sample size predict the variance of the exponential average."""
    figure, axes = plt.subplots(figsize=(WIDTH, 2.6))
    t = result.checked
    by_rho = 100 * (result.by_rho / result.exponential - 1)
    by_kish = 100 * (result.by_kish / result.exponential - 1)
    axes.plot(t, by_rho, "v-", color=COLOR["RAdam"])
    axes.plot(t, by_kish, "o-", color=OKABE_ITO["blue"])
    axes.annotate("centre of mass: the paper's ρ", (25, 7.5), color=COLOR["RAdam"])
    axes.annotate("Kish: (Σw)² / Σw²", (40, -1.6), color=OKABE_ITO["blue"])
    axes.set(
        xscale="log", xlabel="iteration t, β₂ = 0.999", ylabel="error of Var[ψ], %", ylim=(-3, 14)
    )
    return Drawing(
        figure,
        "Error of the predicted variance of psi against the iteration. With the paper's rho_t it "
        "rises to 11.7 % near iteration 1500; with Kish's effective sample size it stays below "
        "0.1 %.",
        f"t {_numbers(t, 4)}\nrho_t, % {_numbers(by_rho, 2)}\nKish, % {_numbers(by_kish, 2)}",
    )


def nonzero_mean(result: simulation.Result) -> Drawing:
    """Figure 9: the variance with and without rectification, one panel for each mean."""
    figure, panels = plt.subplots(2, 3, figsize=(WIDTH, 4.4), sharex=True)
    squared = result.factor**2
    for j, (axes, mean) in enumerate(zip(panels.flat, result.means, strict=True)):
        axes.plot(result.steps, result.exact[:, j], color=COLOR["theory"])
        axes.plot(result.steps, squared * result.exact[:, j], color=COLOR["theory"])
        for factor, style, name in ((1.0, "^", "Adam"), (squared, "v", "RAdam")):
            drawn = (factor * result.sampled[:, j])[::2]
            axes.plot(result.steps[::2], drawn, style, color=COLOR[name], ms=3)
        axes.set(xscale="log", yscale="log", title=f"mean {mean:g}")
        axes.minorticks_off()
    panels[0, 0].annotate("Var[ψ]", (15, 0.08), color=COLOR["Adam"])
    panels[0, 0].annotate("Var[r ψ]", (6, 4e-4), color=COLOR["RAdam"])
    for axes in panels[1]:
        axes.set_xlabel("iteration t")
    for axes in panels[:, 0]:
        axes.set_ylabel("variance")
    chosen = np.isin(result.steps, (5, 6, 10, 100, 1000, 6000))
    rows = [
        f"mean {result.means[j]:g}: {_numbers(result.exact[chosen, j])}; rectified "
        f"{_numbers((squared * result.exact[:, j])[chosen])}"
        for j in (0, 4, 5)
    ]
    return Drawing(
        figure,
        "Six panels, gradients with means 0 to 10 standard deviations. Unrectified, the variance "
        "of the adaptive learning rate falls by about three decades from iteration 5 to 6000. "
        "Rectified, it starts more than three times too low at iteration 5, for mean 10 eight "
        "times, and is soon nearly flat. Points of 5000 simulated trajectories lie on the exact "
        "curves.",
        "exact at t = 5 6 10 100 1000 6000\n" + "\n".join(rows),
    )


FIGURES = {
    "variance": (variance_figure, VARIANCE, "quick"),
    "divergence": (divergence_figure, DIVERGENCE, "quick"),
    "proof": (proof_figure, PROOF, "quick"),
    "rectification": (rectification_figure, SCHEDULE, "quick"),
    "effective-length": (effective_length, SCHEDULE, "quick"),
    "nonzero-mean": (nonzero_mean, SIMULATION, "quick"),
}
