"""Claims about real gradients, the first steps, and the choice of the learning rate.

They were committed together with the first records of these experiments, with bands from the
earlier study.
"""

from __future__ import annotations

from functools import partial

import xarray as xr

from replications.core.claims import (
    INCONCLUSIVE,
    NOT_REPRODUCED,
    REPRODUCED,
    Band,
    Kind,
    at_least,
    claim,
)
from replications.core.estimates import Estimate, mean, paired, ratio
from replications.core.planted import scaled, swap
from replications.papers.radam.experiments.first_steps import at_start, first_steps
from replications.papers.radam.experiments.independence import independence, median_mean
from replications.papers.radam.experiments.sensitivity import (
    gain,
    long_sweep,
    moved,
    short_sweep,
    spread,
    tuned,
    width,
)

AUDIT = "radam-audit"
_gradients = partial(claim, on=independence, cell="fig-independence", page=AUDIT)
_steps = partial(
    claim,
    on=first_steps,
    kind=Kind.CONTROL,
    place="our control",
    cell="fig-first-steps",
    page=AUDIT,
)
_short = partial(claim, on=short_sweep, cell="fig-sensitivity", page=AUDIT)
_long = partial(claim, on=long_sweep, cell="fig-sensitivity", page=AUDIT)

ANY = Band(0.0, 1.0, "any gain")
ANY_CHANGED = Band(0.0, 1.0, "any gain; changed after a first look, see How we judge")
OVERLAP = Band(0.0, 0.02, "2 points: the paper's curves 'highly overlap'")
QUARTER = at_least(0.25, "a quarter of a decade, half the distance of two rates")


def _over_inits(values: xr.DataArray) -> Estimate:
    return mean(values.values, "t over initialisations")


def _variance_ratio(result: xr.Dataset, law: str) -> Estimate:
    at_10 = result["variance"].sel(period=10)
    how = "predicted / real, paired t of the log over initialisations"
    return ratio(at_10.sel(law=law).values, at_10.sel(law="real").values, how)


def mean_test(variable: str):  # type: ignore[no-untyped-def]
    """The test of the mean at frozen weights taken for another test."""
    return lambda result: result.assign({variable: result["mean_rejected"]})


@_gradients(
    kind=Kind.BLOG,
    place="reading note, twice",
    expect=Band(1.0, 4.0, "'not small': at least 1; the earlier study: 2.0"),
    verdict=REPRODUCED,
    planted=scaled("mean_over_sd", 360**0.5),  # the standard error for the standard deviation
)
def radam_blog_too_strong(result: xr.Dataset) -> Estimate:
    """That all come from the same N(0, sigma^2) is too strong: the median weight's mean is not
    small against its standard deviation.
    """
    return _over_inits(median_mean(result))


@_gradients(
    kind=Kind.PAPER,
    place="text, assumption",
    expect=Band(0.0, 0.5, "half: with 360 draws the test sees small departures"),
    verdict=REPRODUCED,
    planted=mean_test("shape_rejected"),
)
def radam_normal_shape(result: xr.Dataset) -> Estimate:
    """The gradients are normal: the shape is rejected for fewer than half of the weights."""
    return _over_inits(result["shape_rejected"])


@_gradients(
    kind=Kind.PAPER,
    place="footnote 2",
    expect=Band(0.0, 0.1, "a test at 5 % rejects 5 % where the mean is 0"),
    verdict=REPRODUCED,
    planted=mean_test("init_rejected"),
)
def radam_zero_mean_over_inits(result: xr.Dataset) -> Estimate:
    """Since the weights start as zero-mean normals, the gradients have mean 0: over random
    initialisations.
    """
    return _over_inits(result["init_rejected"])


@_gradients(
    kind=Kind.CONTROL,
    place="our control, on the assumption",
    expect=Band(0.5, 2.0, "a factor of 2 in the variance; a constant one would cancel in r_t"),
    verdict=NOT_REPRODUCED,
)
def radam_zero_mean_prediction(result: xr.Dataset) -> Estimate:
    """Zero-mean normals predict the variance of psi after 10 gradients."""
    return _variance_ratio(result, "mean 0")


@_gradients(
    kind=Kind.CONTROL,
    place="our control",
    expect=Band(0.85, 1.15, "15 %: the earlier study had 1 to 6 %"),
    verdict=REPRODUCED,
    planted=swap("law", "right mean", "mean 0"),
)
def radam_right_mean_prediction(result: xr.Dataset) -> Estimate:
    """Normals with the right mean predict the variance of psi after 10 gradients."""
    return _variance_ratio(result, "right mean")


@_steps(
    expect=Band(0.5, 1.0, "above 0.5 the common part outweighs the noise"),
    verdict=REPRODUCED,
    planted=scaled("cosine", 0),  # copies that do not share their weights
)
def radam_mostly_signal(result: xr.Dataset) -> Estimate:
    """Adam's first step is mostly signal: on two mini-batches it points the same way (mean
    cosine).
    """
    return _over_inits(at_start(result, "cosine", "Adam"))


def _spread(result: xr.Dataset) -> Estimate:
    return mean(spread(result, "RAdam").values, "best - worst rate of a seed, t over seeds")


def _gain(result: xr.Dataset, lr: float) -> Estimate:
    return mean(gain(result, lr).values, "RAdam - Adam, paired t over seeds")


def _tuned(result: xr.Dataset, a: str, b: str) -> Estimate:
    how = f"{a} - {b}, each at the rate best on other seeds, paired t"
    return paired(tuned(result, a).values, tuned(result, b).values, how)


def _wider(result: xr.Dataset) -> Estimate:
    widths = [width(result, arm).values for arm in ("RAdam", "Adam")]
    return paired(widths[0], widths[1], "decades, RAdam - Adam, paired t over seeds")


@_short(
    kind=Kind.CONTROL, place="our control, after Figure 6", expect=OVERLAP, verdict=NOT_REPRODUCED
)
def radam_robust_short(result: xr.Dataset) -> Estimate:
    """RAdam reaches the same accuracy from learning rates 0.1 to 0.003 (380 steps)."""
    return _spread(result)


@_long(
    kind=Kind.CONTROL, place="our control, after Figure 6", expect=OVERLAP, verdict=NOT_REPRODUCED
)
def radam_robust_long(result: xr.Dataset) -> Estimate:
    """RAdam reaches the same accuracy from learning rates 0.1 to 0.003 (2850 steps)."""
    return _spread(result)


@_short(
    kind=Kind.CONTROL,
    place="our control, after Figure 6",
    expect=ANY,
    verdict=REPRODUCED,
    planted=swap("arm", "RAdam", "Adam"),
)
def radam_large_rate(result: xr.Dataset) -> Estimate:
    """At learning rate 0.1 RAdam beats Adam (380 steps)."""
    return _gain(result, 0.1)


@_long(kind=Kind.CONTROL, place="our control, after Figure 6", expect=ANY, verdict=INCONCLUSIVE)
def radam_large_rate_long(result: xr.Dataset) -> Estimate:
    """At learning rate 0.1 RAdam beats Adam (2850 steps)."""
    return _gain(result, 0.1)


@_long(kind=Kind.BLOG, place="reading note, on Table 1", expect=ANY_CHANGED, verdict=INCONCLUSIVE)
def radam_blog_always_better(result: xr.Dataset) -> Estimate:
    """RAdam is always better than Adam (each at its best learning rate, 2850 steps)."""
    return _tuned(result, "RAdam", "Adam")


@_short(kind=Kind.BLOG, place="reading note, on Table 1", expect=ANY_CHANGED, verdict=INCONCLUSIVE)
def radam_blog_always_better_short(result: xr.Dataset) -> Estimate:
    """RAdam is always better than Adam (each at its best learning rate, 380 steps)."""
    return _tuned(result, "RAdam", "Adam")


@_long(kind=Kind.BLOG, place="reading note, on Table 1", expect=ANY_CHANGED, verdict=INCONCLUSIVE)
def radam_blog_tuned_sgd(result: xr.Dataset) -> Estimate:
    """Well-tuned SGD is better than RAdam (each at its best learning rate, 2850 steps)."""
    return _tuned(result, "SGD", "RAdam")


@_short(kind=Kind.CONTROL, place="our control", expect=QUARTER, verdict=INCONCLUSIVE)
def radam_range_wider(result: xr.Dataset) -> Estimate:
    """The range of learning rates with 90 % accuracy is wider for RAdam than for Adam (380
    steps).
    """
    return _wider(result)


@_long(kind=Kind.CONTROL, place="our control", expect=QUARTER, verdict=NOT_REPRODUCED)
def radam_range_wider_long(result: xr.Dataset) -> Estimate:
    """The range of learning rates with 90 % accuracy is wider for RAdam than for Adam (2850
    steps).
    """
    return _wider(result)


@_short(
    kind=Kind.CONTROL,
    place="our control",
    expect=QUARTER,
    verdict=REPRODUCED,
    planted=swap("arm", "RAdam", "Adam"),
)
def radam_range_moved(result: xr.Dataset) -> Estimate:
    """RAdam's range of good learning rates lies higher: its lower end has moved up (380 steps)."""
    return mean(moved(result, "low").values, "decades, RAdam - Adam, paired t over seeds")
