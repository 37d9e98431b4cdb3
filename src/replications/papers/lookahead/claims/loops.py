"""Claims about loops on the digits: around Adam, with an adaptive step, and inside figure 10."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from replications.core.claims import Band, Claim, Kind, Verdict
from replications.core.estimates import Estimate, mean, paired, ratio
from replications.papers.lookahead.experiments import (
    ADAM,
    ADAPTIVE_ALPHA,
    SAWTOOTH_DIGITS,
    adam,
    adaptive_alpha,
    sawtooth_digits,
)

_claim = partial(Claim, paper="zhang2019lookahead", tier="full")
BETTER = Band(0.0, math.inf, "any gain confirms it")


def _adam(result: adam.Result) -> Estimate:
    how = f"percentage points, mean of {len(result.lr)} learning rates, paired by seed"
    return paired(result.lookahead.mean(0), result.adam.mean(0), how)


def best_rates(result: adam.Result) -> tuple[int, int]:
    """Rows of the learning rates with the highest mean accuracy, Lookahead's and Adam's."""
    return int(result.lookahead.mean(1).argmax()), int(result.adam.mean(1).argmax())


def _adam_best(result: adam.Result) -> Estimate:
    ours, adams = best_rates(result)
    how = f"points, Lookahead at lr {result.lr[ours]:g} - Adam at {result.lr[adams]:g}, by seed"
    return paired(result.lookahead[ours], result.adam[adams], how)


def _adaptive_curve(result: adaptive_alpha.Result) -> Estimate:
    adaptive, fixed, _ = result.train_loss[:, 0, -1]
    return ratio(adaptive, fixed, "final training loss, adaptive / fixed, lr 0.001")


def _adaptive_gain(result: adaptive_alpha.Result, lr: int) -> Estimate:
    adaptive, fixed, _ = result.accuracy[:, lr, -1]
    return paired(fixed, adaptive, f"points, fixed - adaptive, lr {result.lr[lr]:g}, by seed")


def drop(result: sawtooth_digits.Result, lr: float) -> np.ndarray:
    """Points of test accuracy from the start of a loop to its end, mean over loops, by seed."""
    (row,) = np.flatnonzero(result.lr == lr)
    inside = result.accuracy[row]
    return (inside[..., -1] - inside[..., 0]).mean(1)


def _synchronised(result: sawtooth_digits.Result) -> Estimate:
    (row,) = np.flatnonzero(result.lr == 0.1)
    step = result.synchronised[row] - result.accuracy[row][..., 0]
    return mean(step.mean(1), "points from slow weights to slow weights, lr 0.1, by seed")


CLAIMS = (
    _claim(
        id="lookahead-blog-adam",
        place="introduction",
        kind=Kind.BLOG,
        says="Lookahead around Adam performs better than Adam.",
        expect=Band(
            0.0,
            math.inf,
            "any gain confirms it; each at its best rate, chosen on the same runs; judged rate for "
            "rate before a referee's look",
        ),
        experiment=ADAM,
        measure=_adam_best,
        verdict=Verdict.INCONCLUSIVE,
        cell="fig-lookahead-adam",
    ),
    _claim(
        id="lookahead-adam-same-lr",
        place="figure 8, with Adam inside",
        kind=Kind.CONTROL,
        says="On average over eight learning rates Lookahead around Adam beats Adam at the same.",
        expect=BETTER,
        experiment=ADAM,
        measure=_adam,
        verdict=Verdict.NOT_REPRODUCED,
        cell="fig-lookahead-adam",
    ),
    _claim(
        id="lookahead-blog-adaptive-curve",
        place="why alpha is fixed, at Adam's default learning rate",
        kind=Kind.BLOG,
        says="The adaptive alpha converges much as a fixed one does.",
        expect=Band(0.8, 1.25, "a quarter more or less would still look similar in a figure"),
        experiment=ADAPTIVE_ALPHA,
        measure=_adaptive_curve,
        verdict=Verdict.NOT_REPRODUCED,
        cell="fig-adaptive-alpha",
    ),
    _claim(
        id="lookahead-blog-adaptive-default",
        place="why alpha is fixed, at Adam's default learning rate",
        kind=Kind.BLOG,
        says="A fixed alpha generalises better than the adaptive one.",
        expect=BETTER,
        experiment=ADAPTIVE_ALPHA,
        measure=partial(_adaptive_gain, lr=0),
        verdict=Verdict.NOT_REPRODUCED,
        cell="fig-adaptive-alpha",
    ),
    _claim(
        id="lookahead-blog-adaptive-large",
        place="why alpha is fixed, at ten times that rate",
        kind=Kind.BLOG,
        says="A fixed alpha generalises better than the adaptive one.",
        expect=BETTER,
        experiment=ADAPTIVE_ALPHA,
        measure=partial(_adaptive_gain, lr=1),
        verdict=Verdict.REPRODUCED,
        cell="fig-adaptive-alpha",
    ),
    _claim(
        id="lookahead-digits-sawtooth",
        place="figure 10",
        kind=Kind.PAPER,
        says="Inside a loop the fast weights lose test accuracy.",
        expect=Band(-math.inf, -0.2, "figure 10 shows drops of 0.2 to 0.65 points"),
        experiment=SAWTOOTH_DIGITS,
        measure=lambda r: mean(drop(r, 0.1), "points from loop start to loop end, lr 0.1, by seed"),
        verdict=Verdict.REPRODUCED,
        cell="fig-sawtooth-digits",
    ),
    _claim(
        id="lookahead-digits-recovers",
        place="figure 10",
        kind=Kind.PAPER,
        says="The synchronisation wins back what the loop has lost.",
        expect=Band(-0.02, math.inf, "0.02 points: a tenth of the smallest drop in figure 10"),
        experiment=SAWTOOTH_DIGITS,
        measure=_synchronised,
        verdict=Verdict.REPRODUCED,
        cell="fig-sawtooth-digits",
    ),
    _claim(
        id="lookahead-digits-no-sawtooth",
        place="figure 10, with a gentle inner loop",
        kind=Kind.CONTROL,
        says="With a small learning rate there is no sawtooth.",
        expect=Band(-0.1, math.inf, "half of the smallest drop in figure 10"),
        experiment=SAWTOOTH_DIGITS,
        measure=lambda r: mean(drop(r, 0.0125), "points from start to end, lr 0.0125, by seed"),
        verdict=Verdict.REPRODUCED,
        cell="fig-sawtooth-digits",
    ),
)
