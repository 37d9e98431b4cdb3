"""Claims about five optimisers, each at the best of the same learning rates."""

from __future__ import annotations

from functools import partial

import numpy as np
import xarray as xr

from replications.core.claims import INCONCLUSIVE, REPRODUCED, Band, Kind, at_least, at_most, claim
from replications.core.estimates import Estimate, paired
from replications.core.planted import swap
from replications.core.seeds import rng
from replications.papers.optimisers.experiments.race import AVERAGED, best_to_worst, halved, judged
from replications.papers.optimisers.experiments.races import on_digits, on_translation

_digits = partial(
    claim, on=on_digits, kind=Kind.CONTROL, place="ours, predicted", cell="fig-digits"
)
_translation = partial(
    claim, on=on_translation, kind=Kind.CONTROL, place="ours, predicted", cell="fig-translation"
)
POINTS = "points of held-out accuracy, {} - {}, paired t over judged seeds"
NATS = "held-out loss in nats, {} - {}, paired t over judged seeds"
SMALL = "half of what the split alone moves it by; nobody would choose for less"


def _points(result: xr.Dataset, one: str, other: str) -> Estimate:
    a, b = (judged(result, arm, "accuracy").values for arm in (one, other))
    return paired(a, b, POINTS.format(one, other))


def _nats(result: xr.Dataset, one: str, other: str) -> Estimate:
    a, b = (judged(result, arm, "loss").values for arm in (one, other))
    return paired(a, b, NATS.format(one, other))


def doublings(result: xr.Dataset, one: str, other: str, draws: int = 4000) -> Estimate:
    """How many doublings the best rate of one arm lies above another's: the rates with the lowest
    mean loss over all seeds, and over as many drawn anew, the same for both arms.
    """
    losses = [result["loss"].sel(arm=arm).transpose("seed", "lr").values for arm in (one, other)]
    n, rates = result.sizes["seed"], np.log2(result["lr"].values)
    drawn = rng(0, "doublings").integers(n, size=(draws, n))
    each = np.vstack([np.arange(n), drawn])  # first the seeds as they are
    above, below = (rates[loss[each].mean(1).argmin(1)] for loss in losses)
    value, found = (above - below)[0], (above - below)[1:]
    low, high = np.quantile(found, (0.025, 0.975), method="inverted_cdf")
    how = "doublings of the best rate, percentiles of a bootstrap over all seeds"
    return Estimate(float(value), float(min(low, value)), float(max(high, value)), n, how)


@_digits(
    expect=Band(
        -0.5,
        0.5,
        "a split moves accuracy by about 0.6 points; five ways to one minimum. Best and worst were "
        "first read off the judged seeds, now off those that choose: the same two",
    ),
    verdict=INCONCLUSIVE,
)
def optimisers_digits_range(result: xr.Dataset) -> Estimate:
    """On the digits the best of the five is half a point or less above the worst, each tuned."""
    return _points(result, *best_to_worst(result, "accuracy"))


@_digits(expect=Band(-0.3, 0.3, SMALL), verdict=INCONCLUSIVE)
def optimisers_digits_lookahead(result: xr.Dataset) -> Estimate:
    """There Lookahead around Adam neither gains nor loses against Adam."""
    return _points(result, "Lookahead(Adam)", "Adam")


@_digits(expect=Band(-0.3, 0.3, SMALL), verdict=INCONCLUSIVE)
def optimisers_digits_ranger(result: xr.Dataset) -> Estimate:
    """There Lookahead around RAdam ("Ranger") neither gains nor loses against Adam."""
    return _points(result, "Lookahead(RAdam)", "Adam")


@_digits(expect=Band(-0.3, 0.3, SMALL), verdict=INCONCLUSIVE)
def optimisers_digits_half(result: xr.Dataset) -> Estimate:
    """There Lookahead(Adam) at its best rate is Adam at half that rate."""
    one, other = halved(result, "accuracy")
    return paired(one.values, other.values, POINTS.format("Lookahead(Adam)", "Adam at half"))


@_digits(
    expect=at_least(
        1.0,
        "with alpha = 1/2 it moves half as far: one doubling, or more. First the rates of the ten "
        "choosing seeds as they were, 2 with no interval; now all twenty, drawn anew",
    ),
    verdict=INCONCLUSIVE,
)
def optimisers_digits_rate(result: xr.Dataset) -> Estimate:
    """There the best rate of Lookahead(Adam) is at least twice Adam's."""
    return doublings(result, "Lookahead(Adam)", "Adam")


@_digits(
    expect=at_least(-0.2, "a rate that falls to zero leaves an average of 50 steps nothing to do"),
    verdict=INCONCLUSIVE,
)
def optimisers_digits_averaging(result: xr.Dataset) -> Estimate:
    """There the running average of Adam's weights is as good as Lookahead's slow weights."""
    return _points(result, AVERAGED, "Lookahead(Adam)")


@_translation(
    expect=at_most(0.0, "the chapter on RAdam; any gain confirms it"),
    verdict=REPRODUCED,
    planted=swap("arm", "warm-up", "Adam"),
)
def optimisers_translation_warmup(result: xr.Dataset) -> Estimate:
    """On the Transformer warm-up ends below Adam also where both are tuned."""
    return _nats(result, "warm-up", "Adam")


@_translation(
    expect=at_most(0.0, "the chapter on RAdam; any gain confirms it"),
    verdict=REPRODUCED,
    planted=swap("arm", "RAdam", "Adam"),
)
def optimisers_translation_radam(result: xr.Dataset) -> Estimate:
    """There RAdam ends below Adam where both are tuned."""
    return _nats(result, "RAdam", "Adam")


@_translation(
    expect=Band(-0.2, 0.2, "a fifth of a nat is what two seeds of one arm differ by"),
    verdict=INCONCLUSIVE,
)
def optimisers_translation_tie(result: xr.Dataset) -> Estimate:
    """There RAdam and warm-up end level."""
    return _nats(result, "RAdam", "warm-up")


@_translation(
    expect=at_most(0.0, "any gain confirms it; but its first step is as bad as Adam's"),
    verdict=INCONCLUSIVE,
)
def optimisers_translation_lookahead(result: xr.Dataset) -> Estimate:
    """There Lookahead around Adam ends below Adam."""
    return _nats(result, "Lookahead(Adam)", "Adam")


@_translation(
    expect=at_most(0.0, "any gain confirms it; Lookahead mostly halves the rate"),
    verdict=INCONCLUSIVE,
)
def optimisers_translation_ranger(result: xr.Dataset) -> Estimate:
    """There Lookahead around RAdam ends below RAdam alone."""
    return _nats(result, "Lookahead(RAdam)", "RAdam")
