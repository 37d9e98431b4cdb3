"""Formulas run as they are printed, beside the algorithm that they stand for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from replications.core.seeds import generator
from replications.methods.lookahead import lookahead_pull

if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True)
class Config:
    """Short runs of Lookahead over SGD on random diagonal quadratics."""

    problems: int = 200
    """Each with its own curvature, start and noise."""
    lr: float = 0.3
    """Times curvatures in (0.1, 1)."""
    alpha: float = 0.5
    """As in the paper's figure 8."""
    k: int = 5
    """As in the paper's figure 8."""
    loops: int = 8
    """Loops of the run."""
    seed: int = 0
    """Of problems and noise."""


@dataclass(frozen=True)
class Result:
    """Slow weights at the end."""

    algorithm: Float[np.ndarray, " p"]
    """Algorithm 1."""
    average: Float[np.ndarray, " p"]
    """The exponential moving average with the exponents that follow from it."""
    average_printed: Float[np.ndarray, " p"]
    """With the exponents as printed."""
    inner_printed: Float[np.ndarray, " p"]
    """The blog's inner update; a fast weight that is not set yet holds that of the loop before."""


QUICK = Config()


def run(config: Config) -> Result:
    """The same noise for all."""
    gen = generator(config.seed, "errata")
    a = 0.1 + 0.9 * torch.rand(config.problems, generator=gen, dtype=torch.float64)
    start = torch.randn(config.problems, generator=gen, dtype=torch.float64)
    c = torch.randn(config.loops, config.k, config.problems, generator=gen, dtype=torch.float64)

    phi, ends = start.clone(), []
    for t in range(config.loops):
        theta = phi
        for i in range(config.k):
            theta = theta - config.lr * a * (theta - c[t, i])
        ends.append(theta.clone())
        lookahead_pull(phi, theta, config.alpha)

    keep, last = 1 - config.alpha, config.loops - 1
    average = keep**config.loops * start
    printed = keep**last * start  # t counts from 0 there, and phi_{t+1} comes out
    for j, end in enumerate(ends):
        average = average + config.alpha * keep ** (last - j) * end
        printed = printed + config.alpha * keep ** min(last - j, last - 1) * end

    slow = start
    fast = [start] * (config.k + 1)
    for t in range(config.loops):
        fast[0] = slow
        for i in range(1, config.k + 1):
            fast[i] = fast[i] - config.lr * a * (fast[i - 1] - c[t, i - 1])
        slow = slow + config.alpha * (fast[config.k] - slow)
    return Result(*(w.numpy() for w in (phi, average, printed, slow)))
