"""The loops that the experiments share: estimate, update, remember; and one whole episode."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor


def descend(
    estimator: Any,
    problem: Any,
    theta: Float[Tensor, "R P"],
    seeds: Sequence[int],
    iterations: int,
    optimizer: Callable[[list[Tensor]], torch.optim.Optimizer],
    every: int,
) -> Float[Tensor, "points R P"]:
    """Update theta after every window, all replicates as one batch.

    Args:
        estimator: any of the chapter's gradient estimators.
        problem: what it unrolls.
        theta: first parameters, one row a replicate.
        seeds: of the estimator, one a replicate.
        iterations: how many updates.
        optimizer: makes a torch optimizer for a list of parameters.
        every: updates between two remembered points.

    Returns:
        Theta before the first update and after each `every`-th.
    """
    theta = theta.clone().requires_grad_()
    update = optimizer([theta])
    state = estimator.init(problem, theta, seeds)
    path = [theta.detach().clone()]
    for i in range(1, iterations + 1):
        theta.grad, state, _ = estimator.step(state, theta)
        update.step()
        if i % every == 0:
            path.append(theta.detach().clone())
    return torch.stack(path)


def episode(
    estimator: Any, problem: Any, theta: Float[Tensor, " P"], seed: int
) -> Float[Tensor, "pairs P"]:
    """Per-pair estimates of one whole episode's gradient at fixed theta."""
    state = estimator.init(problem, theta, seed)
    total: Any = 0.0
    while True:
        _, state, info = estimator.step(state, theta)
        total = total + info.per_pair
        if info.done:
            return total
