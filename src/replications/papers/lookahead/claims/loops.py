"""Claims about loops on the digits: around Adam, with an adaptive step, and inside figure 10."""

from __future__ import annotations

from functools import partial

import xarray as xr

from replications.core.claims import INCONCLUSIVE, REPRODUCED, Band, Kind, at_least, at_most, claim
from replications.core.estimates import Estimate, mean, paired, ratio
from replications.core.planted import same
from replications.papers.lookahead.experiments.adaptive_alpha import adaptive_alpha, final
from replications.papers.lookahead.experiments.sawtooth_digits import (
    drop,
    recovered,
    sawtooth_digits,
)

AUDIT = "lookahead-audit"
_adaptive = partial(claim, on=adaptive_alpha, cell="an-adaptive-step-is-another-rate", page=AUDIT)
_sawtooth = partial(claim, on=sawtooth_digits, cell="fig-sawtooth-digits")


MATCHED = "why alpha is fixed, at ten times Adam's default learning rate, against alpha = 0.3"


@_adaptive(
    kind=Kind.BLOG,
    place=MATCHED,
    expect=Band(
        0.8, 1.25, "a quarter more or less would still look similar; changed, see How we judge"
    ),
    verdict=REPRODUCED,
    planted=same("arm", "adaptive", "Adam"),
)
def lookahead_blog_adaptive_curve(result: xr.Dataset) -> Estimate:
    """The adaptive alpha converges much as a fixed one does."""
    adaptive, fixed = (final(result["loss"], arm, 0.01) for arm in ("adaptive", "matched"))
    how = "final training loss, adaptive / fixed at 0.3, lr 0.01"
    return ratio(adaptive.values, fixed.values, how)


@_adaptive(
    kind=Kind.BLOG,
    place=MATCHED,
    expect=at_least(0.0, "any gain confirms it; changed, see How we judge"),
    verdict=INCONCLUSIVE,
)
def lookahead_blog_adaptive_large(result: xr.Dataset) -> Estimate:
    """A fixed alpha generalises better than the adaptive one."""
    fixed, adaptive = (final(result["accuracy"], arm, 0.01) for arm in ("matched", "adaptive"))
    how = "points, fixed at 0.3 - adaptive, lr 0.01, by seed"
    return paired(fixed.values, adaptive.values, how)


@_adaptive(
    kind=Kind.CONTROL,
    place="why alpha is fixed, against Adam at half of its default learning rate",
    expect=Band(-0.5, 0.5, "half a point is what we call level"),
    verdict=REPRODUCED,
    planted=same("arm", "Adam at half the lr", "Adam"),
)
def lookahead_adaptive_rate(result: xr.Dataset) -> Estimate:
    """At Adam's default rate a fixed alpha of 0.5 is Adam at half the rate, to half a point."""
    fixed, half = (final(result["accuracy"], a, 0.001) for a in ("fixed", "Adam at half the lr"))
    return paired(fixed.values, half.values, "points, fixed - Adam at half, lr 0.001, by seed")


@_sawtooth(
    kind=Kind.PAPER,
    place="figure 10",
    expect=at_most(-0.2, "figure 10 shows drops of 0.2 to 0.65 points"),
    verdict=REPRODUCED,
    planted=same("step", 5, 0),
)
def lookahead_digits_sawtooth(result: xr.Dataset) -> Estimate:
    """Inside a loop the fast weights lose test accuracy."""
    return mean(drop(result, 0.1).values, "points from loop start to loop end, lr 0.1, by seed")


def _never_synchronised(result: xr.Dataset) -> xr.Dataset:
    """The next loop starts from the fast weights."""
    return result.assign(synchronised=result["accuracy"].isel(step=-1, drop=True))


@_sawtooth(
    kind=Kind.PAPER,
    place="figure 10",
    expect=at_least(-0.02, "0.02 points: a tenth of the smallest drop in figure 10"),
    verdict=REPRODUCED,
    planted=_never_synchronised,
)
def lookahead_digits_recovers(result: xr.Dataset) -> Estimate:
    """The synchronisation wins back what the loop has lost."""
    how = "points from slow weights to slow weights, lr 0.1, by seed"
    return mean(recovered(result).sel(lr=0.1).values, how)


@_sawtooth(
    kind=Kind.CONTROL,
    place="figure 10, with a gentle inner loop",
    expect=at_least(-0.1, "half of the smallest drop in figure 10"),
    verdict=REPRODUCED,
    planted=same("lr", 0.0125, 0.1),
)
def lookahead_digits_no_sawtooth(result: xr.Dataset) -> Estimate:
    """With a small learning rate there is no sawtooth."""
    return mean(drop(result, 0.0125).values, "points from start to end, lr 0.0125, by seed")
