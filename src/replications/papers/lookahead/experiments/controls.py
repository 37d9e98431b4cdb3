"""The best of each method in 1000 steps: Lookahead against decay and averaging, and in a decay."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from replications.papers.lookahead.experiments.convergence import decaying_spectrum
from replications.problems.schedules import averaged_loss, scheduled_loss

if TYPE_CHECKING:
    from jaxtyping import Float, Int


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


@dataclass(frozen=True)
class Result:
    """Lowest expected loss after the steps, over the knob, at each learning rate."""

    lr: Float[np.ndarray, " r"]
    names: np.ndarray
    """Methods, [m] strings."""
    loss: Float[np.ndarray, "m r"]
    """inf where no setting is stable."""
    alpha: Float[np.ndarray, " a"]
    k: Int[np.ndarray, " k"]
    constant: Float[np.ndarray, "k a r"]
    """Lookahead with a constant learning rate, before the best alpha is taken."""


QUICK = Config()


def run(config: Config) -> Result:
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
    return Result(
        lr=lr.numpy(),
        names=np.array(list(rows)),
        loss=torch.stack(list(rows.values())).numpy(),
        alpha=alphas.numpy(),
        k=np.array(config.k),
        constant=constant.numpy(),
    )
