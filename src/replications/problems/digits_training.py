r"""A real training run as an unrolled problem: a small network on the digits under a
learning-rate schedule.

The inner run is SGD with momentum 0.9 on mini-batches, one layer of ReLUs and a softmax; theta =
(a, b) sets

.. math::

    \text{lr}_t = e^a / (1 + t/T)^{e^b} \quad (1)

(the schedule of the official code of :cite:t:`vicol2021unbiased`, there for a larger network on
MNIST with :math:`\text{lr}_t = \theta_0 / (1 + t/5000)^{\theta_1}`). All particles start from
the same weights and see the same mini-batch at step t. The loss of a step is the training loss on
its mini-batch, before the update; or, for a loss without derivative, the share of wrong answers on
a validation set after it, every `check_every` steps.

Layout (why it is fast): the first layers of all particles are rows of one matrix, so that one
product with the shared mini-batch serves them all; the softmax runs over the second axis, with the
mini-batch innermost; a chunk of particles goes through a whole window while its weights are in the
cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
import torch.nn.functional as F

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor

    State = tuple[
        Float[Tensor, "n units width"],
        Float[Tensor, "n units width"],
        Float[Tensor, "n classes units"],
        Float[Tensor, "n classes units"],
    ]


class DigitsTraining:
    """Many training runs at once, each with its own schedule.

    Args:
        inputs: training images [m, pixels].
        targets: their classes [m].
        validation: (images, classes) of the validation set; needed for the validation error only.
        objective: "train loss" at every step, or "validation error" at every `check_every`-th.
        horizon: steps T of a run.
        hidden: ReLU units.
        batch: mini-batch size.
        momentum: of SGD (official code: 0.9).
        check_every: steps between two looks at the validation set.
        generator: of the first weights and the mini-batches.
        chunk: particles that go through a window together; about 1 MB of weights fits the cache.
    """

    def __init__(
        self,
        inputs: Float[Tensor, "m D"],
        targets: Int[Tensor, " m"],
        *,
        generator: torch.Generator,
        validation: tuple[Float[Tensor, "v D"], Int[Tensor, " v"]] | None = None,
        objective: Literal["train loss", "validation error"] = "train loss",
        horizon: int = 500,
        hidden: int = 16,
        batch: int = 32,
        momentum: float = 0.9,
        check_every: int = 10,
        chunk: int = 128,
    ) -> None:
        if objective not in ("train loss", "validation error"):
            raise ValueError(
                f'objective must be "train loss" or "validation error", got {objective!r}'
            )
        if objective == "validation error" and validation is None:
            raise ValueError('objective "validation error" needs a validation set')
        if not 1 <= batch <= len(inputs):
            raise ValueError(f"batch must lie in [1, {len(inputs)}], got {batch}")
        self.horizon, self.momentum, self.chunk = horizon, momentum, chunk
        self.objective, self.check_every = objective, check_every
        self.classes = int(targets.max()) + 1
        inputs = _with_ones(inputs)
        self.validation = None if validation is None else (_with_ones(validation[0]), validation[1])

        epochs = -(-horizon * batch // len(inputs))
        order = torch.cat([torch.randperm(len(inputs), generator=generator) for _ in range(epochs)])
        order = order[: horizon * batch].view(horizon, batch)
        self._inputs = inputs[order]  # [T, batch, D]
        self._onehot = F.one_hot(targets[order].mT, self.classes).to(inputs)  # [batch, T, classes]
        self._onehot = self._onehot.permute(1, 2, 0).contiguous()  # [T, classes, batch]

        first = _he_uniform(hidden, inputs.shape[1], generator)
        constant = torch.zeros(1, inputs.shape[1])
        constant[0, -1] = 1.0  # a unit that is always 1: the second layer's bias is a weight of it
        self._first = torch.cat([first, constant]).to(inputs)
        self._second = _he_uniform(self.classes, hidden + 1, generator).to(inputs)
        self._learns = inputs.new_ones(hidden + 1, 1)
        self._learns[-1] = 0.0

    def init(self, n: int) -> State:
        """First weights and momenta of zero; last columns are biases, the last unit is constant."""
        first, second = (w.expand(n, -1, -1).clone() for w in (self._first, self._second))
        return first, torch.zeros_like(first), second, torch.zeros_like(second)

    def learning_rate(self, theta: Float[Tensor, "n 2"], t: int) -> Float[Tensor, " n"]:
        """Equation (1)."""
        return theta[:, 0].exp() / (1 + t / self.horizon) ** theta[:, 1].exp()

    def step(
        self, state: State, theta: Float[Tensor, "n 2"], t: int
    ) -> tuple[State, Float[Tensor, " n"]]:
        """One step of SGD with momentum, differentiable in the state and in theta."""
        first, velocity_1, second, velocity_2 = state
        x, onehot = self._inputs[t], self._onehot[t]
        pre = first @ x.mT
        hidden = pre.relu()
        logp = torch.log_softmax(second @ hidden, dim=1)
        loss = -(logp * onehot).sum(dim=(1, 2)) / len(x)

        error = (logp.exp() - onehot) / len(x)
        gradient_1 = (second.mT @ error * (pre > 0) * self._learns) @ x
        rate = self.learning_rate(theta, t)[:, None, None]
        velocity_1 = self.momentum * velocity_1 + gradient_1
        velocity_2 = self.momentum * velocity_2 + error @ hidden.mT
        first, second = first - rate * velocity_1, second - rate * velocity_2
        if self.objective == "validation error":
            loss = (
                self.validation_error(first, second) if self._checks(t) else torch.zeros_like(loss)
            )
        return (first, velocity_1, second, velocity_2), loss

    @torch.no_grad()
    def unroll(
        self, state: State, theta: Float[Tensor, "n 2"], t: int, steps: int
    ) -> tuple[State, Float[Tensor, " n"]]:
        """The same steps by the fast layout, in place on a copy; not differentiable."""
        state = tuple(x.clone() for x in state)  # type: ignore[assignment]  # a tuple of four stays one
        rates = torch.stack([self.learning_rate(theta, i) for i in range(t, t + steps)])
        loss = theta.new_zeros(theta.shape[0])
        for i in range(0, theta.shape[0], self.chunk):
            part = slice(i, i + self.chunk)
            views = tuple(x[part] for x in state)
            self._unroll_chunk(views, rates[:, part, None, None], t, loss[part])  # type: ignore[arg-type]
        return state, loss

    def _unroll_chunk(
        self, state: State, rates: Float[Tensor, "steps c 1 1"], t: int, loss: Float[Tensor, " c"]
    ) -> None:
        first, velocity_1, second, velocity_2 = state
        n, units, width = first.shape
        flat_1, flat_v = first.view(n * units, width), velocity_1.view(n * units, width)
        for i, rate in enumerate(rates, start=t):
            x, onehot = self._inputs[i], self._onehot[i]
            share = 1 / len(x)
            hidden = (flat_1 @ x.mT).relu_().view(n, units, -1)  # one product for all particles
            logp = torch.log_softmax(torch.bmm(second, hidden), dim=1)
            if self.objective == "train loss":
                loss.addmv_(logp.view(n, -1), onehot.flatten(), alpha=-share)
            error = logp.exp_().sub_(onehot)
            back = torch.bmm(second.mT, error)
            torch.ops.aten.threshold_backward.grad_input(back, hidden, 0, grad_input=back)
            back[:, -1] = 0.0  # the constant unit does not learn
            velocity_2.baddbmm_(error, hidden.mT, beta=self.momentum, alpha=share)
            flat_v.addmm_(back.view(n * units, -1), x, beta=self.momentum, alpha=share)
            first.addcmul_(rate, velocity_1, value=-1)
            second.addcmul_(rate, velocity_2, value=-1)
            if self.objective == "validation error" and self._checks(i):
                loss += self.validation_error(first, second)

    def _checks(self, t: int) -> bool:
        return (t + 1) % self.check_every == 0

    def validation_error(
        self, first: Float[Tensor, "n units width"], second: Float[Tensor, "n classes units"]
    ) -> Float[Tensor, " n"]:
        """Share of wrong answers on the validation set: piecewise constant in the weights."""
        if self.validation is None:
            raise ValueError("validation: this problem was made without a validation set")
        x, y = self.validation
        n, units, width = first.shape
        hidden = (first.reshape(n * units, width) @ x.mT).relu_().view(n, units, -1)
        wrong = torch.bmm(second, hidden).argmax(dim=1) != y
        return wrong.to(first.dtype).mean(dim=1)


def _with_ones(inputs: Float[Tensor, "m D"]) -> Float[Tensor, "m width"]:
    return torch.cat([inputs, inputs.new_ones(len(inputs), 1)], dim=1)


def _he_uniform(
    rows: int, columns: int, generator: torch.Generator
) -> Float[Tensor, "rows columns"]:
    """Uniform within 1/sqrt(fan in), as torch.nn.Linear does; the last column is the bias."""
    bound = (columns - 1) ** -0.5
    return (2 * torch.rand(rows, columns, generator=generator) - 1) * bound
