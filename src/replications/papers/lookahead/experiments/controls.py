"""The best of each method in 1000 steps: Lookahead against decay and averaging, and in a decay."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr

from replications.core.experiment import experiment, quantity
from replications.problems.noisy_quadratic import decaying_spectrum
from replications.problems.schedules import averaged_loss, scheduled_loss


@dataclass(frozen=True)
class Config:
    """Every method gets the same grid of learning rates, and a grid of its own knob."""

    dimension: int = 100
    """Curvatures 1 / i, as in the convergence experiment."""
    steps: int = 1000
    """As there."""
    rates: int = 60
    """Learning rates, evenly spaced in log."""
    lowest: float = 0.01
    """Smallest learning rate."""
    highest: float = 1.9
    """Largest; SGD at a constant rate stands 2."""
    k: tuple[int, ...] = (5, 10, 20)
    """Inner steps of Lookahead, the first the paper's."""
    alphas: int = 50
    """Slow steps 0.02, ..., 1."""
    decayed_k: tuple[int, ...] = (5, 20)
    """Inner steps of Lookahead inside the linear decay: the extremes of k."""
    decays: tuple[float, ...] = (0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999)
    """Weights of the average."""


@experiment(quick=Config())
def controls(config: Config) -> xr.Dataset:
    """All by exact moments; nothing is simulated."""
    problem = decaying_spectrum(config.dimension)
    lr = torch.logspace(
        math.log10(config.lowest), math.log10(config.highest), config.rates, dtype=torch.float64
    )
    time = torch.arange(config.steps, dtype=torch.float64)[:, None] / config.steps
    schedules = {
        "SGD": torch.ones_like(time),
        # by 5, the paper's factor on CIFAR, at each third
        "SGD, step decay": 0.2 ** (3 * time).floor(),
        "SGD, cosine decay": (1 + (math.pi * time).cos()) / 2,
        "SGD, linear decay": 1 - time,
    }
    rows = {name: scheduled_loss(problem, shape * lr, 1.0) for name, shape in schedules.items()}
    decays = torch.tensor(config.decays, dtype=torch.float64)
    averaged = averaged_loss(problem, lr, decays[:, None], config.steps, 1.0)
    rows["SGD, averaged"] = averaged.amin(0)
    alphas = torch.arange(1, config.alphas + 1, dtype=torch.float64) / config.alphas
    constant = torch.stack(
        [
            problem.expected_loss(lr, alphas[:, None], k, steps=config.steps, start_variance=1.0)
            for k in config.k
        ]
    )
    for k, losses in zip(config.k, constant, strict=True):
        rows[f"Lookahead, k = {k}"] = losses.amin(0)
    for k in config.decayed_k:
        decayed = scheduled_loss(problem, (1 - time) * lr, 1.0, alphas[:, None], k)
        rows[f"Lookahead, k = {k}, linear decay"] = decayed.amin(0)
    return xr.Dataset(
        {
            "loss": (
                ("arm", "lr"),
                torch.stack(list(rows.values())).numpy(),
                {"long_name": "expected loss after the steps, best over the arm's own knob"},
            ),
            "constant": (
                ("k", "alpha", "lr"),
                constant.numpy(),
                {"long_name": "expected loss of Lookahead with a constant learning rate"},
            ),
        },
        coords={
            "arm": list(rows),
            "lr": ("lr", lr.numpy(), {"long_name": "(initial) learning rate"}),
            "k": list(config.k),
            "alpha": alphas.numpy(),
        },
    )


@quantity
def lowest_loss(result: xr.Dataset) -> xr.DataArray:
    """Of each arm, over the learning rates."""
    return result["loss"].min("lr")


@quantity
def best_alpha(result: xr.Dataset, k: int) -> xr.DataArray:
    """The slow step at which Lookahead with a constant learning rate is at its best."""
    losses = result["constant"].sel(k=k).min("lr")
    return losses.idxmin("alpha")


@quantity
def share(result: xr.Dataset, arm: str, of: str) -> xr.DataArray:
    """An arm's lowest loss over another's."""
    return lowest_loss(result).sel(arm=arm) / lowest_loss(result).sel(arm=of)


@quantity
def saved(result: xr.Dataset, arm: str, against: str = "SGD") -> xr.DataArray:
    """Percent by which an arm's lowest loss is below another's."""
    return 100 * (1 - share(result, arm, against))


@quantity
def saved_with(result: xr.Dataset, k: int, alpha: float) -> xr.DataArray:
    """Percent by which Lookahead with this alpha, at its best learning rate, is below SGD."""
    lowest = result["constant"].sel(k=k).sel(alpha=alpha, method="nearest").min("lr")
    return 100 * (1 - lowest / lowest_loss(result).sel(arm="SGD"))


@quantity
def lr_range(loss: xr.DataArray) -> float:
    """Largest over smallest learning rate within 10 % of the lowest loss, a valley in log lr."""
    lr, values = loss["lr"].values, loss.values
    best = int(values.argmin())
    low = np.interp(1.1 * values[best], values[best::-1], np.log(lr[best::-1]))
    high = np.interp(1.1 * values[best], values[best:], np.log(lr[best:]))
    return math.exp(high - low)
