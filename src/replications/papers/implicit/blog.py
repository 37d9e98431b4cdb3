r"""The blog's hypergradient, transcribed from its equations and its published code, with repairs.

Training loss: cross-entropy + sum theta_j^2 w_j^2, so the decay lambda = theta^2 has

    d2 L_T / dw dtheta = diag(4 theta w),      Hessian of the penalty = diag(2 theta^2).      (1)

The code takes the validation gradient v0 *with* the penalty, applies "the Hessian" of a copy of the
weights that only the penalty reads, and sums the series with a minus:

    v_j = v_{j-1} - b (2 theta^2) v_{j-1},     p = v_0 - v_1 - ... - v_i                       (2)
    update direction = 2 theta w^2 - 4 theta w p                                                 (3)

Each repair mends one of these. All of them together are the paper's algorithm.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True)
class Repairs:
    """What is mended; the default is the code as published."""

    plus: bool = False
    """Add the terms of the series; the code subtracts them."""
    hessian: bool = False
    """Use the Hessian of the whole training loss, not of the penalty alone."""
    factor: bool = False
    """Multiply the sum by the step b."""
    clean: bool = False
    """Leave the penalty out of the validation loss."""


ALL = Repairs(plus=True, hessian=True, factor=True, clean=True)


def blog_hypergradient(
    weights: Float[Tensor, "splits P"],
    theta: Float[Tensor, "splits P"],
    val_gradient: Float[Tensor, "splits P"],
    product: Callable[[Tensor], Tensor],
    terms: int,
    step: float,
    repairs: Repairs = Repairs(),
) -> tuple[Float[Tensor, "splits P"], Float[Tensor, "splits P"]]:
    """Equations (2) and (3) with the chosen repairs.

    Args:
        weights: flat weights of each split's network.
        theta: square roots of the decays.
        val_gradient: of the mean validation cross-entropy.
        product: product with the Hessian of the training loss, used by the repair `hessian`.
        terms: i of the blog; its default is 5.
        step: beta of the blog; its default is 0.1.
        repairs: what is mended.

    Returns:
        The update direction, and p, which should be the inverse Hessian times the validation
        gradient.
    """
    v = val_gradient.clone() if repairs.clean else val_gradient + 2 * theta**2 * weights
    direct = torch.zeros_like(theta) if repairs.clean else 2 * theta * weights**2
    p = v.clone()
    for _ in range(terms):
        v = v - step * (product(v) if repairs.hessian else 2 * theta**2 * v)
        p = p + v if repairs.plus else p - v
    if repairs.factor:
        p = step * p
    return direct - 4 * theta * weights * p, p
