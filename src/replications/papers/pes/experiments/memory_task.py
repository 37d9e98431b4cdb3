"""A memory task on which truncation should fail: does it?

The gradient of truncated methods for the weights of the bit is exactly zero in the mean. A control
replaces truncated ES's noisy estimate for these weights by that mean: whatever truncated ES learns
beyond it, its noise has found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from replications.core.seeds import generator
from replications.methods.backprop import BPTT, TruncatedBPTT
from replications.methods.evolution import NRES, PES, TruncatedES
from replications.problems.recall import Recall

if TYPE_CHECKING:
    from jaxtyping import Float

ARMS = (
    "BPTT",
    "truncated BPTT",
    "PES",
    "NRES",
    "truncated ES",
    "truncated ES, mean for the bit",
)


@dataclass(frozen=True)
class Config:
    """All ours: the paper's own memory task is not in the official code."""

    horizon: int = 20
    units: int = 8
    window: int = 5
    """Four windows an episode: the bit and the question are never in the same one."""
    pairs: int = 100
    sigma: float = 0.1
    learning_rate: float = 0.02
    """Of Adam, for every arm."""
    scale: float = 0.7
    """Of the first weights: too small for the untrained network to keep the bit."""
    episodes: int = 500
    """Every arm sees as many episodes; BPTT updates once in each, the others four times."""
    replicates: int = 16
    points: int = 25
    """How often the loss is remembered."""
    solved: float = 0.1
    """A final loss below this counts as solved (chance is log 2 = 0.69)."""
    seed: int = 0


@dataclass(frozen=True)
class Result:
    """Loss of a whole episode at theta, on the way."""

    loss: Float[np.ndarray, "arms points replicates"]
    episodes: Float[np.ndarray, " points"]
    bit_weight: Float[np.ndarray, "arms points replicates"]
    """Length of the bit's weights: zero at first."""
    solved: float


def run(config: Config) -> Result:
    """Train every arm from the same weights."""
    problem = Recall(config.horizon, config.units)
    start = problem.parameters(config.replicates, config.scale, generator(config.seed, "weights"))
    noisy = (config.window, config.sigma, config.pairs)
    estimators: dict[str, Any] = {
        "BPTT": BPTT(),
        "truncated BPTT": TruncatedBPTT(config.window),
        "PES": PES(*noisy),
        "NRES": NRES(*noisy),
        "truncated ES": TruncatedES(*noisy),
        "truncated ES, mean for the bit": TruncatedES(*noisy),
    }
    losses, weights = [], []
    every = config.episodes // config.points
    for name in ARMS:
        theta = start.clone().requires_grad_()
        adam = torch.optim.Adam([theta], lr=config.learning_rate, foreach=False)
        seeds = [generator(config.seed, name, i).initial_seed() for i in range(config.replicates)]
        estimator = estimators[name]
        state, done, track = estimator.init(problem, theta, seeds), 0, [theta.detach().clone()]
        while done < config.episodes:
            theta.grad, state, info = estimator.step(state, theta)
            if name.endswith("mean for the bit"):
                theta.grad[:, problem.bit_weights] = 0.0
            adam.step()
            done += info.done
            if info.done and done % every == 0:
                track.append(theta.detach().clone())
        path = torch.stack(track)
        losses.append(problem.solution_loss(path.flatten(0, 1)).view(path.shape[:2]).numpy())
        weights.append(path[..., problem.bit_weights].norm(dim=-1).numpy())
    return Result(
        loss=np.stack(losses),
        episodes=np.linspace(0, config.episodes, config.points + 1),
        bit_weight=np.stack(weights),
        solved=config.solved,
    )


QUICK = Config(episodes=200, points=20)
