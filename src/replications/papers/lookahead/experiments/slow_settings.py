"""The (k, alpha) grid of figure 9 and table 5 on the digits, with SGD beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from replications.core.experiment import experiment, quantity
from replications.papers.lookahead.training import Digits, Ensemble, train


@dataclass(frozen=True)
class Config:
    """A grid of slow settings at two places of the (lr, momentum) plane."""

    k: tuple[int, ...] = (5, 10, 20)
    """Table 5 has 5 and 10."""
    alpha: tuple[float, ...] = (0.2, 0.5, 0.8)
    """Table 5 has 0.5 and 0.8."""
    place: tuple[tuple[float, float], ...] = ((0.1, 0.9), (0.4, 0.95))
    """(lr, momentum): where SGD does well on this task, and where it fails."""
    batch: int = 32
    """As in the other sweeps."""
    epochs: int = 20
    """As in the other sweeps."""
    seeds: int = 4
    """Seeds 0, 1, ..."""


@experiment(quick=Config(), full=Config(seeds=20))
def slow_settings(config: Config) -> xr.Dataset:
    """Train all places, alphas and seeds of one k at once."""
    place, alpha = np.array(config.place), np.array(config.alpha)

    def maps(k: int | None, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        shape = (len(place), len(alpha), config.seeds)
        data = Digits(config.seeds, config.batch)
        lr, momentum = (
            np.broadcast_to(x[:, None, None], shape).ravel() for x in (place[:, 0], place[:, 1])
        )
        slow_step = np.broadcast_to(alpha[:, None], shape).ravel()
        ensemble = Ensemble(data.start(len(place) * len(alpha)), lr, momentum, k, slow_step)
        outcome = train(data, ensemble, config.epochs)
        return outcome.early_loss.reshape(shape), outcome.accuracy.reshape(shape)

    losses, accuracies = zip(*(maps(k, alpha) for k in config.k), strict=True)
    sgd_loss, sgd_accuracy = maps(None, np.ones(1))
    grid = ("lr", "k", "alpha", "seed")
    loss = {"long_name": "training loss before the first decay", "units": "nats"}
    accuracy = {"long_name": "test accuracy at the end", "units": "%"}
    return xr.Dataset(
        {
            "loss": (grid, np.stack(losses, axis=1), loss),
            "accuracy": (grid, np.stack(accuracies, axis=1), accuracy),
            "sgd_loss": (("lr", "seed"), sgd_loss[:, 0], loss),
            "sgd_accuracy": (("lr", "seed"), sgd_accuracy[:, 0], accuracy),
        },
        coords={
            "lr": ("lr", place[:, 0], {"long_name": "learning rate"}),
            "momentum": ("lr", place[:, 1]),
            "k": list(config.k),
            "alpha": alpha,
            "seed": np.arange(config.seeds),
        },
    )


@quantity
def gain(result: xr.Dataset) -> xr.DataArray:
    """Percentage points over SGD at the same learning rate and momentum."""
    return result["accuracy"] - result["sgd_accuracy"]


@quantity
def table_5(array: xr.DataArray) -> xr.DataArray:
    """The paper's four: k = 5, 10 and alpha = 0.5, 0.8, where SGD does well; [setting, seed]."""
    four = array.sel(lr=0.1, k=[5, 10], alpha=[0.5, 0.8])
    return four.stack(setting=("k", "alpha")).transpose("setting", "seed")
