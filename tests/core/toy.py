"""A module-level experiment that worker processes can import."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

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
