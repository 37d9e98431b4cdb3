"""The schedules alone: how many full steps each costs, and when RAdam begins to adapt. Exact."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from replications.core.experiment import experiment
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
    arms = ("RAdam", "linear", "exponential")
    beta2 = np.array(config.beta2)
    found = {a: [factors(a, b, round(config.horizon / (1 - b))) for b in beta2] for a in arms}
    lost = [[effective_period(f[~np.isnan(f)]) for f in found[arm]] * (1 - beta2) for arm in arms]
    of_lost = {"long_name": "effective period; RAdam's from its first adaptive step on"}
    return xr.Dataset(
        {
            "lost": (("arm", "beta2"), lost, of_lost | {"units": "1 / (1 - beta2)"}),
            "momentum": ("beta2", [int(np.isnan(f).sum()) for f in found["RAdam"]]),
        },
        coords={"arm": list(arms), "beta2": beta2},
    )
