"""Claims about the blog's code."""

from __future__ import annotations

from functools import partial

import numpy as np
import xarray as xr

from replications.core.claims import NOT_REPRODUCED, Band, Kind, claim
from replications.core.estimates import Estimate, exact, mean
from replications.papers.implicit.experiments.audit import audit

_code = partial(
    claim,
    on=audit,
    kind=Kind.ERRATUM,
    place="the post's code",
    verdict=NOT_REPRODUCED,
    cell="the-post-answered",
    page="implicit-audit",
)


@_code(expect=Band(0.9, 1.1, "a tenth; a right product has ratio 1"))
def implicit_erratum_hessian(result: xr.Dataset) -> Estimate:
    """The code multiplies by the Hessian of the training loss."""
    share = result["hessian_share"].mean("outer")
    return mean(share.values, "|H v| of the code's Hessian over that of the loss's")


def _spread(values: xr.DataArray, how: str) -> Estimate:
    """The mean with the largest deviation from it: the values are equal but for rounding."""
    return exact(float(values.mean()), how, float(np.abs(values - values.mean()).max()))


@_code(expect=Band(0.0, 1.0, "an inverse of a positive definite matrix keeps the half-space"))
def implicit_erratum_sign(result: xr.Dataset) -> Estimate:
    """The sum p points along the validation gradient (cosine at i = 5)."""
    return _spread(result["orders"], "cosine of p with the validation gradient, i = 5")


@_code(
    place="the post's code, dropout",
    expect=Band(0.0, 1e-2, "a hundredth: the first-order error is of that order"),
)
def implicit_erratum_stationary(result: xr.Dataset) -> Estimate:
    """The hypergradient is taken where the training gradient vanishes."""
    at_end = result["stationarity"].sel(outer=100)
    return mean(at_end.values, "norm of the training gradient at outer 100")
