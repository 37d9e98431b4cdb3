"""Claims that are checked where the truth is known, and slips in print and in code."""

from __future__ import annotations

from functools import partial

import numpy as np

from replications.core.claims import Band, Claim, Kind, Verdict
from replications.core.estimates import Estimate, exact, mean, paired
from replications.papers.implicit.experiments import (
    ACCURACY,
    ALGORITHMS,
    COSINE,
    LIBRARIES,
    accuracy,
    algorithms,
    cosine,
    libraries,
)

_claim = partial(Claim, paper="lorraine2020optimizing", tier="quick")
WIDE = "rounding in double precision, with room for the condition number"
ROUNDING = Band(0.0, 1e-10, f"{WIDE}; measured on the vectors since a referee's look")
AUTODIFF = Band(0.0, 1e-10, f"{WIDE}; against automatic differentiation since a referee's look")
SOLVED = Band(0.0, 0.1, "an approximation worth the name: a tenth after 100 terms")


def _through_solve(result: accuracy.Result) -> Estimate:
    worst = float(result.through_solve.max())
    how = "largest relative distance to automatic differentiation of the retrained loss"
    return exact(worst, f"{how}, {result.through_solve.size} ridge problems")


def _retrained(result: accuracy.Result) -> Estimate:
    row = accuracy.PROBLEMS.index("network")
    how = "relative error along a random direction, 5-point differences of retraining"
    return exact(float(result.truth[row]), how)


def _unrolled(result: accuracy.Result) -> Estimate:
    worst = float(result.unrolled_gap.max())
    return exact(worst, "largest |a - b| / |exact|, 3 problems, K = 0 to 500")


def _series(method: str, terms: int, result: accuracy.Result) -> Estimate:
    values = result.error[:, accuracy.METHODS.index(method), ACCURACY.quick.terms.index(terms)]
    diverges = method == "Neumann 2.1/L"
    value, which = (values.min(), "smallest") if diverges else (values.max(), "largest")
    return exact(float(value), f"{which} relative error of 3 problems at K = {terms}")


def _slip(variant: str, result: algorithms.Result) -> Estimate:
    row, column = algorithms.VARIANTS.index(variant), ALGORITHMS.quick.terms.index(100)
    return mean(result.error[row, column], "relative error at K = 100, ridge with shifted decays")


def _lead(model: str, stage: str, terms: int, result: cosine.Result) -> Estimate:
    at = cosine.MODELS.index(model), cosine.STAGES.index(stage)
    neumann, cg = result.cosine[at][:, COSINE.quick.terms.index(terms)]
    return paired(
        neumann,
        cg,
        f"cosine of Neumann minus CG, K + 1 = {terms + 1}, not counting the estimate of the "
        f"largest eigenvalue; {model}, {stage}",
    )


def _library(start: str, reference: str, result: libraries.Result) -> Estimate:
    (row,) = (i for i, name in enumerate(result.names) if str(name).startswith(start))
    values = result.error[row] if reference == "truth" else result.neumann[row]
    how = f"relative distance to the {reference}, ridge problems, K = {LIBRARIES.full.terms}"
    return mean(values, how)


CLAIMS = (
    _claim(
        id="implicit-theorem-ridge",
        place="implicit function theorem",
        kind=Kind.PAPER,
        experiment=ACCURACY,
        says="At a minimum, the implicit formula is the derivative of the retrained validation "
        "loss: ridge regression, retrained by solving the normal equations.",
        expect=AUTODIFF,
        measure=_through_solve,
        verdict=Verdict.REPRODUCED,
        cell="the-check",
    ),
    _claim(
        id="implicit-theorem-network",
        place="implicit function theorem",
        kind=Kind.PAPER,
        experiment=ACCURACY,
        says="The same holds at a minimum of a non-convex network that is really retrained.",
        expect=Band(0.0, 1e-5, "what finite differences of retraining resolve"),
        measure=_retrained,
        verdict=Verdict.REPRODUCED,
        cell="the-check",
    ),
    _claim(
        id="implicit-neumann-is-unrolling",
        place="Neumann series and unrolled SGD",
        kind=Kind.PAPER,
        experiment=ACCURACY,
        says="The Neumann series of order K equals differentiation through K + 1 gradient steps "
        "from the optimum.",
        expect=ROUNDING,
        measure=_unrolled,
        verdict=Verdict.REPRODUCED,
        cell="fig-convergence",
    ),
    _claim(
        id="implicit-neumann-converges",
        place="the scaled Neumann series",
        kind=Kind.PAPER,
        experiment=ACCURACY,
        says="With a positive definite Hessian and a step below 2 over its largest eigenvalue the "
        "series converges to the hypergradient (1.9, K = 500).",
        expect=Band(
            0.0,
            1e-5,
            "at a condition number of 220, 501 terms leave 1 % of the slowest mode, which carries "
            "little of the vector",
        ),
        measure=partial(_series, "Neumann 1.9/L", 500),
        verdict=Verdict.REPRODUCED,
        cell="fig-convergence",
    ),
    _claim(
        id="implicit-neumann-diverges",
        place="not discussed: a step just beyond the bound",
        kind=Kind.CONTROL,
        experiment=ACCURACY,
        says="At 2.1 over the largest eigenvalue the series is useless by K = 100, each time.",
        expect=Band(10.0, np.inf, "ten times the hypergradient's own length"),
        measure=partial(_series, "Neumann 2.1/L", 100),
        verdict=Verdict.REPRODUCED,
        cell="fig-convergence",
    ),
    _claim(
        id="implicit-cosine-linear",
        place="the setting of Figure 4, on diabetes; linear model, trained",
        kind=Kind.CONTROL,
        experiment=COSINE,
        says="On a linear model the series is, at equal K, at least as well aligned as conjugate "
        "gradients.",
        expect=Band(0.0, np.inf, "no worse"),
        measure=partial(_lead, "linear", "late", 5),
        verdict=Verdict.NOT_REPRODUCED,
        cell="fig-alignment",
    ),
    _claim(
        id="implicit-cosine-network-early",
        place="the setting of Figure 4, on diabetes; network after 20 steps",
        kind=Kind.CONTROL,
        experiment=COSINE,
        says="On an early network, where every Hessian is indefinite, the series is, at equal K, "
        "at least as well aligned as conjugate gradients.",
        expect=Band(0.0, np.inf, "no worse"),
        measure=partial(_lead, "network", "early", 20),
        verdict=Verdict.INCONCLUSIVE,
        cell="fig-alignment",
    ),
    _claim(
        id="implicit-erratum-minus",
        place="the post's code",
        kind=Kind.ERRATUM,
        experiment=ALGORITHMS,
        says="Summing the series with p -= v approximates the hypergradient.",
        expect=SOLVED,
        measure=partial(_slip, "p -= v"),
        verdict=Verdict.NOT_REPRODUCED,
        cell="fig-slips",
    ),
    _claim(
        id="implicit-erratum-factor",
        place="the post's update equation",
        kind=Kind.ERRATUM,
        experiment=ALGORITHMS,
        says="The scaled series needs no factor in front of the sum.",
        expect=SOLVED,
        measure=partial(_slip, "no factor"),
        verdict=Verdict.NOT_REPRODUCED,
        cell="fig-slips",
    ),
    _claim(
        id="implicit-erratum-transposed",
        place="the post's code",
        kind=Kind.ERRATUM,
        experiment=ALGORITHMS,
        says="Differentiating dL/dlambda with respect to w gives the mixed product.",
        expect=SOLVED,
        measure=partial(_slip, "transposed"),
        verdict=Verdict.NOT_REPRODUCED,
        cell="fig-slips",
    ),
    _claim(
        id="implicit-library-betty-cg",
        place="betty-ml 0.1.1, hypergradient/cg.py",
        kind=Kind.ERRATUM,
        experiment=LIBRARIES,
        tier="full",
        says="betty-ml's conjugate gradients solve a 12-weight system in 20 iterations.",
        expect=Band(0.0, 1e-6, "12 iterations are exact but for rounding"),
        measure=partial(_library, "betty-ml 0.1.1: CG", "truth"),
        verdict=Verdict.NOT_REPRODUCED,
        cell="public-libraries",
    ),
    _claim(
        id="implicit-library-hypergrad-cg",
        place="hypergrad 0.0.1, approx_hypergrad.py",
        kind=Kind.ERRATUM,
        experiment=LIBRARIES,
        tier="full",
        says="hypergrad's conjugate gradients solve a 12-weight system in 20 iterations.",
        expect=Band(0.0, 1e-6, "12 iterations are exact but for rounding"),
        measure=partial(_library, "hypergrad 0.0.1: CG", "truth"),
        verdict=Verdict.NOT_REPRODUCED,
        cell="public-libraries",
    ),
    _claim(
        id="implicit-library-hippotrainer",
        place="hippotrainer 1.0.0, neumann.py",
        kind=Kind.ERRATUM,
        experiment=LIBRARIES,
        tier="full",
        says="hippotrainer sums the scaled Neumann series.",
        expect=Band(0.0, 1e-6, "the same sum in the same precision"),
        measure=partial(_library, "hippotrainer 1.0.0: Neumann", "series"),
        verdict=Verdict.NOT_REPRODUCED,
        cell="public-libraries",
    ),
)
