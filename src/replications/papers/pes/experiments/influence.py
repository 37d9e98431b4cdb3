"""Influence balancing: who finds the optimum, who stands still, and who walks away.

Every method updates theta after every window; the reported loss is that of a fresh unroll of 500
steps under the current theta, in closed form.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
import xarray as xr

from replications.core.experiment import experiment, quantity
from replications.core.seeds import generator
from replications.methods.backprop import TruncatedBPTT
from replications.methods.evolution import NRES, PES, TruncatedES
from replications.methods.rtrl import RTRL
from replications.methods.uoro import UORO
from replications.papers.pes.outer import descend
from replications.problems.influence_balancing import InfluenceBalancing

ARMS: dict[str, tuple[Any, int, float]] = {
    # name: (estimator, steps of the system in one window, learning rate)
    "truncated BPTT, K=1": (TruncatedBPTT(1), 1, 1e-4),
    "truncated BPTT, K=10": (TruncatedBPTT(1), 10, 1e-4),
    "truncated BPTT, K=100": (TruncatedBPTT(1), 100, 1e-4),
    "RTRL": (RTRL(1), 1, 1e-4),
    "UORO": (UORO(1), 1, 1e-5),
    "truncated ES, N=1000": (TruncatedES(1, 0.1, 500), 1, 1e-4),
    "PES, N=1000": (PES(1, 0.1, 500), 1, 1e-4),
    "PES, N=100": (PES(1, 0.1, 50), 1, 1e-4),
    "PES, N=10": (PES(1, 0.1, 5), 1, 1e-4),
    "NRES, N=1000": (NRES(1, 0.1, 500), 1, 1e-4),
    "NRES, N=4": (NRES(1, 0.1, 2), 1, 1e-4),
}
"""Learning rates, K, N and sigma of the official influence_balancing.py; N below 1000 and NRES are
ours. NRES never redraws here, because the episode never ends."""
DETERMINISTIC = ("truncated BPTT", "RTRL")


@dataclass(frozen=True)
class Config:
    """Settings of the official code."""

    theta: float = 0.5
    """Official code."""
    iterations: int = 3000
    """Official code."""
    every: int = 50
    unroll: int = 500
    """Steps of the fresh unroll whose last loss is reported (official code)."""
    replicates: int = 8
    """Noise seeds; official code: one."""
    factors: int = 120
    """Windows K up to which c_K is tabulated."""
    seed: int = 0


@experiment(quick=Config(replicates=4), full=Config(replicates=16))
def influence(config: Config) -> xr.Dataset:
    """Run every arm, its replicates as one batch; deterministic arms repeat their one run."""
    losses = []
    measure = InfluenceBalancing()
    for name, (estimator, window, rate) in ARMS.items():
        count = 1 if name.startswith(DETERMINISTIC) else config.replicates
        seeds = [generator(config.seed, name, i).initial_seed() for i in range(count)]
        theta = torch.full((count, 1), config.theta, dtype=torch.float64)
        path = descend(
            estimator,
            InfluenceBalancing(window),
            theta,
            seeds,
            config.iterations,
            partial(torch.optim.SGD, lr=rate, foreach=False),
            config.every,
        )
        loss = measure.loss(path[..., 0], config.unroll).numpy()
        losses.append(np.broadcast_to(loss.T, (config.replicates, len(loss))))
    windows = np.arange(1, config.factors + 1)
    return xr.Dataset(
        {
            "loss": (
                ("arm", "seed", "update"),
                np.stack(losses),
                {"long_name": "loss of a fresh unroll; inf where theta has overflowed"},
            ),
            "factor": (
                "window",
                [measure.factor(k) for k in windows.tolist()],
                {"long_name": "c_K: positive where truncated backpropagation walks away"},
            ),
            "limit": ((), measure.limit()[0], {"long_name": "c_K of an endless window"}),
        },
        coords={
            "arm": list(ARMS),
            "seed": np.arange(config.replicates),
            "update": np.arange(0, config.iterations + 1, config.every),
            "window": ("window", windows, {"units": "steps"}),
        },
    )


@quantity
def final_loss(result: xr.Dataset, arm: str) -> xr.DataArray:
    """Loss after the last update, by seed."""
    return result["loss"].sel(arm=arm, update=result["update"].max())


@quantity
def median_power(result: xr.Dataset, arm: str) -> xr.DataArray:
    """Power of ten of the median last loss."""
    return xr.apply_ufunc(np.log10, final_loss(result, arm).median("seed"))


@quantity
def ended_below(result: xr.Dataset, arm: str, level: float) -> xr.DataArray:
    """Which runs end below a loss, by seed."""
    return final_loss(result, arm) < level


@quantity
def lowest_before_rise(result: xr.Dataset, arm: str, level: float = 1.0) -> xr.DataArray:
    """The lowest loss on the way of the runs that end above a level: the worst of these runs."""
    risen = ~ended_below(result, arm, level)
    return result["loss"].sel(arm=arm).min("update").where(risen).max("seed")
