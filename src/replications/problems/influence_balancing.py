r"""Influence balancing: a linear system on which truncated gradients point the wrong way.

State s in R^23, one parameter theta that pushes the first 10 units up and the last 13 down:

.. math::

    s' = A s + b \theta, \quad A = \tfrac12 I + \tfrac12 \text{superdiagonal}, \quad
    b = (+1 \times 10, -1 \times 13), \quad \text{loss } (s'_1 - 1)^2 / 2.

The first unit feels the others only after many steps, so a short window sees only the positive
pushes. A window of K steps whose loss is that of its last step has the gradient
:math:`(s_1 - 1) c_K`, with

.. math::

    c_K = d s_1 / d\theta \text{ over K steps} = \sum_{j < K} (A^j b)_1 \quad (1)

exactly. At the fixed point :math:`s_1 = -6 \theta`, the exact factor is :math:`c_\infty = -6`:
wherever :math:`c_K` is positive, truncated backpropagation walks away from the optimum
:math:`\theta = -1/6`.

Setting: Tallec and Ollivier 2017, and the official code of :cite:t:`vicol2021unbiased`
(influence_balancing.py).
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor


class InfluenceBalancing:
    """The endless linear system; one step of this object is a whole window of the system.

    Because the map is affine, K steps under one theta are a single matrix product: exact, and the
    reason why K does not cost anything.

    Args:
        window: steps K of the system to one step of the problem; the loss is that of the last
            (official code).
        units: size of the state (official code: 23).
        positive: how many units theta pushes up (official code: 10).
        dtype: of the state.
    """

    horizon = None

    def __init__(
        self,
        window: int = 1,
        units: int = 23,
        positive: int = 10,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        if window < 1 or not 0 <= positive <= units:
            raise ValueError(
                f"need window >= 1 and 0 <= positive <= units, got {window}, {positive}, {units}"
            )
        self.window, self.units, self.dtype = window, units, dtype
        self.positive = positive
        matrix, push = self.lifted(window)
        self._matrix, self._push = matrix.T.to(dtype), push.to(dtype)

    @cached_property
    def system(self) -> tuple[Float[Tensor, "S S"], Float[Tensor, " S"]]:
        """A and b of one step, in double precision."""
        eye = torch.eye(self.units, dtype=torch.float64)
        push = torch.ones(self.units, dtype=torch.float64)
        push[self.positive :] = -1
        return 0.5 * eye + 0.5 * eye.roll(1, dims=1).triu(1), push

    def lifted(self, steps: int) -> tuple[Float[Tensor, "S S"], Float[Tensor, " S"]]:
        r""":math:`A^k` and :math:`\sum_{j<k} A^j b`: k steps as one affine map."""
        matrix, push = self.system
        power, total = (torch.eye(self.units, dtype=torch.float64), torch.zeros_like(push))
        for _ in range(steps):
            power, total = matrix @ power, matrix @ total + push
        return power, total

    def init(self, n: int) -> Float[Tensor, "n S"]:
        """All units at 1 (official code)."""
        return torch.ones(n, self.units, dtype=self.dtype)

    def step(
        self, state: Float[Tensor, "n S"], theta: Float[Tensor, "n 1"], t: int
    ) -> tuple[Float[Tensor, "n S"], Float[Tensor, " n"]]:
        """Advance by one window of the system."""
        state = state @ self._matrix + theta * self._push
        return state, 0.5 * (state[:, 0] - 1).square()

    def unroll(
        self, state: Float[Tensor, "n S"], theta: Float[Tensor, "n 1"], t: int, steps: int
    ) -> tuple[Float[Tensor, "n S"], Float[Tensor, " n"]]:
        """Several steps as one product: the last state and every step's first unit are affine in
        (s, theta).
        """
        if steps == 1:
            return self.step(state, theta, t)
        out = torch.cat([state, theta], dim=1) @ self._readout(steps)
        misses = out[:, : steps - 1] - 1
        state = out[:, steps - 1 :]
        loss = torch.linalg.vecdot(misses, misses) + (state[:, 0] - 1).square()
        return state, 0.5 * loss

    def _readout(self, steps: int) -> Float[Tensor, "inputs outputs"]:
        """Columns: the first unit after steps 1, ..., steps-1, then the whole last state."""
        if steps not in self._readouts:
            rows = []
            for k in range(1, steps + 1):
                matrix, push = self.lifted(k * self.window)
                whole = torch.cat([matrix, push[:, None]], dim=1)
                rows.append(whole[:1] if k < steps else whole)
            self._readouts[steps] = torch.cat(rows).T.contiguous().to(self.dtype)
        return self._readouts[steps]

    @cached_property
    def _readouts(self) -> dict[int, Tensor]:
        return {}

    def factor(self, window: int) -> float:
        """:math:`c_K` of equation (1): the window's gradient is :math:`(s_1 - 1) c_K`."""
        return float(self.lifted(window)[1][0])

    def loss(self, theta: Float[Tensor, "*n"], steps: int) -> Float[Tensor, "*n"]:
        """Loss of the last of `steps` fresh steps under theta: what the official code reports,
        with 500.
        """
        matrix, push = self.lifted(steps)
        first = matrix[0].sum() + theta.to(torch.float64) * push[0]
        return 0.5 * (first - 1).square()

    def limit(self) -> tuple[float, float]:
        r"""(slope of :math:`s_1` in theta at the fixed point, optimal theta).

        Exactly twice the difference of the two kinds' numbers, and its inverse:
        :math:`(I - A) s = b \theta` gives :math:`s_S = -2 \theta`, then
        :math:`s_i = s_{i+1} + 2 b_i \theta`.
        """
        slope = 2.0 * (self.positive - (self.units - self.positive))
        return slope, 1.0 / slope
