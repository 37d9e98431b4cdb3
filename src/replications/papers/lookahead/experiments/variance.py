"""Stationary variance of the slow weights, by chains run step by step, against Proposition 2."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from replications.core.seeds import generator
from replications.problems.noisy_quadratic import NoisyQuadratic

if TYPE_CHECKING:
    from jaxtyping import Float, Int


@dataclass(frozen=True)
class Config:
    """A grid of settings; each is run from zero until it is stationary."""

    x: tuple[float, ...] = (0.05, 0.1, 0.2, 0.5, 1.0, 1.4, 1.7, 1.9)
    """Learning rate times curvature. The paper allows 0 < x < 2; so small ones, 1, and near 2."""
    noise_variance: tuple[float, ...] = (0.25, 4.0, 0.5, 2.0, 0.25, 4.0, 3.0, 0.5)
    """One for each x. Not 1, where the variance cannot be told from its square."""
    alpha: tuple[float, ...] = (0.2, 0.5, 0.8)
    """Slow steps of the paper's own CIFAR grid."""
    k: tuple[int, ...] = (1, 2, 5, 20)
    """Odd and even; 5 is the paper's choice, 1 is SGD in disguise."""
    chains: int = 20_000
    """Independent chains a setting; one variance is then known to sqrt(2 / 20000) = 1 %."""
    transient: float = 1e-5
    """Share of the way to stationarity that may be left; far below the noise."""
    seed: int = 0
    """Of the normals."""


@dataclass(frozen=True)
class Result:
    """Variances on the grid."""

    x: Float[np.ndarray, " d"]
    noise_variance: Float[np.ndarray, " d"]
    alpha: Float[np.ndarray, " a"]
    k: Int[np.ndarray, " k"]
    sgd: Float[np.ndarray, " d"]
    """Theory for SGD with the same learning rate."""
    sgd_measured: Float[np.ndarray, " d"]
    theory: Float[np.ndarray, "a k d"]
    """Proposition 2."""
    measured: Float[np.ndarray, "a k d"]
    """Mean square of the chains' slow weights."""
    chains: int


QUICK = Config()
FULL = Config(chains=400_000)


def run(config: Config) -> Result:
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
    return Result(
        x=np.array(config.x),
        noise_variance=np.array(config.noise_variance),
        alpha=np.array(config.alpha),
        k=np.array(config.k),
        sgd=problem.sgd_variance(1.0).numpy(),
        sgd_measured=stationary(1.0, 1),
        theory=problem.lookahead_variance(1.0, alphas, ks).numpy(),
        measured=np.array([[stationary(alpha, k) for k in config.k] for alpha in config.alpha]),
        chains=config.chains,
    )
