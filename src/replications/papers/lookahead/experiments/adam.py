"""Lookahead around Adam on the digits, against Adam at the same and at half the learning rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from replications.core.experiment import experiment, quantity
from replications.papers.lookahead.training import Digits, Ensemble, train


@dataclass(frozen=True)
class Config:
    """Learning rates on both sides of Adam's best."""

    lr: tuple[float, ...] = (0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128)
    """Ours; each is twice the one before, so that the control is Adam's own neighbour."""
    alpha: float = 0.5
    """As in the paper's figure 8."""
    k: int = 5
    """As in the paper's figure 8."""
    batch: int = 32
    """As in the other sweeps."""
    epochs: int = 20
    """As in the other sweeps."""
    seeds: int = 5
    """Seeds 0, 1, ..."""


ARMS = ("Adam", "Adam at half the lr", "Lookahead")


@experiment(quick=Config(), full=Config(seeds=20))
def adam(config: Config) -> xr.Dataset:
    """Train all learning rates and seeds of a method at once."""
    if any(b != a / config.alpha for a, b in zip(config.lr, config.lr[1:], strict=False)):
        raise ValueError(f"lr must grow by 1/alpha = {1 / config.alpha:g}, got {config.lr}")
    lr = np.array(config.lr)

    def accuracies(lr: np.ndarray, k: int | None) -> np.ndarray:
        data = Digits(config.seeds, config.batch)
        rates = lr.repeat(config.seeds)
        ensemble = Ensemble(data.start(len(lr)), rates, 0.9, k, config.alpha, adam=True)
        return train(data, ensemble, config.epochs).accuracy

    alone = accuracies(lr, None)
    return xr.Dataset(
        {
            "accuracy": (
                ("arm", "lr", "seed"),
                np.stack([alone[1:], alone[:-1], accuracies(lr[1:], config.k)]),
                {"long_name": "test accuracy at the end", "units": "%"},
            )
        },
        coords={
            "arm": list(ARMS),
            "lr": ("lr", lr[1:], {"long_name": "learning rate"}),
            "seed": np.arange(config.seeds),
        },
    )


@quantity
def gain(result: xr.Dataset, arm: str = "Lookahead", over: str = "Adam") -> xr.DataArray:
    """Percentage points that one arm gets more right than another, by lr and seed."""
    return result["accuracy"].sel(arm=arm) - result["accuracy"].sel(arm=over)
