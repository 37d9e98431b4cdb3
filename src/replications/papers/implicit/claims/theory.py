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
ROUNDING = Band(0.0, 1e-10, "rounding in double precision, with room for the condition number")
SOLVED = Band(0.0, 0.1, "an approximation worth the name: a tenth after 100 terms")


def _dense_on_ridge(result: libraries.Result) -> Estimate:
    row = list(result.names).index("this package: exact")
    worst = float(result.error[row].max())
    return exact(worst, f"largest relative error, {result.error.shape[1]} ridge problems")


def _retrained(result: accuracy.Result) -> Estimate:
    row = accuracy.PROBLEMS.index("network")
    how = "relative error along a random direction, 5-point differences of retraining"
    return exact(float(result.truth[row]), how)


def _unrolled(result: accuracy.Result) -> Estimate:
    worst = float(result.unrolled_gap.max())
    return exact(worst, "largest difference in relative error, 3 problems, K = 0 to 500")


def _series(method: str, terms: int, result: accuracy.Result) -> Estimate:
    values = result.error[:, accuracy.METHODS.index(method), ACCURACY.quick.terms.index(terms)]
    worst = values.min() if method == "Neumann 2.1/L" else values.max()
    return exact(float(worst), f"worst relative error of 3 problems at K = {terms}", worst * 1e-3)


def _slip(variant: str, result: algorithms.Result) -> Estimate:
    row, column = algorithms.VARIANTS.index(variant), ALGORITHMS.quick.terms.index(100)
    return mean(result.error[row, column], "relative error at K = 100, ridge with shifted decays")


def _lead(model: str, stage: str, terms: int, result: cosine.Result) -> Estimate:
    at = cosine.MODELS.index(model), cosine.STAGES.index(stage)
    neumann, cg = result.cosine[at][:, COSINE.quick.terms.index(terms)]
    return paired(
        neumann, cg, f"cosine of Neumann minus CG, {terms + 1} products, {model}, {stage}"
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
        experiment=LIBRARIES,
        says="At a minimum, the implicit formula is the derivative of the retrained validation "
        "loss: ridge regression in closed form.",
        expect=ROUNDING,
        measure=_dense_on_ridge,
        verdict=Verdict.REPRODUCED,
        cell="the-check",
    ),
    _claim(
        id="implicit-theorem-network",
        place="implicit function theorem",
        kind=Kind.PAPER,
        experiment=ACCURACY,
        says="The same for a non-convex network that is really retrained.",
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
        says="K Neumann terms equal differentiation through K + 1 gradient steps from the optimum.",
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
        says="With a step below 2/L the series converges to the hypergradient (1.9/L, K = 500).",
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
        says="At 2.1/L the series is useless by K = 100, in every problem.",
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
        says="Product for product, the series is at least as well aligned as conjugate gradients.",
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
        says="The same where every Hessian is indefinite.",
        expect=Band(0.0, np.inf, "no worse"),
        measure=partial(_lead, "network", "early", 20),
        verdict=Verdict.INCONCLUSIVE,
        cell="fig-alignment",
    ),
    _claim(
        id="implicit-erratum-minus",
        place="the post's code; a typo of arXiv's Algorithm 3, by its maintainers' account",
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
        place="the post's code; a typo of arXiv's Algorithm 2, by its maintainers' account",
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
        says="20 iterations on 12 weights solve the system.",
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
        says="20 iterations on 12 weights solve the system.",
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
        says="It sums the scaled Neumann series.",
        expect=Band(0.0, 1e-6, "the same sum in the same precision"),
        measure=partial(_library, "hippotrainer 1.0.0: Neumann", "series"),
        verdict=Verdict.NOT_REPRODUCED,
        cell="public-libraries",
    ),
)
