"""Claims about the centre of uniform numbers: examples, to replace."""

from __future__ import annotations

from functools import partial

import xarray as xr

from replications.core.claims import NOT_REPRODUCED, REPRODUCED, Band, Kind, claim
from replications.core.estimates import Estimate, mean, paired
from replications.core.planted import shifted
from replications.papers.SLUG.experiments.moments import centre, moments

_claim = partial(claim, on=moments, cell="fig-spread")


@_claim(
    kind=Kind.PAPER,
    place="Section 1",
    expect=Band(0.49, 0.51, "one unit in the printed second decimal"),
    verdict=REPRODUCED,
    planted=shifted("centre", 0.5),
)
def SLUG_mean(result: xr.Dataset) -> Estimate:
    """The mean of uniform numbers is one half."""
    return mean(centre(result, "mean").values, "Student's t over repetitions")


@_claim(
    kind=Kind.ERRATUM,
    place="Equation 1, as printed",
    cell="errata",
    page="SLUG-audit",
    expect=Band(0.0, 0.0, "as printed"),
    verdict=NOT_REPRODUCED,
)
def SLUG_mean_as_printed(result: xr.Dataset) -> Estimate:
    """The mean of uniform numbers is zero."""
    return mean(centre(result, "mean").values, "Student's t over repetitions")


@_claim(
    kind=Kind.CONTROL,
    place="not in the paper",
    expect=Band(-0.01, 0.01, "the same width as for the mean"),
    verdict=REPRODUCED,
    planted=lambda result: result.assign(centre=result["centre"].where(result.arm == "mean", 0.0)),
)
def SLUG_median(result: xr.Dataset) -> Estimate:
    """Mean and median agree."""
    how = "mean - median, paired t over repetitions"
    return paired(centre(result, "mean").values, centre(result, "median").values, how)
