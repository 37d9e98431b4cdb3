"""The sawtooth: variance of the fast weights inside a loop of Lookahead."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr

from replications.core.experiment import experiment, quantity
from replications.core.seeds import generator
from replications.problems.noisy_quadratic import NoisyQuadratic


@dataclass(frozen=True)
class Config:
    """One setting of Lookahead on a few curvatures."""

    x: tuple[float, ...] = (0.05, 0.3, 1.0)
    """Learning rate times curvature: a flat, a middling and a sharp direction."""
    noise_variance: tuple[float, ...] = (4.0, 2.0, 0.5)
    """One for each x; not 1."""
    alpha: float = 0.5
    """As in the paper's figure 8."""
    k: int = 5
    """As in the paper's figures 8 and 10."""
    blocks: int = 20
    """Independent blocks of chains, the samples of the interval."""
    chains: int = 2_000
    """Chains in a block."""
    loops: int = 60
    """Loops before the measured one; the flattest direction then is stationary to 1e-6."""
    seed: int = 0
    """Of the normals."""


@experiment(quick=Config())
def inner_loop(config: Config) -> xr.Dataset:
    """Bring the chains to stationarity, then walk one loop and look after each step."""
    problem = NoisyQuadratic(
        torch.tensor(config.x, dtype=torch.float64),
        torch.tensor(config.noise_variance, dtype=torch.float64),
    )
    chains, gen = config.blocks * config.chains, generator(config.seed, "inner loop")
    weights = problem.simulate(
        1.0, config.alpha, config.k, steps=config.loops * config.k, chains=chains, generator=gen
    )
    squares = [weights.double().square()]
    for _ in range(config.k):
        weights = problem.simulate(1.0, steps=1, chains=chains, generator=gen, start=weights)
        squares.append(weights.double().square())
    blocks = torch.stack(squares, 1).unflatten(0, (config.blocks, config.chains)).mean(1)
    steps = torch.arange(config.k + 1)
    sgd = problem.sgd_variance(1.0)
    theory = (problem.inner_variance(1.0, config.alpha, config.k, steps) / sgd).numpy()
    share = {"units": "variance of SGD at the same learning rate"}
    return xr.Dataset(
        {
            "theory": (("step", "x"), theory, {"long_name": "variance of the weights"} | share),
            "measured": (
                ("block", "step", "x"),
                (blocks / sgd).numpy(),
                {"long_name": "mean square of a block's chains"} | share,
            ),
        },
        coords={
            "step": ("step", steps.numpy(), {"long_name": "inner steps done"}),
            "x": ("x", list(config.x), {"long_name": "learning rate times curvature"}),
            "block": np.arange(config.blocks),
        },
    )


@quantity
def tooth(result: xr.Dataset) -> xr.DataArray:
    """Variance of the fast weights at the end of a loop over that of the slow ones, by theory."""
    return result["theory"].isel(step=-1) / result["theory"].sel(step=0)
