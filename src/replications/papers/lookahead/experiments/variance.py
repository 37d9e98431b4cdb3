"""Stationary variance of the slow weights, by chains run step by step, against Proposition 2."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr

from replications.core.experiment import experiment, quantity
from replications.core.seeds import generator
from replications.problems.noisy_quadratic import NoisyQuadratic


@dataclass(frozen=True)
class Config:
    """A grid of settings; each is run from zero until it is stationary."""

    x: tuple[float, ...] = (0.05, 0.1, 0.2, 0.5, 1.0, 1.4, 1.7, 1.9)
    """Learning rate times curvature. The paper allows 0 < x < 2; so small ones, 1, and near 2."""
    noise_variance: tuple[float, ...] = (0.25, 4.0, 0.5, 2.0, 0.25, 4.0, 3.0, 0.5)
    """One for each x. Not 1, where the variance cannot be told from its square."""
    alpha: tuple[float, ...] = (0.2, 0.5, 0.8)
    """Slow steps of the paper's CIFAR grid, as we remember it."""
    k: tuple[int, ...] = (1, 2, 5, 20)
    """Odd and even; 5 is the paper's choice, 1 is SGD in disguise."""
    chains: int = 20_000
    """Independent chains a setting; one variance is then known to sqrt(2 / 20000) = 1 %."""
    transient: float = 1e-5
    """Share of the way to stationarity that may be left; far below the noise."""
    seed: int = 0
    """Of the normals."""


@experiment(quick=Config(), full=Config(chains=400_000))
def variance(config: Config) -> xr.Dataset:
    """Simulate every (alpha, k), all x at once: each coordinate has its own."""
    problem = NoisyQuadratic(
        torch.tensor(config.x, dtype=torch.float64),
        torch.tensor(config.noise_variance, dtype=torch.float64),
    )
    gen = generator(config.seed, "variance")

    def stationary(alpha: float, k: int) -> np.ndarray:
        slowest = problem.contraction(1.0, alpha, k).abs().max().item()
        loops = math.ceil(math.log(config.transient) / (2 * math.log(slowest)))
        slow = problem.simulate(1.0, alpha, k, steps=loops * k, chains=config.chains, generator=gen)
        return slow.double().square().mean(0).numpy()

    alphas, ks = torch.tensor(config.alpha).double()[:, None], torch.tensor(config.k)
    sgd_measured = stationary(1.0, 1)
    measured = [[stationary(alpha, k) for k in config.k] for alpha in config.alpha]
    theory = problem.lookahead_variance(1.0, alphas, ks).numpy()
    grid = ("alpha", "k", "x")
    return xr.Dataset(
        {
            "theory": (grid, theory, {"long_name": "variance of the slow weights, Proposition 2"}),
            "measured": (grid, measured, {"long_name": "mean square of the chains' slow weights"}),
            "sgd": ("x", problem.sgd_variance(1.0).numpy(), {"long_name": "variance of SGD"}),
            "sgd_measured": ("x", sgd_measured, {"long_name": "mean square of chains of SGD"}),
            "chains": ((), config.chains, {"long_name": "chains of a setting"}),
        },
        coords={
            "alpha": list(config.alpha),
            "k": list(config.k),
            "x": ("x", list(config.x), {"long_name": "learning rate times curvature"}),
            "noise_variance": ("x", list(config.noise_variance), {"long_name": "noise variance"}),
        },
    )


@quantity
def relative(result: xr.Dataset) -> xr.DataArray:
    """Simulated over predicted variance, setting by setting."""
    return result["measured"] / result["theory"]


@quantity
def scores(result: xr.Dataset) -> xr.DataArray:
    """Simulated - predicted variance in standard errors."""
    return (relative(result) - 1) / np.sqrt(2 / result["chains"])


@quantity
def share_of_sgd(result: xr.Dataset) -> xr.DataArray:
    """Simulated variance over that of simulated SGD at the same learning rate."""
    return result["measured"] / result["sgd_measured"]


@quantity
def over_squared_noise(result: xr.Dataset, noise_variance: float = 4.0) -> xr.DataArray:
    """Simulated variance of SGD over the blog's formula, whose Sigma is squared, at one noise."""
    printed = result["sgd"] * result["noise_variance"]
    at = result["noise_variance"].values.tolist().index(noise_variance)
    return (result["sgd_measured"] / printed).isel(x=at)
