"""Claims about the variance of psi and its rectification: closed forms, checked by samples."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from replications.core.claims import Band, Claim, Kind, Verdict
from replications.core.estimates import Estimate, exact, mean
from replications.methods.rectification import adaptive_lr_variance
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

_claim = partial(Claim, paper="liu2020variance", tier="quick")
_variance = partial(_claim, experiment=VARIANCE, cell="fig-variance")
_divergence = partial(_claim, experiment=DIVERGENCE, cell="fig-divergence")
_simulation = partial(_claim, experiment=SIMULATION, cell="fig-nonzero-mean")

ROUNDING = 1e-9
"""Numerical error of a closed form, generously."""


def _at(result: variance.Result, field: str, rho: float) -> float:
    return float(getattr(result, field)[result.rho == rho].item())


def _five_to_500(result: variance.Result) -> Estimate:
    ratio = _at(result, "exact", 5) / _at(result, "exact", 500)
    return exact(ratio, "closed form", ROUNDING * ratio)


def _sampled_5(result: variance.Result) -> Estimate:
    batches = result.sampled[result.rho == 5][0]
    return mean(batches, "sample variances of 40 x 25 000 draws")


def _difference_at_5(result: variance.Result) -> Estimate:
    true = _at(result, "exact", 5)
    return exact(abs(_at(result, "first_order", 5) - true) / true, "closed forms", ROUNDING)


def _first_order_over_exact(rho: float, result: variance.Result) -> Estimate:
    ratio = _at(result, "first_order", rho) / _at(result, "exact", rho)
    return exact(ratio, "closed forms", ROUNDING)


def _last_printed(result: variance.Result) -> Estimate:
    return exact(result.last_printed, "float64, every whole rho")


def _finite_beyond(index: float, result: variance.Result) -> Estimate:
    known = np.isfinite(result.tail_index)
    rho = np.interp(index, result.tail_index[known], result.rho[known])
    return exact(rho, "where the power of the tail allows it, from the law of chi2", 1e-7)


def _log_variance(result: variance.Result) -> Estimate:
    relative = result.log_sampled[result.rho <= 2].mean(axis=0)
    return mean(relative / result.log_exact[result.rho <= 2].mean(), "rho = 1 and 2, 40 batches")


def _steepest_rise(result: proof.Result) -> Estimate:
    return exact(result.slope.max(), "largest slope over 2 < rho <= 4000", 1e-6)


def _bound_broken(result: proof.Result) -> Estimate:
    return exact((result.left - result.printed).max(), "largest excess, 2 < t <= 4000", ROUNDING)


def _repaired_broken(result: proof.Result) -> Estimate:
    return exact((result.left - result.repaired).max(), "largest excess, 2 < t <= 4000", ROUNDING)


def _second_moment_power(result: divergence.Result) -> Estimate:
    slope = np.gradient(np.log(result.second), np.log(result.cut))
    return exact(slope[:4].mean(), "quadrature, last decade of cuts", 1e-5)


def _mean_logarithm(result: divergence.Result) -> Estimate:
    slope = -np.gradient(result.mean, np.log(result.cut))
    return exact(slope[:4].mean(), "quadrature, last decade of cuts", 1e-5)


def _eps(result: divergence.Result) -> Estimate:
    (ratio,) = (result.eps_variance / result.eps_uniform)[result.eps == 2.0]
    return exact(ratio, "quadrature over 1/(12 eps^2), eps = 2 sigma", 1e-6)


def _switch(field: str, threshold: int, result: schedule.Result) -> Estimate:
    steps = getattr(result, field)
    how = f"first step with rho > {threshold}, range over six beta2"
    return Estimate(steps.mean(), steps.min(), steps.max(), len(steps), how)


def _r_6(result: schedule.Result) -> Estimate:
    return exact(result.rectification[-1, 5], "closed form, beta2 = 0.999", ROUNDING)


def _worst(field: str, result: schedule.Result) -> Estimate:
    error = np.abs(getattr(result, field) / result.exponential - 1).max()
    return exact(error, "largest of 15 steps, exact by quadrature", 1e-6)


def _simple_average(result: schedule.Result) -> Estimate:
    at_10 = float(result.exponential[result.checked == 10].item())
    ratio = at_10 / float(adaptive_lr_variance(10))
    return exact(ratio, "quadrature over equation (2) at rho = 10", 1e-6)


def _spread(mean_: float, rectified: bool, start: int, result: simulation.Result) -> Estimate:
    late = result.steps >= start
    values = result.exact[late, result.means == mean_]
    if rectified:
        values = values * result.factor[late] ** 2
    how = f"largest / smallest over t >= {start}, exact by quadrature"
    return exact(values.max() / values.min(), how, 1e-6)


def _start(result: simulation.Result) -> Estimate:
    values = result.exact[np.isin(result.steps, (5, 6)), 0]
    how = "range over steps 5 and 6, exact by quadrature"
    return Estimate(values.mean(), values.min(), values.max(), len(values), how)


def _last(result: simulation.Result) -> Estimate:
    value = result.sampled[-1, 0].item()
    return exact(value, "5000 trajectories, 2 standard errors", 2 * value * math.sqrt(2 / 5000))


CLAIMS = (
    _variance(
        id="radam-variance-5-to-500",
        place="text, on Theorem 1",
        kind=Kind.PAPER,
        says="The variance of the adaptive learning rate at rho = 5 is over 100 times that at 500.",
        expect=Band(100, math.inf, "'over 100 times'"),
        measure=_five_to_500,
        verdict=Verdict.REPRODUCED,
    ),
    _variance(
        id="radam-variance-exact",
        place="equation (2)",
        kind=Kind.PAPER,
        says="For rho = 5 and sigma = 1 equation (2) gives a variance of 0.2520; samples agree.",
        expect=Band(0.248, 0.256, "1.6 %: four standard errors of a million draws"),
        measure=_sampled_5,
        verdict=Verdict.REPRODUCED,
    ),
    _claim(
        id="radam-monotone",
        place="Theorem 1",
        kind=Kind.PAPER,
        says="The variance of psi falls monotonically with rho.",
        expect=Band(-math.inf, 0.0, "any fall confirms it"),
        experiment=PROOF,
        measure=_steepest_rise,
        verdict=Verdict.REPRODUCED,
        cell="fig-proof",
    ),
    _variance(
        id="radam-first-order-close",
        place="Figure 8",
        kind=Kind.PAPER,
        says="The first-order variance differs from the exact one by much less than their value, "
        "down to rho = 5.",
        expect=Band(0.0, 0.1, "'much smaller': a tenth"),
        measure=_difference_at_5,
        verdict=Verdict.NOT_REPRODUCED,
    ),
    _variance(
        id="radam-first-order-100",
        place="Figure 8",
        kind=Kind.PAPER,
        says="The first-order variance is very accurate at rho = 100 (ratio to the exact one).",
        expect=Band(0.95, 1.05, "5 %: less than the width of the paper's line"),
        measure=partial(_first_order_over_exact, 100),
        verdict=Verdict.REPRODUCED,
    ),
    _variance(
        id="radam-blog-gap",
        place="reading note, on Figure 8",
        kind=Kind.BLOG,
        says="Where the degrees of freedom are few the gap of the approximation is rather large "
        "(ratio at rho = 5).",
        expect=Band(2.0, math.inf, "a factor of 2 is a large gap by any reading"),
        measure=partial(_first_order_over_exact, 5),
        verdict=Verdict.REPRODUCED,
    ),
    _variance(
        id="radam-blog-finite-beyond-4",
        place="reading note, on Theorem 1",
        kind=Kind.BLOG,
        says="The variance of the scaled inverse chi-square law, that of psi^2, is finite beyond "
        "4 degrees of freedom.",
        expect=Band(
            4 - 1e-6,
            4 + 1e-6,
            "rounding; before a referee's look it was judged for psi, and failed",
        ),
        measure=partial(_finite_beyond, 2.0),
        verdict=Verdict.REPRODUCED,
    ),
    _variance(
        id="radam-finite-beyond-2",
        place="our control",
        kind=Kind.CONTROL,
        says="The variance of psi itself is finite beyond 2 degrees of freedom already.",
        expect=Band(2 - 1e-6, 2 + 1e-6, "rounding"),
        measure=partial(_finite_beyond, 1.0),
        verdict=Verdict.REPRODUCED,
    ),
    _variance(
        id="radam-unstable",
        place="text, before equation (5)",
        kind=Kind.PAPER,
        says="Equation (2) as printed is not numerically stable: in float64 it fails before "
        "rho_inf.",
        expect=Band(0, 1998, "rho_inf is 1999 for Adam's default beta2"),
        measure=_last_printed,
        verdict=Verdict.REPRODUCED,
    ),
    _variance(
        id="radam-log-variance",
        place="our control",
        kind=Kind.CONTROL,
        says="Where psi has no finite variance its logarithm has: trigamma(rho/2)/4 (ratio to it).",
        expect=Band(0.99, 1.01, "1 %: five standard errors of a million draws"),
        measure=_log_variance,
        verdict=Verdict.REPRODUCED,
    ),
    _claim(
        id="radam-proof-step",
        place="Appendix A, inequality (10)",
        kind=Kind.ERRATUM,
        says="(t-2) Gamma((t-1)/2)^2 / Gamma(t/2)^2 is at most 2(t-2)/(t-1): the excess is never "
        "positive.",
        expect=Band(-math.inf, 0.0, "an inequality has no tolerance"),
        experiment=PROOF,
        measure=_bound_broken,
        verdict=Verdict.NOT_REPRODUCED,
        cell="fig-proof",
    ),
    _claim(
        id="radam-proof-repaired",
        place="Appendix A, inequality (9)",
        kind=Kind.PAPER,
        says="What the proof needs, that the same expression is at most 2, holds.",
        expect=Band(-math.inf, 1e-6, "rounding"),
        experiment=PROOF,
        measure=_repaired_broken,
        verdict=Verdict.REPRODUCED,
        cell="fig-proof",
    ),
    _divergence(
        id="radam-blog-exponent",
        place="reading note, on the first step",
        kind=Kind.BLOG,
        says="The second moment of 1/|Z| diverges by the integral of y^(-3/2) e^(-y): as the "
        "inverse of the cut (power -1).",
        expect=Band(-1.01, -0.99, "1 %: a logarithm would have power 0"),
        measure=_second_moment_power,
        verdict=Verdict.REPRODUCED,
    ),
    _divergence(
        id="radam-blog-mean",
        place="reading note, on the first step",
        kind=Kind.BLOG,
        says="The mean of 1/|Z| diverges too; as a logarithm, sqrt(2/pi) = 0.798 a factor e of "
        "the cut.",
        expect=Band(0.79, 0.806, "1 %"),
        measure=_mean_logarithm,
        verdict=Verdict.REPRODUCED,
    ),
    _divergence(
        id="radam-eps-uniform",
        place="text, on Adam-eps",
        kind=Kind.PAPER,
        says="With Adam-eps the variance of psi at the first step is about 1/(12 eps^2) (ratio to "
        "it; eps = 2 sigma, about the paper's own).",
        expect=Band(0.1, 10.0, "an order of magnitude; eps was 1e-4 sigma before a referee's look"),
        measure=_eps,
        verdict=Verdict.REPRODUCED,
    ),
    _claim(
        id="radam-first-step-paper",
        place="Algorithm 2",
        kind=Kind.PAPER,
        says="RAdam rectifies from step 5 on, whatever beta2 is between 0.9 and 0.9995.",
        expect=Band(5, 5, "a count"),
        experiment=SCHEDULE,
        measure=partial(_switch, "first_paper", 4),
        verdict=Verdict.REPRODUCED,
        cell="fig-rectification",
    ),
    _claim(
        id="radam-first-step-code",
        place="authors' code, torch, optax, pytorch_optimizer",
        kind=Kind.ERRATUM,
        says="The public implementations that we read rectify from the step of Algorithm 2 on, "
        "step 5.",
        expect=Band(5, 5, "a count"),
        experiment=SCHEDULE,
        measure=partial(_switch, "first_code", 5),
        verdict=Verdict.NOT_REPRODUCED,
        cell="fig-rectification",
    ),
    _claim(
        id="radam-r-6",
        place="definition of r_t",
        kind=Kind.PAPER,
        says="For beta2 = 0.999 the rectification at step 6 is r = 0.02582.",
        expect=Band(0.02581, 0.02583, "1e-5: the digits quoted"),
        experiment=SCHEDULE,
        measure=_r_6,
        verdict=Verdict.REPRODUCED,
        cell="fig-rectification",
    ),
    _claim(
        id="radam-centre-of-mass",
        place="equation (4)",
        kind=Kind.PAPER,
        says="An exponential average of squares is worth a simple one of length rho_t (largest "
        "relative error of the variance).",
        expect=Band(0.0, 0.15, "'approximate': 15 % of a variance is 7 % of a learning rate"),
        experiment=SCHEDULE,
        measure=partial(_worst, "by_rho"),
        verdict=Verdict.REPRODUCED,
        cell="fig-effective-length",
    ),
    _claim(
        id="radam-effective-sample-size",
        place="our control",
        kind=Kind.CONTROL,
        says="Kish's effective sample size in place of rho_t makes that error ten times smaller.",
        expect=Band(0.0, 0.0117, "a tenth of the largest error with rho_t"),
        experiment=SCHEDULE,
        measure=partial(_worst, "by_kish"),
        verdict=Verdict.REPRODUCED,
        cell="fig-effective-length",
    ),
    _claim(
        id="radam-blog-simple-average",
        place="reading note, on small t",
        kind=Kind.BLOG,
        says="While t is small an exponential average of squares is a simple one (variance of psi "
        "after 10 gradients, ratio).",
        expect=Band(0.99, 1.01, "1 %: the weights of 10 gradients differ by 0.9 %"),
        experiment=SCHEDULE,
        measure=_simple_average,
        verdict=Verdict.REPRODUCED,
        cell="fig-effective-length",
    ),
    _simulation(
        id="radam-fig9-unrectified",
        place="Figure 9",
        kind=Kind.PAPER,
        says="With mean 0 the variance of the adaptive learning rate falls by orders of magnitude "
        "from step 6 on.",
        expect=Band(500, math.inf, "the figure spans nearly three decades"),
        measure=partial(_spread, 0.0, False, 6),
        verdict=Verdict.REPRODUCED,
    ),
    _simulation(
        id="radam-fig9-rectified",
        place="Figure 9",
        kind=Kind.PAPER,
        says="Rectified, the variance keeps its size from step 6 on, for a mean of one standard "
        "deviation too.",
        expect=Band(1.0, 3.0, "a factor of 3 against one of 700"),
        measure=partial(_spread, 1.0, True, 6),
        verdict=Verdict.REPRODUCED,
    ),
    _simulation(
        id="radam-fig9-flat",
        place="Figure 9",
        kind=Kind.PAPER,
        says="Rectified, the variance is nearly constant from step 10 on, for a mean of one "
        "standard deviation.",
        expect=Band(1.0, 1.6, "the earlier study: 1.3 to 1.4"),
        measure=partial(_spread, 1.0, True, 10),
        verdict=Verdict.REPRODUCED,
    ),
    _simulation(
        id="radam-fig9-mean-10",
        place="Figure 9",
        kind=Kind.PAPER,
        says="Rectified, the variance keeps its size from step 6 on, for a mean of ten standard "
        "deviations too.",
        expect=Band(1.0, 3.0, "the same factor of 3"),
        measure=partial(_spread, 10.0, True, 6),
        verdict=Verdict.NOT_REPRODUCED,
    ),
    _simulation(
        id="radam-fig9-is-psi",
        place="reading note, on Figure 9",
        kind=Kind.BLOG,
        says="What Figure 9 shows is the variance of psi over drawn sequences, not of psi^2: at "
        "steps 5 and 6 it is of the order of the figure's start, about 0.17.",
        expect=Band(
            0.15,
            0.26,
            "psi^2 would start above 1; up to 0.20 before a referee's look, which left out step 5",
        ),
        measure=_start,
        verdict=Verdict.REPRODUCED,
    ),
    _simulation(
        id="radam-fig9-end",
        place="Figure 9",
        kind=Kind.PAPER,
        says="After 6000 iterations the variance is 2.5e-4.",
        expect=Band(2.3e-4, 2.71e-4, "8 %: two times two standard errors of 5000 trajectories"),
        measure=_last,
        verdict=Verdict.REPRODUCED,
    ),
)
