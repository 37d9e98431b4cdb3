"""The paper's Figure 9: the adaptive learning rate when gradients have a non-zero mean.

The paper labels the curves Var[1/v]; only 1/sqrt(v) fits its axes, and that is what we take.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr

from replications.core.experiment import experiment, quantity
from replications.core.seeds import generator
from replications.methods.rectification import adaptive_lr_variance, rectification, rho
from replications.problems.gaussian_gradients import exponential_average_moments


@dataclass(frozen=True)
class Config:
    """The size of the simulation."""

    means: tuple[float, ...] = (0.0, 0.001, 0.01, 0.1, 1.0, 10.0)
    """Of the gradients, whose standard deviation is 1; the paper's."""
    beta2: float = 0.999
    """The paper's."""
    trajectories: int = 5000
    """The paper's."""
    steps: int = 6000
    """The paper's."""
    shown: tuple[int, ...] = (
        *(5, 6, 7, 8, 10, 12, 15, 20, 25, 32, 40, 50, 65, 80, 100, 130, 170, 220, 300),
        *(400, 550, 750, 1000, 1400, 2000, 2800, 4000, 5000, 6000),
    )
    """Steps at which the variance over the trajectories is taken; like the paper's, from 5 on.
    Before, the sample variance has itself no finite variance."""
    seed: int = 0


@experiment(quick=Config())
def simulation(config: Config) -> xr.Dataset:
    """Simulate; one stream of noise z serves all means: (mu + z)^2 needs averages of z and z^2."""
    keep, take = config.beta2, 1 - config.beta2
    random = generator(config.seed, "noise")
    noise = torch.empty(config.trajectories)
    first = torch.zeros(config.trajectories)
    second = torch.zeros(config.trajectories)
    means = torch.tensor(config.means, dtype=torch.float64)[:, None]
    sampled = []
    for t in range(1, config.steps + 1):
        noise.normal_(generator=random)
        first.mul_(keep).add_(noise, alpha=take)
        second.mul_(keep).addcmul_(noise, noise, value=take)
        if t in config.shown:
            weight = 1 - keep**t
            average = means**2 + (2 * means * first.double() + second.double()) / weight
            sampled.append(average.rsqrt().var(dim=1))

    steps = np.array([t for t in config.shown if t <= config.steps])
    _, exact = exponential_average_moments(steps.tolist(), keep, config.means)
    both = ("step", "mu")
    return xr.Dataset(
        {
            "sampled": (both, torch.stack(sampled).numpy(), {"long_name": "sampled Var[psi_t]"}),
            "exact": (both, exact, {"long_name": "exact Var[psi_t]"}),
            "formula": (
                "step",
                adaptive_lr_variance(rho(steps, keep)),
                {"long_name": "equation (2) at rho_t, the paper's theory for mean 0"},
            ),
            "factor": ("step", rectification(steps, keep), {"long_name": "r_t of Algorithm 2"}),
        },
        coords={
            "step": steps,
            "mu": ("mu", list(config.means), {"long_name": "mean gradient", "units": "sd"}),
        },
        attrs={"trajectories": config.trajectories},
    )


@quantity
def variance(result: xr.Dataset, rectified: bool, kind: str = "exact") -> xr.DataArray:
    """Var[psi_t], or with r_t Var[r_t psi_t], "exact" or "sampled", by step and mean."""
    return result[kind] * result["factor"] ** 2 if rectified else result[kind]


@quantity
def spread(result: xr.Dataset, mu: float, rectified: bool, start: int) -> xr.DataArray:
    """The largest over the smallest exact variance from step `start` on."""
    late = variance(result, rectified).sel(mu=mu, step=slice(start, None))
    return late.max("step") / late.min("step")


@quantity
def rise(result: xr.Dataset, mu: float, start: int = 6) -> xr.DataArray:
    """The largest rectified variance from step `start` on over that at `start`."""
    late = variance(result, rectified=True).sel(mu=mu, step=slice(start, None))
    return late.max("step") / late.sel(step=start)
