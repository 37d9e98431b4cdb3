r"""A small network with a weight decay for each unit, trained to a true minimum.

.. math::

    L_T(W, l) = \text{mean cross-entropy} + \textstyle\sum_j e^{l_{g(j)}} w_j^2 / 2, \qquad
    W' = W - a\, \partial L_T / \partial W

One hidden layer of tanh units without biases (a constant input gives the first layer one). A weight
belongs to the unit that it leads into, so there are as many decays as hidden units and classes. The
loss of a step is the change of the validation loss, which has no penalty: an episode's sum is the
validation loss after it, less that of the start.

Episodes start from given weights. From the minimum of the decays at hand they retrain: what a
perturbed decay changes in T steps.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from replications.methods.conjugate_gradient import ConjugateGradient
from replications.methods.inverse_hessian import HypergradientWarning
from replications.methods.mlp_hessian import MLPHessian

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor

    State = tuple[
        Float[Tensor, "n D hidden"], Float[Tensor, "n hidden classes"], Float[Tensor, " n"]
    ]
    Weights = tuple[Float[Tensor, "D hidden"], Float[Tensor, "hidden classes"]]


class DecayedNetwork:
    """Full-batch gradient descent at a constant rate; theta holds the log decays.

    Args:
        train: inputs [m, D] and classes [m].
        validation: the same.
        start: the first weights of an episode.
        horizon: steps T of an episode.
        rate: learning rate a.
    """

    def __init__(
        self,
        train: tuple[Float[Tensor, "m D"], Int[Tensor, " m"]],
        validation: tuple[Float[Tensor, "v D"], Int[Tensor, " v"]],
        start: Weights,
        horizon: int,
        rate: float,
    ) -> None:
        self.horizon, self.rate, self.start = horizon, rate, start
        self.data = train, validation
        self.hidden, classes = start[1].shape
        self.decays = self.hidden + classes
        self._onehot = F.one_hot(train[1], classes).to(train[0])
        self._value = self.val_loss(*(w[None] for w in start))

    def init(self, n: int) -> State:
        """The given weights, and their validation loss."""
        first, second = (w.expand(n, -1, -1) for w in self.start)
        return first, second, self._value.expand(n)

    def step(
        self, state: State, theta: Float[Tensor, "n P"], t: int
    ) -> tuple[State, Float[Tensor, " n"]]:
        """One step of gradient descent, and the change of the validation loss."""
        first, second = self._descend(state[0], state[1], theta.exp())
        after = self.val_loss(first, second)
        return (first, second, after), after - state[2]

    def unroll(
        self, state: State, theta: Float[Tensor, "n P"], t: int, steps: int
    ) -> tuple[State, Float[Tensor, " n"]]:
        """The same with one look at the validation set."""
        first, second, before = state
        decays = theta.exp()
        for _ in range(steps):
            first, second = self._descend(first, second, decays)
        after = self.val_loss(first, second)
        return (first, second, after), after - before

    def val_loss(
        self, first: Float[Tensor, "n D hidden"], second: Float[Tensor, "n hidden classes"]
    ) -> Float[Tensor, " n"]:
        """Mean cross-entropy on the validation set, in nats."""
        inputs, targets = self.data[1]
        logp = torch.log_softmax((inputs @ first).tanh() @ second, dim=-1)
        return -logp[:, torch.arange(len(targets)), targets].mean(-1)

    def hessians(self, weights: Weights, theta: Float[Tensor, " P"]) -> tuple[MLPHessian, ...]:
        """Training loss with its penalty, and validation loss without, at one set of weights."""
        first, second = weights
        decays = theta.exp()
        penalty = (
            decays[: self.hidden].expand_as(first),
            decays[self.hidden :].expand_as(second),
        )
        return (
            MLPHessian(weights, *self.data[0], penalty, "tanh"),
            MLPHessian(weights, *self.data[1], None, "tanh"),
        )

    def by_unit(self, each: Float[Tensor, " W"], theta: Float[Tensor, " P"]) -> Float[Tensor, " P"]:
        """From derivatives with respect to each weight's decay to those of the log decays."""
        first, second = self.start
        one, two = each.split([first.numel(), second.numel()])
        return theta.exp() * torch.cat([one.view_as(first).sum(0), two.view_as(second).sum(0)])

    def minimum(
        self, theta: Float[Tensor, " P"], steps: int, iterations: int = 400
    ) -> tuple[Weights, float]:
        """Train from the start, then by Newton's method until only rounding is left.

        Newton's method alone goes to any stationary point, and there are saddles on the way. So a
        damping is added to the Hessian: more where curvature is negative or a step does not lower
        the loss, less after one that does.

        Args:
            theta: log decays.
            steps: of gradient descent before it.
            iterations: of Newton's method at most.

        Returns:
            The weights and the norm of the training gradient at them.

        Raises:
            RuntimeError: no minimum after all iterations.
        """
        (first, second, _), _ = self.unroll(self.init(1), theta[None], 0, steps)
        weights, damping = (first[0], second[0]), 1e-3
        train, _ = self.hessians(weights, theta)
        loss, gradient = train.loss(), train.gradient()
        for _ in range(iterations):
            norm = float(gradient.norm())
            if norm < 1e-13:
                break
            solver = ConjugateGradient(1000, tolerance=1e-8, damping=damping)
            with warnings.catch_warnings():  # negative curvature is seen to below
                warnings.simplefilter("ignore", HypergradientWarning)
                found = solver.solve(train.product, gradient)
            change = found.x.split([w.numel() for w in weights])
            trial = (
                weights[0] - change[0].view_as(weights[0]),
                weights[1] - change[1].view_as(weights[1]),
            )
            there, _ = self.hessians(trial, theta)
            after = there.loss(), there.gradient()
            falls = bool(after[0] < loss) or float(after[1].norm()) < norm / 2
            if float(found.curvature.lowest) > 0 and falls:
                weights, train, (loss, gradient), damping = trial, there, after, damping / 4
            elif norm < 1e-10:  # rounding hides what is left
                break
            else:
                damping *= 4
        else:
            raise RuntimeError(f"no minimum after {iterations} iterations; train longer")
        return weights, norm

    def _descend(self, first: Tensor, second: Tensor, decays: Tensor) -> tuple[Tensor, Tensor]:
        inputs, _ = self.data[0]
        hidden = (inputs @ first).tanh()
        error = (torch.softmax(hidden @ second, dim=-1) - self._onehot) / len(inputs)
        back = (error @ second.mT) * (1 - hidden.square())
        one = inputs.mT @ back + decays[:, None, : self.hidden] * first
        two = hidden.mT @ error + decays[:, None, self.hidden :] * second
        return first - self.rate * one, second - self.rate * two


def first_weights(inputs: int, hidden: int, classes: int, generator: torch.Generator) -> Weights:
    """Uniform within 1/sqrt(fan in), as torch.nn.Linear draws them; double precision."""
    first, second = (
        (2 * torch.rand(rows, columns, generator=generator, dtype=torch.float64) - 1) / rows**0.5
        for rows, columns in ((inputs, hidden), (hidden, classes))
    )
    return first, second
