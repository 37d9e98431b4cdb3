"""Figures of the theory: the variance of psi, its divergence, the proof, and the rectification."""

from __future__ import annotations

import xarray as xr
from matplotlib import pyplot as plt

from replications.core.estimates import mean
from replications.core.figures import OKABE_ITO, WIDTH, Drawing, figure
from replications.core.numbers import number, row
from replications.papers.radam.experiments.divergence import divergence
from replications.papers.radam.experiments.proof import proof
from replications.papers.radam.experiments.schedule import error, reached, schedule
from replications.papers.radam.experiments.simulation import simulation
from replications.papers.radam.experiments.simulation import variance as variance_at
from replications.papers.radam.experiments.variance import over_exact, variance
from replications.papers.radam.look import COLOR

EXACT, FIRST, SAMPLE = COLOR["theory"], OKABE_ITO["vermillion"], OKABE_ITO["blue"]


def _samples(axes: plt.Axes, values: xr.DataArray) -> None:
    """Means over the batches with their intervals."""
    found = [mean(x, "over batches") for x in values.transpose("rho", "batch").values]
    half = [x.half_width for x in found]
    axes.errorbar(values["rho"], [x.value for x in found], half, fmt="o", color=SAMPLE, ms=3)


@figure(on=variance, name="variance")
def variance_figure(result: xr.Dataset) -> Drawing:
    """Variance of psi; first order over exact; variance of ln psi."""
    canvas, (left, middle, right) = plt.subplots(1, 3, figsize=(WIDTH, 3.0))
    safe = result.sel(rho=result["rho"] > 4)
    finite = result.sel(rho=result["rho"] > 2)
    heavy = finite.sel(rho=finite["rho"] <= 4)
    left.plot(finite["rho"], finite["exact"], color=EXACT)
    left.plot(safe["rho"], safe["first_order"], color=FIRST, linestyle="--")
    _samples(left, safe["sampled"])
    left.plot(heavy["rho"], heavy["sampled"].mean("batch"), "o", mfc="none", color=SAMPLE, ms=4)
    left.annotate("first order (5)", (6, 0.8), color=FIRST, fontsize=9)
    left.annotate("exact (2)", (60, 0.02), color=EXACT, fontsize=9)
    left.annotate("sampled; hollow:\nno interval exists", (7, 3), color=SAMPLE, fontsize=9)
    left.set(title="Var[ψ], σ = 1", xscale="log", yscale="log", xlabel="ρ", xlim=(1.8, 2300))

    ratio = over_exact(result)
    middle.plot(ratio["rho"], ratio, color=FIRST, linestyle="--")
    middle.axhline(1, color=EXACT)
    _samples(middle, safe["sampled"] / safe["exact"])
    middle.set(title="Var[ψ] over exact", xscale="log", yscale="log", xlabel="ρ", ylim=(0.9, 4))
    middle.set_yticks([1, 2, 3, 4], ["1", "2", "3", "4"])
    middle.minorticks_off()
    at_5 = ratio.sel(rho=5).item()
    label = f"{number(at_5, digits=3)} at ρ = 5"
    middle.annotate(label, (5, at_5), (8, -3), textcoords="offset points")

    right.axhline(1, color=EXACT)
    _samples(right, result["log_sampled"] / result["log_exact"])
    right.set(title="Var[ln ψ], sampled / exact", xscale="log", xlabel="ρ", ylim=(0.94, 1.06))
    right.annotate("from 7 on neighbours\nshare their draws", (1, 0.945), fontsize=9)
    chosen = result.sel(rho=[3, 5, 10, 100, 500, 1999])
    return Drawing(
        canvas,
        "Three panels over rho up to 2000, logarithmic; the third starts at 1. The exact variance "
        "of psi falls and samples lie on it; the first-order formula lies above, "
        f"{number(at_5, digits=2)} times at rho = 5, and joins it beyond 100. The variance of ln "
        "psi agrees with its formula at every rho, also at 1 and 2; from 7 on neighbouring points "
        "share their draws and err together.",
        f"rho {row(chosen['rho'].values, 4)}\nexact {row(chosen['exact'].values)}\n"
        f"first order {row(chosen['first_order'].values)}",
    )


@figure(on=divergence, name="divergence")
def divergence_figure(result: xr.Dataset) -> Drawing:
    """Truncated mean and second moment of 1/|Z| against the cut; the effect of eps."""
    canvas, (left, middle, right) = plt.subplots(1, 3, figsize=(WIDTH, 2.9))
    inverse, eps = 1 / result["cut"], result["eps"]
    left.plot(inverse, result["first_exact"], color=EXACT)
    left.plot(inverse, result["first"], ".", color=SAMPLE)
    left.set(title="mean: a logarithm", xscale="log", xlabel="1 / d")
    middle.plot(inverse, result["second_exact"], color=EXACT)
    middle.plot(inverse, result["second"], ".", color=SAMPLE)
    middle.set(title="second moment: a power", xscale="log", yscale="log", xlabel="1 / d")
    right.plot(eps, result["variance"], "o-", color=SAMPLE)
    right.plot(eps, result["uniform"], "s--", color=FIRST)
    right.set(title="Var[1/(|Z| + ε)], σ = 1", xscale="log", yscale="log", xlabel="ε / σ")
    right.annotate("paper: 1/(12ε²)", (3e-6, 1e11), color=FIRST, fontsize=9)
    right.annotate("exact", (1.5e-8, 2e4), color=SAMPLE, fontsize=9)
    decades = result.sel(cut=[10.0**-k for k in range(6, -1, -1)], method="nearest")
    return Drawing(
        canvas,
        "Three panels. The mean of 1/|Z| cut at d rises by a fixed amount a decade of 1/d; its "
        "second moment rises in proportion to 1/d; with eps in the denominator the variance is "
        "finite. For eps far below sigma it grows like sigma/eps, far below the paper's "
        "1/(12 eps^2); for eps near sigma the two are within a factor of ten.",
        f"cut {row(decades['cut'].values)}\nmean {row(decades['first'].values)}\n"
        f"second moment {row(decades['second'].values)}\n"
        f"eps {row(eps.values)}: variance {row(result['variance'].values)}",
    )


@figure(on=proof, name="proof")
def proof_figure(result: xr.Dataset) -> Drawing:
    """The inequality of the appendix: left side, printed bound, repaired bound."""
    canvas, axes = plt.subplots(figsize=(WIDTH, 2.6))
    near = result.sel(t=slice(None, 40))
    axes.plot(near["t"], near["left"], color=SAMPLE)
    axes.plot(near["t"], near["printed"], color=FIRST, linestyle="--")
    axes.plot(near["t"], near["repaired"], color=EXACT)
    axes.annotate("the paper's upper bound", (5.2, 1.28), color=FIRST)
    axes.annotate("what it is said to bound", (2.03, 1.76), color=SAMPLE)
    axes.annotate("bound by Gautschi's other half", (12, 2.06), color=EXACT)
    axes.set(xscale="log", xlabel="t", ylabel="value", ylim=(0, 2.3))
    axes.set_xticks([2, 3, 5, 10, 20, 40], ["2", "3", "5", "10", "20", "40"])
    axes.minorticks_off()
    chosen = result.sel(t=[3, 5, 10, 100], method="nearest")
    return Drawing(
        canvas,
        "Against t from 2 to 40: the expression (t-2) Gamma((t-1)/2)^2 / Gamma(t/2)^2 lies above "
        "the bound printed in the paper everywhere, and below 2, the bound that the proof needs.",
        f"t {row(chosen['t'].values, 2)}\nleft {row(chosen['left'].values)}\n"
        f"printed {row(chosen['printed'].values)}",
    )


@figure(on=schedule, name="rectification")
def rectification_figure(result: xr.Dataset) -> Drawing:
    """rho_t and r_t for three beta2."""
    canvas, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.0))
    t = result["step"]
    colors = (OKABE_ITO["sky"], OKABE_ITO["purple"], COLOR["RAdam"])
    for beta2, color in zip(result["beta2"].values, colors, strict=True):
        one = result.sel(beta2=beta2)
        left.plot(t, one["rho"], color=color)
        end = (t.values[-1], one["rho"].values[-1])
        left.annotate(f"β₂ = {number(beta2)}", end, (-2, 4), textcoords="offset points",
                      ha="right", color=color)  # fmt: skip
        right.plot(t, one["r"], color=color)
        right.plot(t, one["r_exact"], color=color, linestyle=":")
    left.axhspan(1, 4, color=COLOR["theory"], alpha=0.25, linewidth=0)
    left.annotate("ρ ≤ 4: momentum", (300, 1.8), fontsize=9)
    left.set(title=r"$\rho_t$", xscale="log", yscale="log", xlabel="iteration t", ylim=(1, 4000))
    right.annotate("dotted: by the exact variance", (2.2, 1.2), fontsize=9)
    right.set(title=r"$r_t$, the factor of the step", xscale="log", yscale="log",
              xlabel="iteration t", ylim=(0.01, 1.5))  # fmt: skip
    return Drawing(
        canvas,
        "Two panels over iterations 1 to 6000 for beta2 = 0.9, 0.99 and 0.999. rho_t rises as t "
        "until it saturates at 19, 199 and 1999. r_t starts at step 5, far below 1, and needs "
        "thousands of iterations to reach 1 for beta2 = 0.999. By the exact variance it would "
        "start at step 3.",
        "beta2 = 0.999: r_t >= 0.1, 0.5, 0.9 from t = "
        + row(reached(result, share).item() for share in (0.1, 0.5, 0.9))
        + f"\nr_5 {row(result['r'].sel(step=5).values, 4)}"
        f"\nr_6 {row(result['r'].sel(step=6).values, 4)}"
        f"\nr_6 exact {row(result['r_exact'].sel(step=6).values, 4)}",
    )


@figure(on=schedule)
def effective_length(result: xr.Dataset) -> Drawing:
    """How well rho_t and Kish's sample size predict the variance of the exponential average."""
    canvas, axes = plt.subplots(figsize=(WIDTH, 2.6))
    by_rho, by_kish = (100 * error(result, length) for length in ("by_rho", "by_kish"))
    axes.plot(result["checked"], by_rho, "v-", color=COLOR["RAdam"])
    axes.plot(result["checked"], by_kish, "o-", color=OKABE_ITO["blue"])
    axes.annotate("centre of mass: the paper's ρ", (25, 7.5), color=COLOR["RAdam"])
    axes.annotate("Kish: (Σw)² / Σw²", (40, -1.6), color=OKABE_ITO["blue"])
    axes.set(
        xscale="log", xlabel="iteration t, β₂ = 0.999", ylabel="error of Var[ψ], %", ylim=(-3, 14)
    )
    worst = number(by_rho.max().item(), digits=3)
    return Drawing(
        canvas,
        "Error of the predicted variance of psi against the iteration. With the paper's rho_t it "
        f"rises to {worst} % near iteration 1500; with Kish's effective sample size it stays below "
        "0.1 %.",
        f"t {row(result['checked'].values, 4)}\nrho_t, % {row(by_rho.values, 2)}\n"
        f"Kish, % {row(by_kish.values, 2)}",
    )


@figure(on=simulation)
def nonzero_mean(result: xr.Dataset) -> Drawing:
    """Figure 9: the variance with and without rectification, one panel for each mean."""
    canvas, panels = plt.subplots(2, 3, figsize=(WIDTH, 4.4), sharex=True)
    for axes, mu in zip(panels.flat, result["mu"].values, strict=True):
        for rectified, style, name in ((False, "^", "Adam"), (True, "v", "RAdam")):
            exact = variance_at(result, rectified).sel(mu=mu)
            axes.plot(exact["step"], exact, color=COLOR["theory"])
            drawn = variance_at(result, rectified, "sampled").sel(mu=mu)[::2]
            axes.plot(drawn["step"], drawn, style, color=COLOR[name], ms=3)
        axes.set(xscale="log", yscale="log", title=f"mean {number(mu)}")
        axes.minorticks_off()
    panels[0, 0].annotate("Var[ψ]", (15, 0.08), color=COLOR["Adam"])
    panels[0, 0].annotate("Var[r ψ]", (6, 4e-4), color=COLOR["RAdam"])
    for axes in panels[1]:
        axes.set_xlabel("iteration t")
    for axes in panels[:, 0]:
        axes.set_ylabel("variance")
    shown = result.sel(step=[5, 6, 10, 100, 1000, 6000])
    rows = [
        f"mean {number(mu)}: {row(variance_at(shown, rectified=False).sel(mu=mu).values)}; "
        f"rectified {row(variance_at(shown, rectified=True).sel(mu=mu).values)}"
        for mu in (0, 1, 10)
    ]
    return Drawing(
        canvas,
        "Six panels, gradients with means 0 to 10 standard deviations. Unrectified, the variance "
        "of the adaptive learning rate falls by about three decades from iteration 5 to 6000. "
        "Rectified, it starts more than three times too low at iteration 5, for mean 10 eight "
        "times, and is soon nearly flat. Points of 5000 simulated trajectories lie on the exact "
        "curves.",
        "exact at t = 5 6 10 100 1000 6000\n" + "\n".join(rows),
    )
