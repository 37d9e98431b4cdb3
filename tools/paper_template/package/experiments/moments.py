"""Moments of uniform numbers: an example to replace."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from replications.core.experiment import experiment, quantity
from replications.core.seeds import rng


@dataclass(frozen=True)
class Config:
    """Sizes of the experiment."""

    arm: str
    """How the centre is estimated: "mean" or "median"."""
    seeds: int = 100
    """Independent repetitions; cheap, so many."""
    draws: tuple[int, ...] = (100, 1000)
    """Uniform numbers in one repetition."""
    seed: int = 0
    """Of the stream from which all repetitions draw; the same numbers for every arm."""


QUICK = (Config("mean"), Config("median"))
FULL = tuple(replace(config, seeds=1000) for config in QUICK)


@experiment(quick=QUICK, full=FULL, along="arm")
def moments(config: Config) -> xr.Dataset:
    """Draw all repetitions at once; one config is one arm."""
    estimate = np.mean if config.arm == "mean" else np.median
    source = rng(config.seed, "uniform")
    centre = [estimate(source.uniform(size=(config.seeds, n)), axis=1) for n in config.draws]
    return xr.Dataset(
        {"centre": (("arm", "draws", "seed"), [centre], {"long_name": "estimate of the centre"})},
        coords={"arm": [config.arm], "draws": list(config.draws), "seed": np.arange(config.seeds)},
    )


@quantity
def centre(result: xr.Dataset, arm: str, draws: int = 1000) -> xr.DataArray:
    """The estimate of one arm, by seed."""
    return result["centre"].sel(arm=arm, draws=draws)


@quantity
def spread(result: xr.Dataset, arm: str) -> xr.DataArray:
    """Standard deviation of the estimates over the seeds, by draws."""
    return result["centre"].sel(arm=arm).std("seed", ddof=1)
