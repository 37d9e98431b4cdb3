"""How large a learning rate Lookahead stands: found by running it, beyond 2 / L."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import xarray as xr

from replications.core.experiment import experiment, quantity
from replications.core.seeds import generator
from replications.problems.noisy_quadratic import NoisyQuadratic


@dataclass(frozen=True)
class Config:
    """Settings whose limit is sought, and learning rates whose variance is measured."""

    alpha: tuple[float, ...] = (0.2, 0.5, 0.8, 0.5)
    """Slow steps of the paper's CIFAR grid, as we remember it, paired with k."""
    k: tuple[int, ...] = (5, 5, 5, 4)
    """The paper's 5 three times, and an even number, which behaves otherwise."""
    finest: float = 5e-4
    """Distance of the learning rates between which a limit is located."""
    loops: int = 4000
    """Long enough to tell growth from decay at that distance."""
    x: tuple[float, ...] = (0.5, 1.0, 1.5, 1.8, 1.9, 1.95, 2.0, 2.05, 2.1, 2.15, 2.2)
    """Learning rate times curvature, for the variance at alpha = 0.5, k = 5."""
    noise_variance: float = 0.25
    """Not 1."""
    chains: int = 20_000
    """Independent chains."""
    seed: int = 0
    """Of the normals."""


@experiment(quick=Config())
def stability(config: Config) -> xr.Dataset:
    """Locate the limits without noise; then measure variances with it."""
    x = torch.arange(1.9, 2.7, config.finest, dtype=torch.float64)
    silent = NoisyQuadratic(x, torch.zeros_like(x))
    gen = generator(config.seed, "stability")
    limits = []
    for alpha, k in zip(config.alpha, config.k, strict=True):
        end = silent.simulate(
            1.0, alpha, k, steps=config.loops * k, chains=1, generator=gen, start=1.0
        )
        grown = int((end[0].abs() < 1).logical_not().int().argmax())  # the first that has grown
        limits.append(float(x[grown]) - config.finest / 2)

    points = torch.tensor(config.x, dtype=torch.float64)
    problem = NoisyQuadratic(points, torch.full_like(points, config.noise_variance))
    slowest = problem.contraction(1.0, 0.5, 5).abs().max().item()
    loops = math.ceil(math.log(1e-5) / (2 * math.log(slowest)))  # 1e-5 of the way is left
    slow = problem.simulate(1.0, 0.5, 5, steps=5 * loops, chains=config.chains, generator=gen)
    unit = NoisyQuadratic(torch.ones(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64))
    formula = unit.max_stable_lr(torch.tensor(config.alpha), torch.tensor(config.k)).numpy()
    theory = problem.lookahead_variance(1.0, 0.5, 5).numpy()
    measured = slow.double().square().mean(0).numpy()
    return xr.Dataset(
        {
            "limit": (
                "setting",
                limits,
                {"long_name": "where a run without noise stops shrinking", "units": "1 / L"},
            ),
            "limit_theory": ("setting", formula, {"long_name": "its formula", "units": "1 / L"}),
            "resolution": (
                (),
                config.finest / 2,
                {"long_name": "half-width of the interval of a limit", "units": "1 / L"},
            ),
            "theory": ("x", theory, {"long_name": "variance at alpha = 0.5, k = 5"}),
            "measured": ("x", measured, {"long_name": "mean square of the chains"}),
            "chains": ((), config.chains, {"long_name": "chains"}),
            "noise_variance": ((), config.noise_variance, {"long_name": "noise variance"}),
        },
        coords={
            "alpha": ("setting", list(config.alpha)),
            "k": ("setting", list(config.k)),
            "x": ("x", list(config.x), {"long_name": "learning rate times curvature"}),
        },
    )


@quantity
def limit(result: xr.Dataset, alpha: float, k: int) -> xr.DataArray:
    """The limit of one setting, in units of 1 / L."""
    chosen = (result["alpha"] == alpha) & (result["k"] == k)
    return result["limit"].where(chosen, drop=True).squeeze("setting")
