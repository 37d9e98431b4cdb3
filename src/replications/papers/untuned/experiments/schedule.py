"""The schedules alone: how many full steps each costs, and when RAdam begins to adapt. Exact."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from replications.core.experiment import experiment, quantity
from replications.methods.adam_variants import linear_warmup, untuned_warmup_steps
from replications.methods.rectification import rectification
from replications.methods.untuned_warmup import effective_period, exponential_warmup


@dataclass(frozen=True)
class Config:
    """Where the schedules are looked at."""

    beta2: tuple[float, ...] = (0.98, 0.99, 0.999, 0.9999)
    """From Transformers' habit to beyond Adam's default."""
    horizon: float = 40.0
    """Steps summed, in 1 / (1 - beta2); RAdam's factor is 1 to within e^-36 there."""


def factors(arm: str, beta2: float, steps: int) -> np.ndarray:
    """The factor of each step [steps]; RAdam's momentum steps are nan."""
    t = range(1, steps + 1)
    if arm == "RAdam":
        return np.asarray(rectification(np.array(t), beta2))
    if arm == "exponential":
        return np.array([exponential_warmup(step, beta2) for step in t])
    return np.array([linear_warmup(step, untuned_warmup_steps(beta2)) for step in t])


@experiment(quick=Config())
def schedule(config: Config) -> xr.Dataset:
    """Sum what each schedule leaves of every step."""
    arms = ["RAdam", "linear", "exponential"]
    all_factors = [
        [factors(arm, b, round(config.horizon / (1 - b))) for b in config.beta2] for arm in arms
    ]
    lost = [
        [
            effective_period(f[~np.isnan(f)]) * (1 - b)
            for f, b in zip(row, config.beta2, strict=True)
        ]
        for row in all_factors
    ]
    momentum = [int(np.isnan(f).sum()) for f in all_factors[0]]
    return xr.Dataset(
        {
            "lost": (
                ("arm", "beta2"),
                lost,
                {"long_name": "effective period; RAdam's from its first adaptive step on",
                 "units": "1 / (1 - beta2)"},
            ),
            "momentum": ("beta2", momentum, {"long_name": "RAdam's steps before it adapts"}),
        },
        coords={"arm": arms, "beta2": list(config.beta2)},
    )  # fmt: skip


@quantity
def lost(result: xr.Dataset, arm: str) -> xr.DataArray:
    """Effective period of one schedule, in 1 / (1 - beta2), by beta2."""
    return result["lost"].sel(arm=arm)
