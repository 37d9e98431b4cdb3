"""Claims about the ways as optimisers at equal compute."""

from __future__ import annotations

from functools import partial

import numpy as np
import xarray as xr

from replications.core.claims import INCONCLUSIVE, REPRODUCED, Kind, at_least, at_most, claim
from replications.core.estimates import Estimate, paired
from replications.core.planted import swap
from replications.papers.hypergradients.experiments.box import SLOPE, box, left_by
from replications.papers.hypergradients.experiments.tuning import (
    SEARCHES,
    final,
    ridge_tuning,
    toy_tuning,
)

_ridge = partial(
    claim, on=ridge_tuning, kind=Kind.CONTROL, place="ours, predicted", cell="fig-tuning"
)
_toy = partial(claim, on=toy_tuning, kind=Kind.CONTROL, place="ours, predicted", cell="fig-tuning")

_box = partial(claim, on=box, kind=Kind.CONTROL, place="ours, predicted", cell="fig-box")


def _log_ratio(result: xr.Dataset, one: str, other: str) -> Estimate:
    how = f"log of final loss, {one} - {other}, paired t"
    return paired(np.log(final(result, one).values), np.log(final(result, other).values), how)


@_ridge(
    expect=at_most(0.0, "200 points in 16 dimensions are few; any gain confirms it"),
    verdict=REPRODUCED,
    planted=swap("arm", "reverse mode", "random search"),
)
def hypergradients_tuned_random(result: xr.Dataset) -> Estimate:
    """With 16 hyperparameters reverse mode ends below random search of the same compute."""
    return _log_ratio(result, "reverse mode", "random search")


@_ridge(
    expect=at_most(0.0, "it can mend rates that are too slow; any gain confirms it"),
    verdict=REPRODUCED,
    planted=swap("arm", "reverse mode", "implicit, CG"),
)
def hypergradients_tuned_implicit(result: xr.Dataset) -> Estimate:
    """It ends below the implicit theorem, which cannot see the rates."""
    return _log_ratio(result, "reverse mode", "implicit, CG")


@_ridge(
    expect=at_least(0.0, "its noise is that of 16 hyperparameters and 4 pairs"),
    verdict=REPRODUCED,
    planted=swap("arm", "PES", "reverse mode"),
)
def hypergradients_tuned_pes(result: xr.Dataset) -> Estimate:
    """Where derivatives are usable PES ends above reverse mode."""
    return _log_ratio(result, "PES", "reverse mode")


@_ridge(
    expect=at_most(0.0, "the loss is smooth; any gain confirms it"),
    verdict=REPRODUCED,
    planted=swap("arm", *SEARCHES),
)
def hypergradients_process_random(result: xr.Dataset) -> Estimate:
    """A Gaussian process finds better values of 16 hyperparameters than random search."""
    return _log_ratio(result, "Gaussian process", "random search")


@_toy(expect=at_least(0.0, "500 points in two dimensions are many"), verdict=INCONCLUSIVE)
def hypergradients_toy_random(result: xr.Dataset) -> Estimate:
    """With two hyperparameters no way with a slope ends below random search of the same compute."""
    ways = [arm for arm in result["arm"].values.tolist() if arm not in SEARCHES]
    best = min(ways, key=lambda arm: float(final(result, arm).mean()))
    return _log_ratio(result, best, "random search")


@_toy(
    expect=at_most(
        -0.2,
        "a fifth less. We gave as the reason that reverse mode stops where derivatives explode, "
        "which is wrong: it stops on a smooth plateau",
    ),
    verdict=REPRODUCED,
    planted=swap("arm", "PES", "reverse mode"),
)
def hypergradients_toy_reverse(result: xr.Dataset) -> Estimate:
    """PES ends well below reverse mode."""
    return _log_ratio(result, "PES", "reverse mode")


def _difference(result: xr.Dataset, one: str, other: str, dim: int) -> Estimate:
    how = f"excess left, {one} - {other}, paired t over ridge problems"
    return paired(left_by(result, one, dim).values, left_by(result, other, dim).values, how)


@_box(
    expect=at_most(0.0, "it was ahead with 16 hyperparameters; any gain confirms it"),
    verdict=REPRODUCED,
    planted=swap("arm", *SEARCHES),
)
def hypergradients_box_process(result: xr.Dataset) -> Estimate:
    """With 30 hyperparameters a Gaussian process still ends below random search."""
    return _difference(result, "Gaussian process", "random search", 30)


@_box(
    expect=at_most(0.0, "26 exact slopes against 80 values; any gain confirms it"),
    verdict=REPRODUCED,
    planted=swap("arm", SLOPE, "Gaussian process"),
)
def hypergradients_box_slope(result: xr.Dataset) -> Estimate:
    """With 30 hyperparameters a descent by reverse mode ends below the Gaussian process."""
    return _difference(result, SLOPE, "Gaussian process", 30)


@_box(
    expect=at_most(0.0, "80 values in the plane are many; any gain confirms it"),
    verdict=INCONCLUSIVE,
)
def hypergradients_box_few(result: xr.Dataset) -> Estimate:
    """With two hyperparameters the Gaussian process ends below the descent."""
    return _difference(result, "Gaussian process", SLOPE, 2)
