"""Claims about public implementations."""

from __future__ import annotations

from functools import partial

import xarray as xr

from replications.core.claims import NOT_REPRODUCED, REPRODUCED, Band, Kind, claim
from replications.core.estimates import Estimate, exact
from replications.core.planted import swap
from replications.papers.radam.experiments.implementations import apart, implementations

_claim = partial(claim, on=implementations, cell="fig-implementations", page="radam-audit")
CLOSE = Band(0.0, 0.1, "a tenth of one learning rate after 200 steps")


def _apart(result: xr.Dataset, rule: str) -> Estimate:
    how = "rms distance, 1000 coordinates, 200 steps, float64"
    return exact(apart(result, rule).item(), how, 1e-9)


@_claim(
    kind=Kind.CONTROL,
    place="our control, on the authors' copies and torch, decoupled",
    expect=CLOSE,
    verdict=REPRODUCED,
    planted=swap("rule", "authors, nmt", "torch, default"),
)
def radam_code_nmt(result: xr.Dataset) -> Estimate:
    """The authors' copies and torch follow Algorithm 2, but for one step (distance after 200
    steps).
    """
    return _apart(result, "authors, nmt")


@_claim(
    kind=Kind.CONTROL,
    place="our control, on torch.optim.RAdam",
    expect=CLOSE,
    verdict=NOT_REPRODUCED,
)
def radam_code_torch_decay(result: xr.Dataset) -> Estimate:
    """With weight decay torch's default follows the paper's decoupled decay (distance from
    Algorithm 2 after 200 steps).
    """
    return _apart(result, "torch, default")
