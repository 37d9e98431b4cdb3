"""Search in a box against a slope, up to 30 dimensions, at the compute of 80 training runs.

Ridge regression with one log decay a weight and four examples a weight, as where the price of a
slope is counted by dimension; the rate is fixed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
import xarray as xr

from replications.core.experiment import experiment, quantity
from replications.core.seeds import rng
from replications.papers.hypergradients import search
from replications.papers.hypergradients.experiments.tuning import SEARCHES, descend, row_by_row
from replications.papers.hypergradients.ways import Sizes, objective
from replications.problems.ridge import ridge
from replications.problems.ridge_training import RidgeTraining

SLOPE = "reverse mode"
Whole = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Config:
    """Sizes; all ours."""

    dims: tuple[int, ...] = (2, 8)
    draws: int = 2
    """Regression problems; each is one sample."""
    runs: int = 30
    """The budget, in training runs; the process's own arithmetic is not counted."""
    horizon: int = 32
    log_rate: float = -1.4
    box: tuple[float, float] = (-5.0, 2.0)
    """Of a log decay; the slope starts in its middle and is not held inside."""
    rates: tuple[float, ...] = (0.03, 0.1, 0.3)
    """Of Adam; the one with the best mean is shown."""
    floor: int = 1000
    """Updates of a long descent; the best loss that anything has seen is the floor."""


@experiment(quick=Config(), full=replace(Config(), dims=(2, 5, 10, 20, 30), draws=8, runs=80))
def box(config: Config) -> xr.Dataset:
    """What is left of the start's excess over the best loss known, by dimension and arm."""
    sizes = len(config.rates), config.draws
    arms = (*SEARCHES, SLOPE)
    left = np.empty((len(config.dims), len(arms), *sizes))
    for i, dim in enumerate(config.dims):
        count = Sizes(config.horizon, dim, dim)
        updates = int(config.runs * config.horizon / (config.horizon + count.backwards().gradients))
        edges = np.full(dim, config.box[0]), np.full(dim, config.box[1])
        for draw in range(config.draws):
            problem = RidgeTraining(ridge(draw, n=4 * dim, d=dim), config.horizon, knots=1)
            rate = torch.tensor([[config.log_rate]]).double()

            def whole(theta: torch.Tensor, rate: torch.Tensor = rate) -> torch.Tensor:
                return torch.cat([theta, rate.expand(len(theta), 1)], dim=1)

            def value(
                points: np.ndarray, problem: RidgeTraining = problem, whole: Whole = whole
            ) -> np.ndarray:
                return objective(problem, whole(torch.from_numpy(points))).numpy()

            def slope(
                theta: torch.Tensor, problem: RidgeTraining = problem, whole: Whole = whole
            ) -> torch.Tensor:
                return problem.gradient(whole(theta[None])[0])[:-1]

            start = torch.full((dim,), sum(config.box) / 2).double()
            first = value(start[None].numpy())
            found = {
                name: np.repeat(find(value, *edges, config.runs, rng(draw, name))[1], sizes[0])
                for name, find in zip(
                    SEARCHES, (search.at_random, search.gaussian_process), strict=True
                )
            }
            short = descend(*row_by_row(slope), start, config.rates, updates)
            found[SLOPE] = value(short.numpy())
            long = value(descend(*row_by_row(slope), start, (0.03,), config.floor).numpy())
            floor = min(long.min(), *(x.min() for x in found.values()))
            for j, arm in enumerate(arms):
                left[i, j, :, draw] = (found[arm] - floor) / (first - floor)
    return xr.Dataset(
        {
            "left": (
                ("dim", "arm", "rate", "draw"),
                left,
                {"long_name": "share of the start's excess loss that is left"},
            )
        },
        coords={
            "dim": list(config.dims),
            "arm": list(arms),
            "rate": list(config.rates),
            "draw": np.arange(config.draws),
        },
    )


@quantity
def left_by(result: xr.Dataset, arm: str, dim: int) -> xr.DataArray:
    """What an arm leaves with its best rate at a dimension, by draw."""
    own = result["left"].sel(arm=arm, dim=dim)
    return own.isel(rate=int(own.mean("draw").values.argmin()))
