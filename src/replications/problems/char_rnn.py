r"""A small recurrent network that reads text, with the exact gradients that PES's variance
depends on.

.. math::

    s_t = \tanh(W_x x_t + W_h s_{t-1} + b), \qquad
    \text{loss: cross-entropy of letter } t + 1 \text{ under } W_o s_t + c,

27 letters (a to z, and space for all else). All weights of all particles lie in theta [n, P].

Setting: a stand-in for the character LSTM with 5 units on Penn Treebank of
:cite:t:`vicol2021unbiased` (official code: rnn_variance.py), whose corpus is not bundled with any
library here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor

LETTERS = 27


def text() -> Int[Tensor, " m"]:
    """Letters of the descriptions of scikit-learn's data sets, 0 for anything but a to z."""
    from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine

    words = " ".join(f().DESCR for f in (load_iris, load_wine, load_breast_cancer, load_diabetes))
    letters = "".join(c if "a" <= c <= "z" else " " for c in words.lower())
    packed = " ".join(letters.split())
    return torch.tensor([0 if c == " " else ord(c) - ord("a") + 1 for c in packed])


class CharRNN:
    """Reads one sequence; every step predicts the next letter.

    Args:
        letters: the sequence, T + 1 numbers below 27.
        units: size of the state (official code: 5).
    """

    def __init__(self, letters: Int[Tensor, " m"], units: int = 5) -> None:
        if letters.ndim != 1 or len(letters) < 2 or int(letters.max()) >= LETTERS:
            raise ValueError(f"letters must be two or more numbers below {LETTERS}")
        self.letters = letters.tolist()
        self.units, self.horizon = units, len(letters) - 1
        sizes = [units * LETTERS, units * units, units, LETTERS * units, LETTERS]
        self.sizes, self.dim = sizes, sum(sizes)

    def parameters(self, generator: torch.Generator) -> Float[Tensor, " P"]:
        """Uniform within 1/sqrt(units), the default of torch.nn.RNN."""
        uniform = 2 * torch.rand(self.dim, generator=generator, dtype=torch.float64) - 1
        return uniform * self.units**-0.5

    def unpack(self, theta: Float[Tensor, "n P"]) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """:math:`W_x` [n, letters, units], :math:`W_h` [n, units, units], b, :math:`W_o` [n,
        letters, units], c.
        """
        w_x, w_h, b, w_o, c = theta.split(self.sizes, dim=1)
        return (
            w_x.view(-1, LETTERS, self.units),
            w_h.view(-1, self.units, self.units),
            b,
            w_o.view(-1, LETTERS, self.units),
            c,
        )

    def init(self, n: int) -> Float[Tensor, "n S"]:
        """A silent network."""
        return torch.zeros(n, self.units, dtype=torch.float64)

    def step(
        self, state: Float[Tensor, "n S"], theta: Float[Tensor, "n P"], t: int
    ) -> tuple[Float[Tensor, "n S"], Float[Tensor, " n"]]:
        """Read letter t and pay for the prediction of letter t + 1."""
        w_x, w_h, b, w_o, c = self.unpack(theta)
        state = torch.tanh(w_x[:, self.letters[t]] + (w_h @ state[..., None])[..., 0] + b)
        logits = (w_o @ state[..., None])[..., 0] + c
        target = torch.full((len(state),), self.letters[t + 1], device=state.device)
        return state, F.cross_entropy(logits, target, reduction="none")

    def later_losses(self, theta: Float[Tensor, " P"]) -> Float[Tensor, "T T P"]:
        """h[s, tau]: the gradient, with respect to step tau's theta, of the losses from max(s,
        tau) on.

        One backward pass in which row s of the adjoint only collects the losses of steps from s on.
        """
        w_x, w_h, b, w_o, c = (x[0] for x in self.unpack(theta[None]))
        states = [torch.zeros(self.units, dtype=theta.dtype)]
        for t in range(self.horizon):
            states.append(torch.tanh(w_x[self.letters[t]] + w_h @ states[-1] + b))
        steps = self.horizon
        h = theta.new_zeros(steps, steps, self.dim)
        adjoint = theta.new_zeros(steps, self.units)
        for t in reversed(range(steps)):
            into_x, into_h, into_b, into_o, into_c = h[:, t].split(self.sizes, dim=1)
            error = torch.softmax(w_o @ states[t + 1] + c, dim=0)
            error[self.letters[t + 1]] -= 1
            adjoint[: t + 1] += error @ w_o  # rows s <= t see this loss
            into_o[: t + 1] = torch.outer(error, states[t + 1]).flatten()
            into_c[: t + 1] = error
            delta = adjoint * (1 - states[t + 1].square())
            into_x.view(steps, LETTERS, self.units)[:, self.letters[t]] = delta
            into_h.copy_((delta[:, :, None] * states[t]).flatten(1))
            into_b.copy_(delta)
            adjoint = delta @ w_h
        return h


def by_windows(h: Float[Tensor, "T T P"], window: int) -> Float[Tensor, "n n P"]:
    """The same for windows of K steps that share one theta; K divides T."""
    steps, _, dim = h.shape
    if steps % window:
        raise ValueError(f"window must divide the {steps} steps, got {window}")
    return h[::window].reshape(steps // window, steps // window, window, dim).sum(dim=2)
