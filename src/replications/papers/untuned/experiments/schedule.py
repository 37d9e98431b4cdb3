"""The schedules, and what each leaves out of every step before RAdam begins to adapt. Exact."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from replications.core.experiment import experiment
from replications.methods.adam_variants import linear_warmup, untuned_warmup_steps
from replications.methods.rectification import rectification
from replications.methods.untuned_warmup import effective_period, exponential_warmup

LENGTH = {"linear": 1.0, "short": 0.1, "long": 10.0}
"""Of the linear warm-ups, in the rule's 2 / (1 - beta2)."""


def factors(arm: str, beta2: float, steps: int) -> np.ndarray:
    """Factor of Adam's rate at each step [steps]; RAdam's momentum steps are nan."""
    t = range(1, steps + 1)
    if arm == "RAdam":
        return np.asarray(rectification(np.array(t), beta2))
    if arm == "exponential":
        return np.array([exponential_warmup(step, beta2) for step in t])
    if arm == "Adam":
        return np.ones(steps)
    length = round(LENGTH[arm] * untuned_warmup_steps(beta2))
    return np.array([linear_warmup(step, length) for step in t])


@dataclass(frozen=True)
class Config:
    """Where the schedules are looked at."""

    beta2: tuple[float, ...] = (0.98, 0.99, 0.999, 0.9999)
    """From Transformers' habit to beyond Adam's default."""
    horizon: float = 40.0
    """Steps summed, in 1 / (1 - beta2); RAdam's factor is 1 to within e^-36 there."""


@experiment(quick=Config())
def schedule(config: Config) -> xr.Dataset:
    """Sum what each schedule leaves of every step."""
    arms, beta2 = ["RAdam", "linear", "exponential"], np.array(config.beta2)
    found = {a: [factors(a, b, round(config.horizon / (1 - b))) for b in beta2] for a in arms}
    lost = [[effective_period(f[~np.isnan(f)]) for f in found[arm]] * (1 - beta2) for arm in arms]
    units = {"long_name": "RAdam's: from its first adaptive step on", "units": "1 / (1 - beta2)"}
    momentum = [int(np.isnan(f).sum()) for f in found["RAdam"]]
    return xr.Dataset(
        {"lost": (("arm", "beta2"), lost, units), "momentum": ("beta2", momentum)},
        coords={"arm": arms, "beta2": beta2},
    )
