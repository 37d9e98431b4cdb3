"""What a random trial of two hyperparameters is worth, on the runs on which `digits` tunes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr

from replications.core.experiment import experiment, quantity
from replications.core.seeds import generator
from replications.papers.pes.experiments import digits


@dataclass(frozen=True)
class Config:
    """The task is that of `digits`."""

    horizon: int = 500
    seeds: int = 8
    trials: int = 300


@experiment(quick=Config(horizon=50, seeds=2, trials=20), full=Config())
def digits_trials(config: Config) -> xr.Dataset:
    """Uniform points in the box of random search, on every seed's tuning run."""
    losses = []
    for seed in range(config.seeds):
        task = digits.Config(horizon=config.horizon, seed=seed)
        source = generator(seed, "single trials")
        box = torch.tensor(task.low), torch.tensor(task.high)
        theta = torch.lerp(*box, torch.rand(config.trials, 2, generator=source))
        losses.append(digits.objective(digits.problem_of(task, "tuning", 0), theta).numpy())
    return xr.Dataset(
        {"loss": (("seed", "trial"), losses, {"long_name": "mean training loss, nan if diverged"})},
        coords={"seed": np.arange(config.seeds)},
    )


@quantity
def trials_to_reach(trials: xr.Dataset, tuned: xr.Dataset, arm: str) -> xr.DataArray:
    """Mean number of random trials until one is as good as an arm's end, by seed."""
    end = tuned["curve"].sel(arm=arm, update=tuned["update"].max())
    hits = (trials["loss"] <= end).sum("trial")
    return (trials.sizes["trial"] + 1) / (hits + 1)


@quantity
def best_of(trials: xr.Dataset, runs: np.ndarray) -> xr.DataArray:
    """Mean of the best of so many random trials, by seed; a diverged one counts as the worst."""
    loss = trials["loss"].fillna(trials["loss"].max("trial"))
    order = np.sort(loss.values, axis=1)
    left = 1 - np.arange(order.shape[1] + 1) / order.shape[1]
    weight = -np.diff(left[:, None] ** runs, axis=0)  # the smallest of n is the i-th in order
    return xr.DataArray(order @ weight, dims=("seed", "runs"), coords={"runs": runs})
