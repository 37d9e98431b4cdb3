r"""A memory task: keep one bit for T steps.

A recurrent network sees a bit (+1 or -1) and a cue in the first step, nothing afterwards, and is
asked for the bit in the last:

.. math::

    s_t = \tanh(W s_{t-1} + w_\text{bit} x_t + w_\text{cue} c_t + b), \qquad
    \text{loss } {-\log} \operatorname{sigmoid}(\text{bit}\, (v \cdot s_T + a)).

Both bits run side by side in every particle. Only the last window pays, and it does not contain
the first step: the truncated gradient for the bit's weights is zero, exactly and always, so that
only a method that carries credit across windows can learn the task by its gradient. These weights
start at zero, so that nothing of the bit is in the state by chance, unless one asks for random
ones. Ours; the simplest relative of
the copy tasks on which recurrent networks are tested.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor


class Recall:
    """The task, all particles' weights in theta [n, P].

    Args:
        horizon: steps T, at least 2.
        units: size of the state.
    """

    def __init__(self, horizon: int = 20, units: int = 8) -> None:
        if horizon < 2 or units < 1:
            raise ValueError(f"need horizon >= 2 and units >= 1, got {horizon} and {units}")
        self.horizon, self.units = horizon, units
        self.sizes = [units * units, units, units, units, units, 1]
        self.dim = sum(self.sizes)
        self.bits = torch.tensor([1.0, -1.0])
        start = units * units
        self.bit_weights = slice(start, start + units)
        """Where theta holds w_bit."""

    def parameters(
        self, replicates: int, scale: float, generator: torch.Generator, *, silent_bit: bool = True
    ) -> Float[Tensor, "R P"]:
        """Normal weights with standard deviation scale/sqrt(units); zero for the biases.

        Args:
            replicates: how many networks.
            scale: see above.
            generator: of the weights; it gives the same ones whether the bit is silent or not.
            silent_bit: whether the bit's weights are zero, too.
        """
        theta = torch.randn(replicates, self.dim, generator=generator) * scale * self.units**-0.5
        if silent_bit:
            theta[:, self.bit_weights] = 0.0
        theta[:, self.dim - 1] = 0.0
        theta[:, self.bit_weights.stop + self.units : self.bit_weights.stop + 2 * self.units] = 0.0
        return theta

    def init(self, n: int) -> Float[Tensor, "n 2 S"]:
        """A silent network for both bits."""
        return torch.zeros(n, 2, self.units)

    def step(
        self, state: Float[Tensor, "n 2 S"], theta: Float[Tensor, "n P"], t: int
    ) -> tuple[Float[Tensor, "n 2 S"], Float[Tensor, " n"]]:
        """One step; only the last one pays."""
        w, w_bit, w_cue, b, v, a = theta.split(self.sizes, dim=1)
        pre = torch.baddbmm(b[:, None], state, w.view(-1, self.units, self.units))
        if t == 0:
            pre = pre + w_bit[:, None] * self.bits[:, None] + w_cue[:, None]
        state = torch.tanh(pre)
        if t < self.horizon - 1:
            return state, theta.new_zeros(len(theta)) + 0 * theta[:, 0]
        score = (state @ v[..., None])[..., 0] + a
        return state, F.softplus(-self.bits * score).mean(dim=1)

    def solution_loss(self, theta: Float[Tensor, "R P"]) -> Float[Tensor, " R"]:
        """Loss of a whole episode without noise: log 2 when the bit is forgotten, 0 at best."""
        state, loss = self.init(len(theta)), theta.new_zeros(len(theta))
        for t in range(self.horizon):
            state, loss = self.step(state, theta, t)
        return loss
