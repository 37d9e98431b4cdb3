"""Claims about real gradients, the first steps, and the choice of the learning rate."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from replications.core.claims import Band, Claim, Kind, Verdict
from replications.core.estimates import Estimate, mean, paired, ratio
from replications.papers.radam.experiments import (
    FIRST_STEPS,
    INDEPENDENCE,
    SENSITIVITY,
    first_steps,
    independence,
    sensitivity,
)

Inits = tuple[independence.Result, ...]
Starts = tuple[first_steps.Result, ...]
Sweeps = tuple[sensitivity.Result, ...]

_claim = partial(Claim, paper="liu2020variance", tier="full")
_gradients = partial(_claim, experiment=INDEPENDENCE, cell="fig-independence")
_steps = partial(
    _claim,
    experiment=FIRST_STEPS,
    kind=Kind.CONTROL,
    place="our control",
    cell="fig-first-steps",
)
_sweep = partial(_claim, experiment=SENSITIVITY, cell="fig-sensitivity")

PAPER_RATES = (0.1, 0.03, 0.01, 0.003)
GOOD = 0.9
"""Accuracy from which on a learning rate counts as good."""
CHOOSE = 5
"""Of the ten seeds; they choose the best rate, and the others judge it."""
RESTATED = "since a referee's look the rates are chosen on other seeds than those judged"


def _over_inits(field: str, index: int | None = None) -> Callable[[Inits], Estimate]:
    def measure(inits: Inits) -> Estimate:
        values = [getattr(r, field) if index is None else getattr(r, field)[index] for r in inits]
        return mean(values, "t over initialisations")

    return measure


def _variance_ratio(field: str, period: int) -> Callable[[Inits], Estimate]:
    def measure(inits: Inits) -> Estimate:
        at = [r.periods == period for r in inits]
        predicted = [getattr(r, field)[i].item() for r, i in zip(inits, at, strict=True)]
        real = [r.real[i].item() for r, i in zip(inits, at, strict=True)]
        return ratio(predicted, real, "predicted / real, paired t of the log over initialisations")

    return measure


def _first(field: str, a: str, b: str) -> Callable[[Starts], Estimate]:
    def measure(starts: Starts) -> Estimate:
        rows = [first_steps.METHODS.index(m) for m in (a, b)]
        first, second = ([getattr(r, field)[row, 0] for r in starts] for row in rows)
        return ratio(first, second, f"{a} / {b} at step 1, over initialisations")

    return measure


def _cosine(starts: Starts) -> Estimate:
    row = first_steps.METHODS.index("Adam")
    return mean([r.cosine[row, 0] for r in starts], "t over initialisations")


def pick(sweeps: Sweeps, method: str, long: bool) -> sensitivity.Result:
    """One method's sweep, of the short or of the long runs."""
    both = [r for r in sweeps if r.method == method]
    return (max if long else min)(both, key=lambda r: r.steps)


def _at_rate(sweeps: Sweeps, rate: float, long: bool) -> Estimate:
    radam, adam = (
        r.accuracy[r.learning_rates == rate][0]
        for r in (pick(sweeps, m, long) for m in ("RAdam", "Adam"))
    )
    return paired(radam, adam, "RAdam - Adam, paired t over seeds")


def tuned(a: str, b: str, long: bool, sweeps: Sweeps) -> Estimate:
    """Gain of `a` over `b`, each at the rate that is best on other seeds than those judged."""
    judged = []
    for method in (a, b):
        accuracy = pick(sweeps, method, long).accuracy
        best = accuracy[:, :CHOOSE].mean(axis=1).argmax()
        judged.append(accuracy[best, CHOOSE:])
    how = f"{a} - {b}, each at the rate best on other seeds, paired t"
    return paired(judged[0], judged[1], how)


def _spread(long: bool, sweeps: Sweeps) -> Estimate:
    result = pick(sweeps, "RAdam", long)
    rows = result.accuracy[np.isin(result.learning_rates, PAPER_RATES)]
    return mean(rows.max(axis=0) - rows.min(axis=0), "best - worst rate of a seed, t over seeds")


def good_range(result: sensitivity.Result) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the good range, log10, one pair a seed; accuracies interpolated between the rates."""
    order = np.argsort(result.learning_rates)
    rates = np.log10(result.learning_rates[order])
    fine = np.linspace(rates[0], rates[-1], 701)
    ends = []
    for accuracy in result.accuracy[order].T:
        good = fine[np.interp(fine, rates, accuracy) >= GOOD]
        ends.append((good.min(), good.max()) if len(good) else (math.nan, math.nan))
    low, high = np.array(ends).T
    return low, high


def _wider(long: bool, sweeps: Sweeps) -> Estimate:
    widths = [np.subtract(*good_range(pick(sweeps, m, long))[::-1]) for m in ("RAdam", "Adam")]
    return paired(widths[0], widths[1], "decades, RAdam - Adam, paired t over seeds")


def _moved(long: bool, sweeps: Sweeps) -> Estimate:
    lows = [good_range(pick(sweeps, m, long))[0] for m in ("RAdam", "Adam")]
    return paired(lows[0], lows[1], "decades, RAdam - Adam, paired t over seeds")


CLAIMS = (
    _gradients(
        id="radam-zero-mean",
        place="text, assumption",
        kind=Kind.PAPER,
        says="The gradients of the first steps are draws of N(0, sigma^2): few weights' gradients "
        "have a mean that a t-test tells from 0.",
        expect=Band(0.0, 0.1, "a test at 5 % rejects 5 % where the assumption holds"),
        measure=_over_inits("mean_rejected"),
        verdict=Verdict.NOT_REPRODUCED,
    ),
    _gradients(
        id="radam-blog-too-strong",
        place="reading note, twice",
        kind=Kind.BLOG,
        says="That all come from the same N(0, sigma^2) is too strong: the median weight's mean "
        "is not small against its standard deviation.",
        expect=Band(1.0, 4.0, "'not small': at least 1; the earlier study: 2.0"),
        measure=_over_inits("mean_over_sd", 2),
        verdict=Verdict.REPRODUCED,
    ),
    _gradients(
        id="radam-normal-shape",
        place="text, assumption",
        kind=Kind.PAPER,
        says="The gradients are normal: the shape is rejected for fewer than half of the weights.",
        expect=Band(0.0, 0.5, "half: with 360 draws the test sees small departures"),
        measure=_over_inits("shape_rejected"),
        verdict=Verdict.REPRODUCED,
    ),
    _gradients(
        id="radam-zero-mean-over-inits",
        place="footnote 2",
        kind=Kind.PAPER,
        says="Since the weights start as zero-mean normals, the gradients have mean 0: over "
        "random initialisations.",
        expect=Band(0.0, 0.1, "a test at 5 % rejects 5 % where the mean is 0"),
        measure=_over_inits("init_rejected"),
        verdict=Verdict.REPRODUCED,
    ),
    _gradients(
        id="radam-zero-mean-prediction",
        place="text, assumption",
        kind=Kind.PAPER,
        says="Zero-mean normals predict the variance of psi after 10 gradients.",
        expect=Band(0.5, 2.0, "a factor of 2, which is 1.4 in r_t"),
        measure=_variance_ratio("zero_mean", 10),
        verdict=Verdict.NOT_REPRODUCED,
    ),
    _gradients(
        id="radam-right-mean-prediction",
        place="our control",
        kind=Kind.CONTROL,
        says="Normals with the right mean predict the variance of psi after 10 gradients.",
        expect=Band(0.85, 1.15, "15 %: the earlier study had 1 to 6 %"),
        measure=_variance_ratio("right_mean", 10),
        verdict=Verdict.REPRODUCED,
    ),
    _steps(
        id="radam-same-variance",
        says="At step 1 psi has the same variance under RAdam as under Adam.",
        expect=Band(0.999, 1.001, "the same numbers up to rounding"),
        measure=_first("variance", "RAdam", "Adam"),
        verdict=Verdict.REPRODUCED,
    ),
    _steps(
        id="radam-other-step",
        says="Adam's first step is more than ten times as long as RAdam's.",
        expect=Band(10.0, math.inf, "an order of magnitude"),
        measure=_first("update", "Adam", "RAdam"),
        verdict=Verdict.REPRODUCED,
    ),
    _steps(
        id="radam-mostly-signal",
        says="Adam's first step is mostly signal: on two mini-batches it points the same way "
        "(mean cosine).",
        expect=Band(0.5, 1.0, "above 0.5 the common part outweighs the noise"),
        measure=_cosine,
        verdict=Verdict.REPRODUCED,
    ),
    _sweep(
        id="radam-robust-short",
        place="Figure 6",
        kind=Kind.PAPER,
        says="RAdam reaches the same accuracy from learning rates 0.1 to 0.003 (380 steps).",
        expect=Band(0.0, 0.02, "2 points: the paper's curves 'highly overlap'"),
        measure=partial(_spread, False),
        verdict=Verdict.NOT_REPRODUCED,
    ),
    _sweep(
        id="radam-robust-long",
        place="Figure 6",
        kind=Kind.PAPER,
        says="RAdam reaches the same accuracy from learning rates 0.1 to 0.003 (2850 steps).",
        expect=Band(0.0, 0.02, "2 points: the paper's curves 'highly overlap'"),
        measure=partial(_spread, True),
        verdict=Verdict.NOT_REPRODUCED,
    ),
    _sweep(
        id="radam-large-rate",
        place="Figure 6",
        kind=Kind.PAPER,
        says="At learning rate 0.1 RAdam beats Adam (380 steps).",
        expect=Band(0.0, 1.0, "any gain"),
        measure=partial(_at_rate, rate=0.1, long=False),
        verdict=Verdict.REPRODUCED,
    ),
    _sweep(
        id="radam-large-rate-long",
        place="Figure 6",
        kind=Kind.PAPER,
        says="At learning rate 0.1 RAdam beats Adam (2850 steps).",
        expect=Band(0.0, 1.0, "any gain"),
        measure=partial(_at_rate, rate=0.1, long=True),
        verdict=Verdict.INCONCLUSIVE,
    ),
    _sweep(
        id="radam-blog-always-better",
        place="reading note, on Table 1",
        kind=Kind.BLOG,
        says="RAdam is always better than Adam (each at its best learning rate, 2850 steps).",
        expect=Band(0.0, 1.0, f"any gain; judged at 0.001 at first, and failed; {RESTATED}"),
        measure=partial(tuned, "RAdam", "Adam", True),
        verdict=Verdict.INCONCLUSIVE,
    ),
    _sweep(
        id="radam-blog-always-better-short",
        place="reading note, on Table 1",
        kind=Kind.BLOG,
        says="RAdam is always better than Adam (each at its best learning rate, 380 steps).",
        expect=Band(0.0, 1.0, f"any gain; {RESTATED}"),
        measure=partial(tuned, "RAdam", "Adam", False),
        verdict=Verdict.INCONCLUSIVE,
    ),
    _sweep(
        id="radam-every-rate",
        place="our control",
        kind=Kind.CONTROL,
        says="RAdam is better than Adam at every learning rate, at 0.001 too (380 steps).",
        expect=Band(0.0, 1.0, "any gain"),
        measure=partial(_at_rate, rate=0.001, long=False),
        verdict=Verdict.NOT_REPRODUCED,
    ),
    _sweep(
        id="radam-blog-tuned-sgd",
        place="reading note, on Table 1",
        kind=Kind.BLOG,
        says="Well-tuned SGD is better than RAdam (each at its best learning rate, 2850 steps).",
        expect=Band(0.0, 1.0, f"any gain; {RESTATED}"),
        measure=partial(tuned, "SGD", "RAdam", True),
        verdict=Verdict.INCONCLUSIVE,
    ),
    _sweep(
        id="radam-range-wider",
        place="our control",
        kind=Kind.CONTROL,
        says="The range of learning rates with 90 % accuracy is wider for RAdam than for Adam "
        "(380 steps).",
        expect=Band(0.25, math.inf, "a quarter of a decade, half the distance of two rates"),
        measure=partial(_wider, False),
        verdict=Verdict.INCONCLUSIVE,
    ),
    _sweep(
        id="radam-range-wider-long",
        place="our control",
        kind=Kind.CONTROL,
        says="The range of learning rates with 90 % accuracy is wider for RAdam than for Adam "
        "(2850 steps).",
        expect=Band(0.25, math.inf, "a quarter of a decade, half the distance of two rates"),
        measure=partial(_wider, True),
        verdict=Verdict.NOT_REPRODUCED,
    ),
    _sweep(
        id="radam-range-moved",
        place="our control",
        kind=Kind.CONTROL,
        says="RAdam's range of good learning rates lies higher: its lower end has moved up "
        "(380 steps).",
        expect=Band(0.25, math.inf, "a quarter of a decade, half the distance of two rates"),
        measure=partial(_moved, False),
        verdict=Verdict.REPRODUCED,
    ),
)
