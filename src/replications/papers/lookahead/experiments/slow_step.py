"""The best slow step: Proposition 1 against the parabola itself, without noise and with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from replications.core.seeds import generator
from replications.methods.lookahead import lookahead_pull
from replications.papers.lookahead.experiments.convergence import decaying_spectrum
from replications.problems.noisy_quadratic import pulled_moment
from replications.problems.slow_step import optimal_alpha, optimal_alpha_noisy

if TYPE_CHECKING:
    from jaxtyping import Float, Int


@dataclass(frozen=True)
class Config:
    """Random quadratics for the plain step, the noisy model for the other."""

    problems: int = 1000
    """Random positive definite quadratics for each k."""
    dimension: int = 8
    """Of each."""
    k: tuple[int, ...] = (2, 5, 10, 11)
    """Inner steps of plain gradient descent: two even, two odd."""
    largest_x: float = 1.95
    """The learning rate times the largest curvature is uniform in (0, this)."""
    noisy_lr: tuple[float, ...] = (0.1, 0.4, 1.2)
    """Inner learning rates on the noisy model with 100 curvatures 1 / i."""
    noisy_k: int = 5
    """The paper's."""
    loops: int = 200
    """1000 inner steps."""
    seed: int = 0
    """Of the problems."""


@dataclass(frozen=True)
class Result:
    """Best slow steps."""

    k: Int[np.ndarray, " k"]
    formula: Float[np.ndarray, "k p"]
    """Proposition 1."""
    parabola: Float[np.ndarray, "k p"]
    """The lowest point of the loss along the line, from three of its values."""
    printed: Float[np.ndarray, "k p"]
    """The blog's fraction, as it stands there."""
    noisy_lr: Float[np.ndarray, " l"]
    noisy: Float[np.ndarray, "l t"]
    """Best slow step under noise, loop by loop, each loop having taken it (at most 1)."""


QUICK = Config()


def run(config: Config) -> Result:
    """Descend from random starts, then look along the line."""
    gen = generator(config.seed, "slow step")
    shape = (config.problems, config.dimension, config.dimension)
    formula, parabola, printed = [], [], []
    for k in config.k:
        root = torch.randn(shape, generator=gen, dtype=torch.float64)
        hessian = root @ root.mT / config.dimension
        hessian = hessian + 0.01 * torch.eye(config.dimension, dtype=torch.float64)
        start, optimum = torch.randn(2, *shape[:2], generator=gen, dtype=torch.float64)
        x = config.largest_x * torch.rand(config.problems, generator=gen, dtype=torch.float64)
        lr = (x / torch.linalg.eigvalsh(hessian)[:, -1])[:, None]
        end = start
        for _ in range(k):
            end = end - lr * _apply(hessian, end - optimum)
        formula.append(optimal_alpha(hessian, start, end, optimum))
        parabola.append(_lowest_point(hessian, start - optimum, end - optimum))
        numerator = ((start - optimum) * _apply(hessian, start - end)).sum(1)
        printed.append(numerator / numerator)  # both halves of the fraction are the same there
    problem = decaying_spectrum(100)
    noisy = []
    for lr in config.noisy_lr:
        q = (1 - lr * problem.curvature) ** config.noisy_k
        fed = (1 - q**2) * problem.sgd_variance(lr)
        moment = torch.ones_like(q)
        for _ in range(config.loops):
            alpha = optimal_alpha_noisy(problem, lr, config.noisy_k, moment)
            noisy.append(alpha)
            alpha = alpha.clamp(max=1)
            moment = pulled_moment(moment, q, fed, alpha)
    return Result(
        k=np.array(config.k),
        formula=torch.stack(formula).numpy(),
        parabola=torch.stack(parabola).numpy(),
        printed=torch.stack(printed).numpy(),
        noisy_lr=np.array(config.noisy_lr),
        noisy=torch.stack(noisy).view(len(config.noisy_lr), -1).numpy(),
    )


def _apply(matrix: Tensor, vector: Tensor) -> Tensor:
    return torch.einsum("nij,nj->ni", matrix, vector)


def _lowest_point(hessian: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """Of the parabola through the losses after slow steps of -1, 0 and 1."""
    losses = []
    for alpha in (-1.0, 0.0, 1.0):
        point = start.clone()
        lookahead_pull(point, end.clone(), alpha)
        losses.append(0.5 * (point * _apply(hessian, point)).sum(1))
    below, middle, above = losses
    return (below - above) / (2 * (below - 2 * middle + above))
