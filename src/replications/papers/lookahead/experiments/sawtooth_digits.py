"""Test accuracy after every step inside the loops, as in figure 10, on the digits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from replications.core.experiment import experiment, quantity
from replications.papers.lookahead.training import Digits, Ensemble, epochs, gradients


@dataclass(frozen=True)
class Config:
    """Train at a constant learning rate, then watch some loops step by step."""

    setting: tuple[tuple[float, str], ...] = (
        (0.0125, "maintain"),
        (0.05, "maintain"),
        (0.1, "maintain"),
        (0.2, "maintain"),
        (0.4, "reset"),
    )
    """(lr, inner_state): from a gentle inner loop to a wild one."""
    momentum: float = 0.9
    """The usual one."""
    k: int = 5
    """As in figure 10."""
    alpha: float = 0.5
    """As in the paper's figure 8."""
    batch: int = 32
    """As in the other sweeps."""
    epochs: int = 10
    """Before watching: the loss is then flat in the noisier settings."""
    loops: int = 24
    """Watched; figure 10 shows 12, of one run."""
    seeds: int = 5
    """Seeds 0, 1, ..."""


@experiment(quick=Config(), full=Config(seeds=40))
def sawtooth_digits(config: Config) -> xr.Dataset:
    """One ensemble of all seeds for each setting."""
    inside, after = [], []
    for lr, inner_state in config.setting:
        data = Digits(config.seeds, config.batch)
        ensemble = Ensemble(
            data.start(1),
            np.full(config.seeds, lr),
            config.momentum,
            config.k,
            config.alpha,
            inner_state,
        )
        for _ in epochs(data, ensemble, config.epochs):
            pass
        loops, synchronised = [], []
        for _ in range(config.loops):
            positions = [data.test_accuracy(ensemble.params)[0]]
            for _ in range(config.k):
                ensemble.inner_step(gradients(ensemble.params, *data.next_batch(1)))
                positions.append(data.test_accuracy(ensemble.params)[0])
            ensemble.synchronise()
            loops.append(np.stack(positions, axis=1))
            synchronised.append(data.test_accuracy(ensemble.params)[0])
        inside.append(np.stack(loops, axis=1))
        after.append(np.stack(synchronised, axis=1))
    return xr.Dataset(
        {
            "accuracy": (
                ("lr", "seed", "loop", "step"),
                np.stack(inside),
                {"long_name": "test accuracy", "units": "%"},
            ),
            "synchronised": (
                ("lr", "seed", "loop"),
                np.stack(after),
                {"long_name": "test accuracy after the synchronisation", "units": "%"},
            ),
        },
        coords={
            "lr": (
                "lr",
                np.array([lr for lr, _ in config.setting]),
                {"long_name": "learning rate"},
            ),
            "inner_state": ("lr", [state for _, state in config.setting]),
            "seed": np.arange(config.seeds),
            "loop": np.arange(config.loops),
            # 0: the slow weights
            "step": ("step", np.arange(config.k + 1), {"long_name": "inner step of the loop"}),
        },
    )


@quantity
def change(result: xr.Dataset) -> xr.DataArray:
    """Points of test accuracy since the start of the loop, mean over loops, by lr, seed, step."""
    accuracy = result["accuracy"]
    return (accuracy - accuracy.sel(step=0)).mean("loop")


@quantity
def drop(result: xr.Dataset, lr: float) -> xr.DataArray:
    """Points of test accuracy from the start of a loop to its end, mean over loops, by seed."""
    return change(result).sel(lr=lr).isel(step=-1)


@quantity
def recovered(result: xr.Dataset) -> xr.DataArray:
    """Points of test accuracy from the slow weights to the next ones, mean over loops."""
    return (result["synchronised"] - result["accuracy"].sel(step=0)).mean("loop")


@quantity
def wins_back(result: xr.Dataset, lr: float) -> xr.DataArray:
    """Share of the loops whose synchronised weights beat their last fast ones, by seed."""
    last = result["accuracy"].sel(lr=lr).isel(step=-1)
    return (result["synchronised"].sel(lr=lr) > last).mean("loop")
