"""A module-level experiment that worker processes can import."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from replications.core.claims import Claim, Kind, Verdict, at_most
from replications.core.estimates import exact
from replications.core.experiment import experiment


@dataclass(frozen=True)
class Config:
    """How many numbers to add."""

    n: int


def run(config: Config) -> xr.Dataset:
    """Add 0 to n-1."""
    total = np.arange(config.n).sum()
    return xr.Dataset({"total": ("n", [total], {"units": "1"})}, coords={"n": [config.n]})


plain = experiment("plain", quick=Config(3))(run)
grid = experiment(
    "grid", quick=(Config(2), Config(3)), full=(Config(3), Config(4), Config(5)), along="n"
)(run)


def toy_claim(**changed: Any) -> Claim:
    """A claim on the sum that nobody registers, reproduced unless it is changed."""
    usual = {
        "id": "toy-sum",
        "slug": "toy",
        "place": "Table 1",
        "kind": Kind.PAPER,
        "says": "The sum is three.",
        "expect": at_most(3.0, "integers are exact"),
        "on": (plain,),
        "tier": "quick",
        "measure": lambda result: exact(result["total"].sum().item(), "added"),
        "verdict": Verdict.REPRODUCED,
        "cell": "fig-sum",
        "page": "toy",
    }
    return Claim(**{**usual, **changed})
