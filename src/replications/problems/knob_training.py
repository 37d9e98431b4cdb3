r"""Training runs with twenty hyperparameters: rates, momenta and decays of every group of weights.

A network with one layer of ReLUs learns the digits by SGD with momentum. Its four groups, weights
and biases of two layers, have five hyperparameters each: the logarithm of the learning rate at the
run's begin, middle and end, linear between; the logit of the momentum; the logarithm of the weight
decay,

.. math::

    v' = m v + \nabla L + \lambda w, \qquad w' = w - \text{lr}_t\, v'. \quad (1)

theta [n, 20] counts from the middle of a box, in units of half its width, so that
:math:`[-1, 1]^{20}` is where one would search. A step pays its training loss, before the update, or
every `check_every` steps the share of wrong answers on a validation set, which has no derivative. A
training loss above `CUT` (chance: 2.3), or of a diverged run, counts as `CUT`; a diverged run gets
every validation answer wrong.

Several runs, each with first weights and mini-batches of its own, go as one batch: the first n /
runs particles belong to the first run, and so on. A small relative of the 29 hyperparameters that
the official code of :cite:t:`vicol2021unbiased` tunes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import torch
import torch.nn.functional as F

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor

    State = tuple[Tensor, Tensor, Tensor, Tensor]

GROUPS = ("first weights", "first biases", "second weights", "second biases")
KNOBS = ("log rate, begin", "log rate, middle", "log rate, end", "logit momentum", "log decay")
MIDDLE = (-4.0, -4.0, -4.0, 1.5, -9.0)
"""Rate 0.018, momentum 0.82, decay 0.0001."""
REACH = (3.0, 3.0, 3.0, 2.0, 4.0)
"""Half the box. Rates go from 0.0009 to 0.37, momenta from 0.38 to 0.97, decays from 2e-6 to
0.007."""
DIM = len(GROUPS) * len(KNOBS)
CUT = 5.0


class KnobTraining:
    """Training runs on the digits, each under hyperparameters of its own.

    Args:
        inputs: training images [m, pixels].
        targets: their classes [m].
        validation: (images, classes).
        generators: of first weights and mini-batches, one a run.
        objective: "train loss", or "validation error" at every `check_every`-th step.
        horizon: steps T of a run.
        hidden: ReLU units.
        batch: mini-batch size.
        check_every: steps between two looks at the validation set.
    """

    def __init__(
        self,
        inputs: Float[Tensor, "m D"],
        targets: Int[Tensor, " m"],
        validation: tuple[Float[Tensor, "v D"], Int[Tensor, " v"]],
        generators: Sequence[torch.Generator],
        *,
        objective: Literal["train loss", "validation error"] = "train loss",
        horizon: int = 200,
        hidden: int = 16,
        batch: int = 32,
        check_every: int = 10,
    ) -> None:
        self.horizon, self.objective, self.check_every = horizon, objective, check_every
        self.paying = horizon // (check_every if objective == "validation error" else 1)
        """Steps of a run that pay."""
        x, onehot = F.pad(inputs, (0, 1), value=1.0), F.one_hot(targets).to(inputs)
        self.validation = F.pad(validation[0], (0, 1), value=1.0), validation[1]
        draws, firsts, seconds = [], [], []
        for g in generators:
            draws.append(torch.randint(len(x), (horizon, batch), generator=g))
            firsts.append(_uniform(hidden, x.shape[1], g))
            seconds.append(_uniform(onehot.shape[1], hidden + 1, g))
        order = torch.stack(draws, dim=1)
        self._inputs, self._onehot = x[order], onehot[order].mT.contiguous()  # [T, runs, ...]
        self._first, self._second = torch.stack(firsts), torch.stack(seconds)
        self.shapes = self._first.shape[1:], self._second.shape[1:]
        """Of one run's weights."""

    def init(self, n: int) -> State:
        """First weights of every run, momenta of zero."""
        each = n // len(self._first)
        first, second = (w.repeat_interleave(each, dim=0) for w in (self._first, self._second))
        return first, second, torch.zeros_like(first), torch.zeros_like(second)

    def hyperparameters(
        self, theta: Float[Tensor, "n 20"], t: int
    ) -> tuple[Float[Tensor, "n 4"], Float[Tensor, "n 4"], Float[Tensor, "n 4"]]:
        """Learning rate at step t, momentum and decay of every group."""
        own = theta.view(-1, len(GROUPS), len(KNOBS)) * theta.new_tensor(REACH)
        begin, middle, end, momentum, decay = (own + theta.new_tensor(MIDDLE)).unbind(-1)
        share = 2 * t / self.horizon
        early = share < 1
        a, b, share = (begin, middle, share) if early else (middle, end, share - 1)
        return torch.lerp(a, b, share).exp(), momentum.sigmoid(), decay.exp()

    def step(
        self, state: State, theta: Float[Tensor, "n 20"], t: int
    ) -> tuple[State, Float[Tensor, " n"]]:
        """One step of SGD by equation (1), differentiable in the state and in theta."""
        first, second, velocity_1, velocity_2 = state
        x, onehot = self._inputs[t], self._onehot[t]
        runs, n, units = len(x), len(theta), first.shape[1]
        pre = (first.reshape(runs, -1, first.shape[2]) @ x.mT).view(n, units, -1)
        hidden = F.pad(pre.relu(), (0, 0, 0, 1), value=1.0)
        logp = torch.log_softmax(second @ hidden, dim=1)
        truth = onehot.repeat_interleave(n // runs, dim=0)
        loss = -(logp * truth).sum(dim=(1, 2)) / x.shape[1]

        error = (logp.exp() - truth) / x.shape[1]
        back = second[:, :, :-1].mT @ error * (pre > 0)
        slope = (back.view(runs, -1, x.shape[1]) @ x).view_as(first), error @ hidden.mT
        rate, momentum, decay = (
            [_by_column(h[:, i : i + 2], w) for i, w in ((0, first), (2, second))]
            for h in self.hyperparameters(theta, t)
        )
        velocity_1, velocity_2 = (
            torch.addcmul(torch.addcmul(g, m, v), d, w)
            for g, m, v, d, w in zip(
                slope, momentum, (velocity_1, velocity_2), decay, (first, second), strict=True
            )
        )
        first = torch.addcmul(first, rate[0], velocity_1, value=-1)
        second = torch.addcmul(second, rate[1], velocity_2, value=-1)
        if self.objective == "validation error":
            checks = (t + 1) % self.check_every == 0
            loss = self.wrong(first, second) if checks else theta.new_zeros(n)
        loss = loss.nan_to_num(nan=CUT, posinf=CUT).clamp(max=CUT)
        return (first, second, velocity_1, velocity_2), loss

    def wrong(
        self, first: Float[Tensor, "n units width"], second: Float[Tensor, "n classes inputs"]
    ) -> Float[Tensor, " n"]:
        """Share of wrong answers on the validation set; all of them for a diverged run."""
        x, y = self.validation
        score = second @ F.pad((first @ x.mT).relu(), (0, 0, 0, 1), value=1.0)
        right = (score.argmax(dim=1) == y) & score.isfinite().all(dim=1)
        return 1 - right.to(first.dtype).mean(dim=1)


def _by_column(pair: Float[Tensor, "n 2"], like: Tensor) -> Float[Tensor, "n 1 width"]:
    """A layer's hyperparameter for weights and bias, the last column."""
    weight, bias = pair[:, None, :1], pair[:, None, 1:]
    return torch.cat([weight.expand(-1, 1, like.shape[2] - 1), bias], dim=2)


def _uniform(rows: int, columns: int, generator: torch.Generator) -> Float[Tensor, "rows columns"]:
    """Uniform within 1/sqrt(fan in), as torch.nn.Linear does; the last column is the bias."""
    return (2 * torch.rand(rows, columns, generator=generator) - 1) * (columns - 1) ** -0.5
