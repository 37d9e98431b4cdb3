r"""A two-parameter toy: choose the learning rates with which gradient descent crosses a rugged
surface.

.. math::

    f(x) &= \sqrt{x_0^2 + 5} - \sqrt 5 + \sin^2(x_1) \exp(-5 x_0^2) + |x_1 - 100| / 4 \\
    x' &= x - \text{lr}_t \nabla f(x), \qquad
    \text{lr}_t = (1 - t/T)\, e^{\theta_0} + (t/T)\, e^{\theta_1}

from x = (1, 1); the loss of a step is f after it, an episode has T = 100 steps. :math:`x_1` has far
to go, so the best schedule starts with a large rate, and only late losses show it.

Setting: official code of :cite:t:`vicol2021unbiased` (toy_regression.py).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor


class ToyRegression:
    """The inner training run, with f's gradient written out.

    Args:
        horizon: steps T of an episode (official code: 100).
        dtype: of the state.
    """

    def __init__(self, horizon: int = 100, dtype: torch.dtype = torch.float64) -> None:
        if horizon < 1:
            raise ValueError(f"horizon must be at least 1, got {horizon}")
        self.horizon, self.dtype = horizon, dtype

    def init(self, n: int) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
        """x = (1, 1) for every particle; the two coordinates are separate tensors."""
        return torch.ones(n, dtype=self.dtype), torch.ones(n, dtype=self.dtype)

    def step(
        self,
        state: tuple[Float[Tensor, " n"], Float[Tensor, " n"]],
        theta: Float[Tensor, "n 2"],
        t: int,
    ) -> tuple[tuple[Float[Tensor, " n"], Float[Tensor, " n"]], Float[Tensor, " n"]]:
        """One step of gradient descent at the rate of step t, and f after it."""
        rates = theta.exp()
        rate = torch.lerp(rates[:, 0], rates[:, 1], t / self.horizon)
        x, y = state
        bump = torch.exp(-5 * x.square())
        slope_x = x * torch.rsqrt(x.square() + 5) - 10 * x * y.sin().square() * bump
        slope_y = torch.sin(2 * y) * bump + 0.25 * torch.sign(y - 100)
        x, y = x - rate * slope_x, y - rate * slope_y
        return (x, y), surface(x, y)

    def unroll(
        self,
        state: tuple[Float[Tensor, " n"], Float[Tensor, " n"]],
        theta: Float[Tensor, "n 2"],
        t: int,
        steps: int,
    ) -> tuple[tuple[Float[Tensor, " n"], Float[Tensor, " n"]], Float[Tensor, " n"]]:
        """The same steps with fewer operations: f and the next slope share their pieces."""
        x, y = state
        rates = theta.exp()
        first, last = rates[:, 0], rates[:, 1]
        loss = torch.zeros_like(x)
        root, sine, ripple, bump = _pieces(x, y)
        for i in range(t, t + steps):
            rate = torch.lerp(first, last, i / self.horizon)
            slope_x = torch.addcdiv(-10 * x * ripple, x, root)
            slope_y = 2 * sine * y.cos() * bump + 0.25 * torch.sign(y - 100)
            x = torch.addcmul(x, rate, slope_x, value=-1)
            y = torch.addcmul(y, rate, slope_y, value=-1)
            root, sine, ripple, bump = _pieces(x, y)
            loss += root + ripple + 0.25 * (y - 100).abs()
        return (x, y), loss - steps * math.sqrt(5)


def _pieces(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    square = x * x
    sine = y.sin()
    bump = (-5 * square).exp()
    return (square + 5).sqrt(), sine, sine * sine * bump, bump


def surface(x: Float[Tensor, "*n"], y: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    """f, the surface that the inner run descends."""
    valley = torch.sqrt(x.square() + 5) - math.sqrt(5)
    return valley + y.sin().square() * torch.exp(-5 * x.square()) + 0.25 * (y - 100).abs()
