"""The two-parameter toy: where each method's updates end up on the surface of the meta-loss."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import xarray as xr

from replications.core.experiment import experiment, quantity
from replications.core.seeds import generator
from replications.methods.backprop import TruncatedBPTT
from replications.methods.evolution import NRES, PES, TruncatedES
from replications.methods.rtrl import RTRL
from replications.methods.unroll_problem import unroll
from replications.methods.uoro import UORO
from replications.papers.pes.outer import descend
from replications.problems.toy_regression import ToyRegression

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

ARMS: dict[str, Any] = {
    "PES": PES(10, 0.3, 50),
    "NRES": NRES(10, 0.3, 50),
    "truncated ES, σ=1": TruncatedES(10, 1.0, 50),
    "truncated ES, σ=0.3": TruncatedES(10, 0.3, 50),
    "truncated BPTT": TruncatedBPTT(10),
    "RTRL": RTRL(1),
    "UORO": UORO(1),
}
"""K = 10, N = 100 and both sigmas of the official toy_regression.py; RTRL and UORO update every
step.
"""
DETERMINISTIC = ("truncated BPTT", "RTRL")


@dataclass(frozen=True)
class Config:
    """Settings of the official code."""

    theta: tuple[float, float] = (-4.0, -4.0)
    """Official code."""
    iterations: int = 20_000
    """Official code."""
    learning_rate: float = 0.01
    """Of Adam: official code."""
    betas: tuple[float, float] = (0.99, 0.999)
    """Official code."""
    replicates: int = 8
    """Noise seeds."""
    every: int = 100
    grid: int = 160
    """Points a side of the surface; official code: 2000."""
    span: float = 5.0
    """The surface covers [-span, span] in both coordinates: official code."""
    seed: int = 0


def meta_loss(theta: Float[Tensor, "*n 2"]) -> Float[Tensor, "*n"]:
    """Sum of the losses of one episode, without noise."""
    problem = ToyRegression()
    flat = theta.reshape(-1, 2)
    _, loss = unroll(problem, problem.init(len(flat)), flat, 0, problem.horizon)
    return loss.view(theta.shape[:-1])


@experiment(quick=Config(iterations=200, replicates=2, every=20, grid=120), full=Config())
def toy(config: Config) -> xr.Dataset:
    """Draw the surface and run every arm on it; deterministic arms repeat their one run."""
    axis = torch.linspace(-config.span, config.span, config.grid, dtype=torch.float64)
    grid = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), dim=-1)
    paths = []
    for name, estimator in ARMS.items():
        count = 1 if name.startswith(DETERMINISTIC) else config.replicates
        seeds = [generator(config.seed, name, i).initial_seed() for i in range(count)]
        path = descend(
            estimator,
            ToyRegression(),
            torch.tensor(config.theta, dtype=torch.float64).repeat(count, 1),
            seeds,
            config.iterations,
            partial(torch.optim.Adam, lr=config.learning_rate, betas=config.betas, foreach=False),
            config.every,
        )
        paths.append(path.transpose(0, 1).expand(config.replicates, -1, -1))
    path = torch.stack(paths)
    start = torch.tensor(config.theta, dtype=torch.float64)
    return xr.Dataset(
        {
            "surface": (
                ("last", "first"),
                meta_loss(grid).numpy().astype(np.float32),
                {"long_name": "meta-loss"},
            ),
            "path": (
                ("arm", "seed", "update", "parameter"),
                path.numpy().astype(np.float32),
                {"long_name": "theta"},
            ),
            "loss": (
                ("arm", "seed", "update"),
                meta_loss(path).numpy(),
                {"long_name": "meta-loss, the sum over an episode"},
            ),
            "start": ((), float(meta_loss(start)), {"long_name": "meta-loss at the start"}),
        },
        coords={
            "arm": list(ARMS),
            "seed": np.arange(config.replicates),
            "update": np.arange(0, config.iterations + 1, config.every),
            "parameter": ["first", "last"],
            "first": ("first", axis.numpy(), {"long_name": "log of the first rate"}),
            "last": ("last", axis.numpy(), {"long_name": "log of the last rate"}),
        },
    )


@quantity
def final_loss(result: xr.Dataset, arm: str) -> xr.DataArray:
    """Meta-loss after the last update, by seed."""
    return result["loss"].sel(arm=arm, update=result["update"].max())


@quantity
def median_end(result: xr.Dataset, arm: str) -> xr.DataArray:
    """Median of the last meta-losses."""
    return final_loss(result, arm).median("seed")


@quantity
def last_theta(result: xr.Dataset, arm: str) -> xr.DataArray:
    """Theta after the last update, by seed and parameter."""
    return result["path"].sel(arm=arm, update=result["update"].max())


@quantity
def lowest(result: xr.Dataset) -> xr.DataArray:
    """Lowest point of the drawn grid."""
    return result["surface"].min()
