"""Public code, claimed to follow Algorithm 1: the largest distance from it on a small problem."""

from __future__ import annotations

from functools import partial

import xarray as xr

from replications.core.claims import NOT_REPRODUCED, Band, Kind, claim
from replications.core.estimates import Estimate, exact
from replications.papers.lookahead.experiments.public_rules import largest, public_rules

_claim = partial(
    claim,
    on=public_rules,
    cell="fig-public-rules",
    kind=Kind.ERRATUM,
    expect=Band(0.0, 1e-9, "float64 rounding over 40 steps is far below"),
    verdict=NOT_REPRODUCED,
)


def _deviation(result: xr.Dataset, rule: str) -> Estimate:
    how = "largest distance from Algorithm 1 over that of start and optimum"
    return exact(largest(result, rule).item(), how, 1e-12)


@_claim(place="the authors' TensorFlow code (read, not run)")
def lookahead_rule_zero(result: xr.Dataset) -> Estimate:
    """Slow weights that start at zero follow Algorithm 1."""
    return _deviation(result, "slow weights start at zero")


@_claim(place="the authors' TensorFlow code (read, not run)")
def lookahead_rule_period(result: xr.Dataset) -> Estimate:
    """A counter that is compared before it is raised follows Algorithm 1."""
    return _deviation(result, "period k + 1")


@_claim(place="torch_optimizer 0.3.0")
def lookahead_rule_first_step(result: xr.Dataset) -> Estimate:
    """A first synchronisation after step 1, which copies the slow weights, follows Algorithm 1."""
    return _deviation(result, "first synchronisation after step 1")


@_claim(place="timm 1.0.31")
def lookahead_rule_late_copy(result: xr.Dataset) -> Estimate:
    """Slow weights copied when they are first needed follow Algorithm 1."""
    return _deviation(result, "slow weights copied at the first synchronisation")


@_claim(place="the authors' PyTorch code, c4fd85f")
def lookahead_rule_alias(result: xr.Dataset) -> Estimate:
    """A pull-back whose kept momentum is the buffer itself follows the pulled-back momentum."""
    return _deviation(result, "pullback, momentum aliased")


@_claim(place="the authors' PyTorch code, c4fd85f")
def lookahead_rule_checkpoint(result: xr.Dataset) -> Estimate:
    """A checkpoint without slow weights and counter resumes the run."""
    return _deviation(result, "checkpoint without slow weights, inside a loop")
