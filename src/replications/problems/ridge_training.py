r"""Gradient descent on ridge regression: decays and learning rates as hyperparameters of one run.

.. math::

    w_{t+1} &= w_t - a_t\, g_t, \qquad g_t = A w_t - b + e^{l} \odot w_t, \qquad w_0 = 0
        \quad & (1) \\
    \log a_t &= \textstyle\sum_k h_{kt}\, r_k \quad & (2)

with :math:`A = X^\top X / n`, :math:`b = X^\top y / n`, log decays :math:`l`, and log rates
:math:`r` at equidistant knots, between which :math:`\log a` is linear: h are hat functions. The
loss of a step is the *change* of the validation loss, so that an episode's sum is the validation
loss after training, less that of the start, and every estimator of unrolled problems applies.

Exact answers: the derivative of (1) by its own recursion, and for finished training the closed form
of ``ridge``, in which the rates play no part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from replications.problems.ridge import Ridge

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    State = tuple[Float[Tensor, "n d"], Float[Tensor, " n"]]


class RidgeTraining:
    """The run as an unrolled problem; theta holds the log decays, then the log rates.

    Args:
        ridge: the regression problem; theta has one log decay for each of its groups.
        horizon: steps T >= 1.
        knots: log rates K >= 1; one knot is a constant rate.
    """

    def __init__(self, ridge: Ridge, horizon: int, knots: int = 4) -> None:
        if horizon < 1 or knots < 1:
            raise ValueError(f"horizon and knots must be at least 1, got {horizon} and {knots}")
        self.ridge, self.horizon, self.knots = ridge, horizon, knots
        self.decays = int(ridge.groups.max()) + 1
        x, y, xv, yv = ridge.inputs, ridge.targets, ridge.val_inputs, ridge.val_targets
        self._curve, self._pull = x.T @ x / len(x), x.T @ y / len(x)
        self._val_curve, self._val_pull = xv.T @ xv / len(xv), xv.T @ yv / len(xv)
        self._val_start = yv.square().mean() / 2
        # [T, K]: row t holds the weights of the knots at step t
        at = torch.arange(horizon, dtype=x.dtype) / max(horizon - 1, 1) * (knots - 1)
        places = torch.arange(knots, dtype=x.dtype)
        self._hat = (1 - (at[:, None] - places).abs()).clamp_min(0)

    def init(self, n: int) -> State:
        """Weights of zero, and their validation loss."""
        return self._pull.new_zeros(n, len(self._pull)), self._val_start.expand(n)

    def step(
        self, state: State, theta: Float[Tensor, "n P"], t: int
    ) -> tuple[State, Float[Tensor, " n"]]:
        """Equation (1), and the change of the validation loss."""
        w, before = state
        w = self._descend(w, *self._parts(theta), t)
        after = self.val_loss(w)
        return (w, after), after - before

    def unroll(
        self, state: State, theta: Float[Tensor, "n P"], t: int, steps: int
    ) -> tuple[State, Float[Tensor, " n"]]:
        """The same with one look at the validation set: the changes telescope."""
        w, before = state
        parts = self._parts(theta)
        for i in range(t, t + steps):
            w = self._descend(w, *parts, i)
        after = self.val_loss(w)
        return (w, after), after - before

    def val_loss(self, w: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """The ridge problem's, for many weights."""
        curved = w @ self._val_curve
        return (w * (curved / 2 - self._val_pull)).sum(-1) + self._val_start

    def weights(self, theta: Float[Tensor, " P"]) -> Float[Tensor, " d"]:
        """What training ends with."""
        (w, _), _ = self.unroll(self.init(1), theta[None], 0, self.horizon)
        return w[0]

    def gradient(self, theta: Float[Tensor, " P"]) -> Float[Tensor, " P"]:
        """The exact hypergradient of the run as it is, finished or not.

        The Jacobian J of w_t is carried along:
        J' = J - a (A + diag(e^l)) J - a d(e^l w)/dl - g da/dr.
        """
        decays, log_rates = theta[: self.decays].exp(), theta[self.decays :]
        each = decays[self.ridge.groups]
        hessian = self._curve + torch.diag(each)
        share = torch.nn.functional.one_hot(self.ridge.groups, self.decays).to(theta.dtype)
        w = torch.zeros_like(self._pull)
        jacobian = theta.new_zeros(len(w), len(theta))
        for hat in self._hat:
            rate = (log_rates @ hat).exp()
            g = hessian @ w - self._pull
            pushed = hessian @ jacobian
            pushed[:, : self.decays] += (each * w)[:, None] * share
            pushed[:, self.decays :] += g[:, None] * hat
            jacobian, w = jacobian - rate * pushed, w - rate * g
        return (self._val_curve @ w - self._val_pull) @ jacobian

    def limit(self, theta: Float[Tensor, " P"]) -> Float[Tensor, " P"]:
        """The hypergradient of finished training: zero for the rates."""
        found = torch.zeros_like(theta)
        found[: self.decays] = self.ridge.hypergradient(theta[: self.decays])
        return found

    def _parts(self, theta: Tensor) -> tuple[Tensor, Tensor]:
        return theta[:, : self.decays].exp()[:, self.ridge.groups], theta[:, self.decays :]

    def _descend(self, w: Tensor, decays: Tensor, log_rates: Tensor, t: int) -> Tensor:
        rate = (log_rates @ self._hat[t]).exp()[:, None]
        return w - rate * (w @ self._curve - self._pull + decays * w)
