r"""Training runs under a learned optimizer: a small network that says each weight's next step.

The runs are those of ``knob_training``, with all their knobs at zero, so that a step of theirs
gives the gradient and moves nothing. For every weight w the rule keeps two averages and sees five
numbers,

.. math::

    m' &= 0.9\, m + 0.1\, g, \qquad s' = 0.99\, s + 0.01\, g^2, \qquad
        r = \sqrt{\hat s + 10^{-16}} & (1) \\
    f &= \big(g / r,\; \hat m / r,\; w,\; (\log r + 5) / 3,\; 2 t / T - 1\big) & (2) \\
    (d, a) &= W_2 \tanh(W_1 f + b_1) + b_2, \qquad w' = w - 0.01\, d\, e^a & (3)

with :math:`\hat m, \hat s` free of their start at zero, as Adam has them. theta holds
:math:`W_1, b_1, W_2, b_2`, the same for all weights. :class:`PlainAdam` is the rule that it must
beat. After :cite:t:`vicol2021unbiased`, whose learned optimizers are larger.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from replications.problems import knob_training

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    State = tuple[Tensor, Tensor, Tensor]  # weights in one row, their two averages

INPUTS, UNITS, OUTPUTS = 5, 8, 2
DIM = (INPUTS + 1) * UNITS + (UNITS + 1) * OUTPUTS
FIRST, SECOND = 0.9, 0.99
"""Decay of the two averages."""


class LearnedOptimizer:
    """Training runs on the digits, each under a rule of its own.

    Args:
        runs: data, first weights and mini-batches.
    """

    def __init__(self, runs: knob_training.KnobTraining) -> None:
        self.runs, self.horizon = runs, runs.horizon

    def init(self, n: int) -> State:
        """First weights of every run, and averages of zero."""
        weights = torch.cat([w.flatten(1) for w in self.runs.init(n)[:2]], dim=1)
        return weights, torch.zeros_like(weights), torch.zeros_like(weights)

    def update(
        self, theta: Float[Tensor, "n P"], inputs: tuple[Tensor, ...], t: int
    ) -> Float[Tensor, "n D"]:
        """Equations (2) and (3): what is taken off the weights."""
        gradient, mean, rms, weights = inputs
        n, cut, time = len(theta), INPUTS * UNITS, 2 * t / self.horizon - 1
        seen = [gradient / rms, mean / rms, weights, (rms.log() + 5) / 3, torch.ones_like(rms)]
        one = theta[:, :cut].view(n, UNITS, INPUTS)
        bias = theta[:, cut : cut + UNITS] + time * one[:, :, -1]  # one time for all weights
        one = torch.cat([one[:, :, :-1], bias[:, :, None]], dim=2)
        two = theta[:, cut + UNITS :].view(n, OUTPUTS, UNITS + 1)
        out = two[:, :, :-1] @ (one @ torch.stack(seen, dim=1)).tanh() + two[:, :, -1:]
        return 0.01 * out[:, 0] * out[:, 1].exp()

    def step(
        self, state: State, theta: Float[Tensor, "n P"], t: int
    ) -> tuple[State, Float[Tensor, " n"]]:
        """One step of the rule, differentiable in the state and in theta."""
        weights, mean, square = state
        parts = weights.split([shape.numel() for shape in self.runs.shapes], dim=1)
        first, second = (
            w.view(-1, *shape) for w, shape in zip(parts, self.runs.shapes, strict=True)
        )
        still = theta.new_full((len(theta), knob_training.DIM), -1e4)
        none = torch.zeros_like(first), torch.zeros_like(second)
        (_, _, *slope), loss = self.runs.step((first, second, *none), still, t)
        g = torch.cat([s.flatten(1) for s in slope], dim=1)
        mean = FIRST * mean + (1 - FIRST) * g
        square = SECOND * square + (1 - SECOND) * g * g
        unbiased, power = mean / (1 - FIRST ** (t + 1)), square / (1 - SECOND ** (t + 1))
        rms = (power + 1e-16).sqrt()
        weights = weights - self.update(theta, (g, unbiased, rms, weights), t)
        return (weights, mean, square), loss


class PlainAdam(LearnedOptimizer):
    """The same runs under Adam; theta = the logarithms of its rate at the begin and at the end."""

    def update(
        self, theta: Float[Tensor, "n 2"], inputs: tuple[Tensor, ...], t: int
    ) -> Float[Tensor, "n D"]:
        """Its rate changes evenly on the logarithmic scale."""
        _, mean, rms, _ = inputs
        begin, end = theta[:, :1], theta[:, 1:]
        return torch.lerp(begin, end, t / self.horizon).exp() * mean / rms


def first_rule(generator: torch.Generator) -> Float[Tensor, " P"]:
    """A random rule that hardly moves: small last weights, no biases."""
    one = torch.randn(UNITS, INPUTS, generator=generator) / INPUTS**0.5
    two = 0.1 * torch.randn(OUTPUTS, UNITS, generator=generator) / UNITS**0.5
    two = torch.cat([two, torch.zeros(OUTPUTS, 1)], dim=1)
    return torch.cat([one.flatten(), torch.zeros(UNITS), two.flatten()])
