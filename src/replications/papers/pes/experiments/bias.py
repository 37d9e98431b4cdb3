"""Is the estimate unbiased, and for which gradient? Monte Carlo against exact means.

A random linear system, so that every expectation is known in closed form, under three losses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from replications.core.seeds import generator
from replications.methods.es_variance import (
    episode_es_variance,
    pes_variance,
    truncated_es_variance,
)
from replications.methods.evolution import NRES, PES, TruncatedES
from replications.papers.pes.experiments.outer import episode
from replications.problems.linear_unroll import LinearUnroll, Noise, later_losses, random_system

if TYPE_CHECKING:
    from jaxtyping import Float

LOSSES = ("linear", "quadratic", "cubic")
ARMS = ("PES", "NRES", "truncated ES")
NOISE: dict[str, Noise] = {
    "PES": "per window",
    "NRES": "per episode",
    "truncated ES": "truncated",
}


@dataclass(frozen=True)
class Config:
    """Sizes of the check; the paper has no such table, so all are ours."""

    units: int = 6
    """Small enough to see every coordinate."""
    dim: int = 3
    horizon: int = 24
    """Divisible by both windows."""
    windows: tuple[int, ...] = (1, 4)
    sigma: float = 0.3
    """Large enough for the cubic loss to feel the smoothing."""
    pairs: int = 40_000
    """Relative standard error of about one per cent at K = 1."""
    batches: int = 40
    """Independent groups of pairs, whose means give the intervals."""
    seed: int = 0


@dataclass(frozen=True)
class Result:
    """Estimates of a whole episode's gradient."""

    batch_means: Float[np.ndarray, "losses arms windows batches dim"]
    exact: Float[np.ndarray, "losses dim"]
    """The gradient of the loss itself."""
    own: Float[np.ndarray, "losses arms windows dim"]
    """The gradient of the loss as the method smooths (and truncates) it."""
    truncated: Float[np.ndarray, "losses windows dim"]
    """What truncated backpropagation returns."""
    variance: Float[np.ndarray, "arms windows batches"]
    """Trace variance of one pair under the linear loss, Monte Carlo over the exact formula."""
    formula: Float[np.ndarray, "arms windows"]
    """The formula over the squared length of the exact gradient."""

    def relative_error(self, loss: str, arm: str, window: int, target: str) -> np.ndarray:
        """Error along the target, in units of its length, for each batch of pairs.

        Args:
            loss: one of LOSSES.
            arm: one of ARMS.
            window: index into the config's windows.
            target: "exact", "own" or "truncated".
        """
        i, j = LOSSES.index(loss), ARMS.index(arm)
        goal = {
            "exact": self.exact[i],
            "own": self.own[i, j, window],
            "truncated": self.truncated[i, window],
        }[target]
        error: np.ndarray = (self.batch_means[i, j, window] - goal) @ goal / (goal @ goal)
        return error

    def z(self, loss: str, arm: str, window: int, target: str) -> np.ndarray:
        """z-score of every coordinate's error."""
        i, j = LOSSES.index(loss), ARMS.index(arm)
        goal = self.exact[i] if target == "exact" else self.own[i, j, window]
        samples = self.batch_means[i, j, window]
        spread = samples.std(axis=0, ddof=1) / len(samples) ** 0.5
        score: np.ndarray = (samples.mean(axis=0) - goal) / spread
        return score


def run(config: Config) -> Result:
    """Estimate every loss's gradient by every arm, each with noise of its own."""
    shape = (len(LOSSES), len(ARMS), len(config.windows))
    means = np.zeros((*shape, config.batches, config.dim))
    own = np.zeros((*shape, config.dim))
    exact = np.zeros((len(LOSSES), config.dim))
    truncated = np.zeros((len(LOSSES), len(config.windows), config.dim))
    variance = np.zeros((*shape[1:], config.batches))
    formula = np.zeros(shape[1:])
    for i, loss in enumerate(LOSSES):
        source = generator(config.seed, "system")
        problem = random_system(config.units, config.dim, config.horizon, loss, source)  # type: ignore[arg-type]  # LOSSES holds the literals
        theta = torch.randn(config.dim, generator=source, dtype=torch.float64)
        exact[i] = problem.expected_gradient(theta, 1).numpy()
        for k, window in enumerate(config.windows):
            truncated[i, k] = problem.truncated_gradient(theta, window).numpy()
            for j, arm in enumerate(ARMS):
                kind = {"PES": PES, "NRES": NRES, "truncated ES": TruncatedES}[arm]
                estimator = kind(window, config.sigma, config.pairs)
                noise_seed = generator(config.seed, "noise", loss, arm, window).initial_seed()
                samples = episode(estimator, problem, theta, noise_seed)
                groups = samples.view(config.batches, -1, config.dim)
                means[i, j, k] = groups.mean(dim=1).numpy()
                if loss == "linear":
                    expected = _formula(problem, theta, window, arm)
                    variance[j, k] = (groups.var(dim=1).sum(dim=1) / expected).numpy()
                    formula[j, k] = expected / (exact[i] @ exact[i])
                own[i, j, k] = problem.expected_gradient(
                    theta, window, config.sigma, NOISE[arm]
                ).numpy()
    return Result(means, exact, own, truncated, variance, formula)


def _formula(problem: LinearUnroll, theta: torch.Tensor, window: int, arm: str) -> float:
    if arm == "PES":
        return float(pes_variance(later_losses(problem.window_jacobian(theta, window))))
    if arm == "NRES":
        return float(episode_es_variance(problem.expected_gradient(theta, window)))
    own = problem.window_jacobian(theta, window, noise="truncated").sum(dim=1)
    return float(truncated_es_variance(own))


QUICK = Config()
