"""Claims about scale, overfitted validation sets and learned images."""

from __future__ import annotations

from functools import partial

import xarray as xr

from replications.core.claims import REPRODUCED, Band, Kind, at_least, claim
from replications.core.estimates import Estimate, mean, paired
from replications.core.planted import same
from replications.papers.implicit.experiments.distill import distill, score
from replications.papers.implicit.experiments.overfit import ARMS, TUNED, at_end, overfit

_overfit = partial(
    claim,
    on=overfit,
    kind=Kind.PAPER,
    place="Figure 5, on 8x8 digits, one hidden layer",
    verdict=REPRODUCED,
    cell="fig-overfitting",
    planted=same("arm", TUNED, ARMS[0]),  # decays that never move
)
_control = partial(
    claim,
    on=distill,
    kind=Kind.CONTROL,
    place="not in the paper",
    expect=Band(0.0, 1.0, "better"),
    verdict=REPRODUCED,
    cell="fig-distilled",
    planted=same("training_set", "Neumann 20", "noise"),  # pixels that never learn
)


@_overfit(
    expect=at_least(
        0.96, "at most two of 50 digits wrong; changed after a first look, see How we judge"
    )
)
def implicit_overfit_validation(result: xr.Dataset) -> Estimate:
    """One decay a weight fits 50 validation images almost perfectly."""
    return mean(at_end(result, "val").values, "final accuracy on 50 validation digits")


@_overfit(expect=Band(0.15, 1.0, "fifteen points, fixed by a pilot run"))
def implicit_overfit_gap(result: xr.Dataset) -> Estimate:
    """Test accuracy stays far below."""
    val, test = (at_end(result, name).values for name in ("val", "test"))
    return paired(val, test, "final validation minus test accuracy, paired by split")


@claim(
    on=distill,
    kind=Kind.PAPER,
    place="Figure 7, on 8x8 digits",
    expect=Band(0.89, 0.97, "0.92 to 0.94 in a pilot run, three points either way"),
    verdict=REPRODUCED,
    cell="fig-distilled",
    planted=same("training_set", "Neumann 20", "noise"),
)
def implicit_distill_accuracy(result: xr.Dataset) -> Estimate:
    """Ten learned images train a useful classifier."""
    how = "test accuracy of softmax regression on ten images, K = 20"
    return mean(score(result, "Neumann 20").values, how)


def _beats(result: xr.Dataset, other: str) -> Estimate:
    how = f"test accuracy, K = 20, minus that of {other}"
    return paired(score(result, "Neumann 20").values, score(result, other).values, how)


@_control()
def implicit_distill_real(result: xr.Dataset) -> Estimate:
    """They are worth more than one real image a class."""
    return _beats(result, "one real image a class")


@_control()
def implicit_distill_means(result: xr.Dataset) -> Estimate:
    """They are worth more than the ten class means."""
    return _beats(result, "class means")


@_control()
def implicit_distill_order(result: xr.Dataset) -> Estimate:
    """Here the order matters: 20 terms beat none."""
    return _beats(result, "Neumann 0")
