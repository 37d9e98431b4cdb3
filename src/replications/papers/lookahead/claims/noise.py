"""Claims about noise: the stationary variance, its limits, and the profile inside a loop."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from replications.core.claims import Band, Claim, Kind, Verdict
from replications.core.estimates import Estimate, exact, mean, ratio
from replications.papers.lookahead.experiments import (
    INNER_LOOP,
    ONE_CURVATURE,
    STABILITY,
    VARIANCE,
    inner_loop,
    one_curvature,
    stability,
    variance,
)

_claim = partial(Claim, paper="zhang2019lookahead", tier="quick")
SAME = Band(0.99, 1.01, "1 %: a wrong k or power of the noise moves it by far more")
LESS = Band(-math.inf, 1.0, "any value below 1 confirms it")


def _formula(result: variance.Result) -> Estimate:
    relative = (result.measured / result.theory).ravel()
    return mean(relative, f"simulated / predicted over {relative.size} settings")


def scores(result: variance.Result) -> np.ndarray:
    """Simulated - predicted variance in standard errors, one for each setting."""
    return ((result.measured / result.theory - 1) / math.sqrt(2 / result.chains)).ravel()


def _worst_score(result: variance.Result) -> Estimate:
    z = np.abs(scores(result))
    return exact(z.max(), f"largest of {z.size} differences, in standard errors")


def _largest(result: variance.Result) -> Estimate:
    shares = result.measured / result.sgd_measured
    error = 4 * math.sqrt(4 / result.chains)  # 4 standard errors of a ratio of two variances
    return exact(shares.max(), f"largest of {shares.size} settings, 4 standard errors", error)


def _printed_fraction(x: np.ndarray, alpha: np.ndarray, k: np.ndarray) -> np.ndarray:
    """The factor of V_SGD as the blog prints it, [alpha, k, x]."""
    alpha, k = alpha[:, None, None], k[:, None]
    r = 1 - x
    top = alpha**2 * (1 - r ** (2 * k))
    return top / (top + 2 * alpha * (1 - alpha) * (1 - r**k))


def _fraction(result: variance.Result) -> Estimate:
    printed = _printed_fraction(result.x, result.alpha, result.k) * result.sgd
    relative = (result.measured / printed).ravel()
    return mean(relative, f"simulated / printed over {relative.size} settings")


def _largest_fraction(_: variance.Result) -> Estimate:
    hundredths, k = np.arange(1, 100) / 100, np.arange(1, 31)
    fraction = _printed_fraction(2 * hundredths, hundredths, k)
    how = f"largest of {fraction.size} settings: alpha 0.01 to 0.99, x 0.02 to 1.98, k 1 to 30"
    return exact(fraction.max(), how)


def _squared_noise(result: variance.Result) -> Estimate:
    printed = result.sgd * result.noise_variance  # Sigma^2 where Sigma should stand
    value = float((result.sgd_measured / printed)[result.noise_variance == 4.0][0])
    error = 4 * value * math.sqrt(2 / result.chains)
    return exact(value, "simulated / printed at noise variance 4, 4 standard errors", error)


def _reference(result: variance.Result) -> Estimate:
    at = np.ix_(result.alpha == 0.5, result.k == 5, result.x == 0.1)
    gap = abs((result.theory / result.sgd)[at].item() - 0.442973)
    return exact(gap, "distance of the closed form from it", 1e-12)


def _limit(alpha: float, k: int) -> Callable[[stability.Result], Estimate]:
    def measure(result: stability.Result) -> Estimate:
        (limit,) = result.limit[(result.alpha == alpha) & (result.k == k)]
        return exact(limit, "where a run without noise stops shrinking", result.resolution)

    return measure


def _limit_formula(result: stability.Result) -> Estimate:
    gap = np.abs(result.limit - result.limit_theory).max()
    return exact(gap, "largest distance of four limits from the formula")


def _sawtooth(result: inner_loop.Result) -> Estimate:
    (j,) = np.flatnonzero(result.x == 0.3)
    last, slow = result.measured[:, -1, j], result.measured[:, 0, j]
    return ratio(last, slow, "last fast over slow weights at x = 0.3, 20 blocks of chains")


def _one_curvature(result: one_curvature.Result) -> Estimate:
    return exact(result.largest_gain, "largest gain in contraction over the grid, closed form")


def _single_step(result: one_curvature.Result) -> Estimate:
    return exact(result.identity, "largest relative difference of the variances")


CLAIMS = (
    _claim(
        id="lookahead-variance-formula",
        place="Proposition 2",
        kind=Kind.PAPER,
        says="The slow weights' variance settles at the fixed point that the paper derives.",
        expect=SAME,
        experiment=VARIANCE,
        tier="full",
        measure=_formula,
        verdict=Verdict.REPRODUCED,
        cell="fig-variance-ratio",
    ),
    _claim(
        id="lookahead-variance-each",
        place="Proposition 2",
        kind=Kind.PAPER,
        says="The fixed point holds at every setting by itself, so that errors cannot cancel.",
        expect=Band(
            0.0, 3.5, "96 normal numbers stay below it 19 times of 20; added after a referee's look"
        ),
        experiment=VARIANCE,
        tier="full",
        measure=_worst_score,
        verdict=Verdict.REPRODUCED,
        cell="fig-variance-scores",
    ),
    _claim(
        id="lookahead-variance-smaller",
        place="after Proposition 2",
        kind=Kind.PAPER,
        says="At the same learning rate Lookahead's variance is smaller than that of SGD.",
        expect=LESS,
        experiment=VARIANCE,
        measure=_largest,
        verdict=Verdict.REPRODUCED,
        cell="fig-variance-ratio",
    ),
    _claim(
        id="lookahead-inner-sawtooth",
        place="figure 10, here on the noisy quadratic",
        kind=Kind.PAPER,
        says="Inside a loop the fast weights get worse.",
        expect=Band(1.1, math.inf, "10 % more variance would be seen as a tooth"),
        experiment=INNER_LOOP,
        measure=_sawtooth,
        verdict=Verdict.REPRODUCED,
        cell="fig-inner-loop",
    ),
    _claim(
        id="lookahead-variance-reference",
        place="Proposition 2, one value of it",
        kind=Kind.CONTROL,
        says="At x = 0.1, alpha = 0.5 and k = 5 Lookahead has 0.442973 of the variance of SGD.",
        expect=Band(-math.inf, 5e-7, "half a unit of the last digit, from a study of its own"),
        experiment=VARIANCE,
        measure=_reference,
        verdict=Verdict.REPRODUCED,
        cell="fig-variance-ratio",
    ),
    _claim(
        id="lookahead-single-step",
        place="Algorithm 1 with k = 1",
        kind=Kind.CONTROL,
        says="With k = 1 Lookahead is SGD with the learning rate alpha times gamma.",
        expect=Band(-math.inf, 1e-12, "rounding of float64"),
        experiment=ONE_CURVATURE,
        measure=_single_step,
        verdict=Verdict.REPRODUCED,
        cell="fig-one-curvature",
    ),
    _claim(
        id="lookahead-one-curvature",
        place="Proposition 2, at equal variance",
        kind=Kind.CONTROL,
        says="On one curvature with x at most 1, Lookahead is never faster than SGD whose learning "
        "rate is lowered to the same variance.",
        expect=Band(-math.inf, 1e-9, "rounding of float64"),
        experiment=ONE_CURVATURE,
        measure=_one_curvature,
        verdict=Verdict.REPRODUCED,
        cell="fig-one-curvature",
    ),
    _claim(
        id="lookahead-limit-formula",
        place="Proposition 2, beyond its condition",
        kind=Kind.CONTROL,
        says="Lookahead is stable up to 2 / L for even k and up to (1 + (2 / alpha - 1)^(1/k)) / L "
        "for odd k.",
        expect=Band(-math.inf, 5e-4, "the grid of learning rates on which the limit is sought"),
        experiment=STABILITY,
        measure=_limit_formula,
        verdict=Verdict.REPRODUCED,
        cell="fig-stability",
    ),
    _claim(
        id="lookahead-limit-necessary",
        place="Proposition 2, its condition, with alpha = 0.5 and k = 5",
        kind=Kind.CONTROL,
        says="The condition that the learning rate lie below 2 / L is also necessary.",
        expect=Band(1.999, 2.001, "the grid of learning rates, twice"),
        experiment=STABILITY,
        measure=_limit(0.5, 5),
        verdict=Verdict.NOT_REPRODUCED,
        cell="fig-stability",
    ),
    _claim(
        id="lookahead-blog-sgd-variance",
        place="formula of V_SGD",
        kind=Kind.BLOG,
        says="The variance of SGD grows with the square of Sigma, itself defined as a variance.",
        expect=SAME,
        experiment=VARIANCE,
        measure=_squared_noise,
        verdict=Verdict.NOT_REPRODUCED,
        cell="fig-variance-ratio",
    ),
    _claim(
        id="lookahead-blog-fraction",
        place="formula of V_LA",
        kind=Kind.BLOG,
        says="Lookahead's variance is the printed fraction of that of SGD.",
        expect=SAME,
        experiment=VARIANCE,
        measure=_fraction,
        verdict=Verdict.REPRODUCED,
        cell="fig-variance-ratio",
    ),
    _claim(
        id="lookahead-blog-below-one",
        place="after the formula of V_LA",
        kind=Kind.BLOG,
        says="The printed fraction of V_LA is strictly below 1 for every alpha in (0, 1).",
        expect=Band(-math.inf, 1 - 1e-9, "strictly below, by more than rounding"),
        experiment=VARIANCE,
        measure=_largest_fraction,
        verdict=Verdict.REPRODUCED,
        cell="fig-variance-ratio",
    ),
)
