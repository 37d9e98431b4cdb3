"""The best slow step: Proposition 1 against the parabola itself, without noise and with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from replications.core.experiment import experiment, quantity
from replications.core.seeds import generator
from replications.methods.lookahead import lookahead_pull
from replications.problems.noisy_quadratic import decaying_spectrum, pulled_moment
from replications.problems.slow_step import optimal_alpha, optimal_alpha_noisy


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
    """As in the paper's figure 8."""
    loops: int = 200
    """1000 inner steps."""
    seed: int = 0
    """Of the problems."""


@experiment(quick=Config())
def slow_step(config: Config) -> xr.Dataset:
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
            moment = pulled_moment(moment, q, fed, alpha.clamp(max=1))
    each = ("k", "problem")
    return xr.Dataset(
        {
            "formula": (each, torch.stack(formula).numpy(), {"long_name": "Proposition 1"}),
            "parabola": (
                each,
                torch.stack(parabola).numpy(),
                {"long_name": "lowest point of the loss along the line, from three of its values"},
            ),
            "printed": (each, torch.stack(printed).numpy(), {"long_name": "the blog's fraction"}),
            "noisy": (
                ("lr", "loop"),
                torch.stack(noisy).view(len(config.noisy_lr), -1).numpy(),
                {"long_name": "best slow step under noise, each loop having taken it, at most 1"},
            ),
        },
        coords={
            "k": list(config.k),
            "problem": np.arange(config.problems),
            "lr": list(config.noisy_lr),
            "loop": np.arange(1, config.loops + 1),
        },
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


@quantity
def even(result: xr.Dataset) -> xr.DataArray:
    """Lowest points for the even k."""
    return result["parabola"].where(result["k"] % 2 == 0, drop=True)


@quantity
def share_below_one(result: xr.Dataset) -> xr.DataArray:
    """Share of the problems whose lowest point lies before the fast weights, by k."""
    return (result["parabola"] < 1).mean("problem")


@quantity
def relative_error(result: xr.Dataset, formula: str) -> xr.DataArray:
    """Of "formula" or "printed" against the lowest point, without its sign."""
    return abs(result[formula] / result["parabola"] - 1)
