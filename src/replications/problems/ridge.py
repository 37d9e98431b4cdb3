r"""Ridge regression whose decays are hyperparameters: everything in closed form.

.. math::

    L_T(w, l) = |X w - y|^2 / (2 n) + \sum_j e^{l_{g(j)}} w_j^2 / 2

.. math::

    H = X^\top X / n + \operatorname{diag}(e^l) \qquad (1)

.. math::

    w^*(l) = H^{-1} X^\top y / n \qquad (2)

.. math::

    \frac{\mathrm{d} L_V(w^*)}{\mathrm{d} l_g}
    = -\sum_{j \in g} (H^{-1} \nabla L_V(w^*))_j \, e^{l_g} w^*_j \qquad (3)

with the penalty-free :math:`L_V(w) = |X_V w - y_V|^2 / (2 n_V)`. ``groups`` gives each weight its
decay: one each, or shared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from replications.core.seeds import generator

if TYPE_CHECKING:
    from jaxtyping import Float, Int


@dataclass(frozen=True)
class Ridge:
    """A regression problem split in two, and which decay each weight has."""

    inputs: Float[Tensor, "n d"]
    targets: Float[Tensor, " n"]
    val_inputs: Float[Tensor, "m d"]
    val_targets: Float[Tensor, " m"]
    groups: Int[Tensor, " d"]

    def train_loss(
        self, w: Float[Tensor, " d"], log_decays: Float[Tensor, " g"]
    ) -> Float[Tensor, ""]:
        """Mean squared error, halved, and the penalty."""
        penalty = (log_decays.exp()[self.groups] * w**2).sum() / 2
        return ((self.inputs @ w - self.targets) ** 2).mean() / 2 + penalty

    def val_loss(
        self, w: Float[Tensor, " d"], log_decays: Float[Tensor, " g"]
    ) -> Float[Tensor, ""]:
        """Half the mean squared error on the validation set, without penalty."""
        return ((self.val_inputs @ w - self.val_targets) ** 2).mean() / 2

    def hessian(self, log_decays: Float[Tensor, " g"]) -> Float[Tensor, "d d"]:
        """H of equation (1)."""
        return self.inputs.T @ self.inputs / len(self.inputs) + torch.diag(
            log_decays.exp()[self.groups]
        )

    def best_response(self, log_decays: Float[Tensor, " g"]) -> Float[Tensor, " d"]:
        """Equation (2)."""
        return torch.linalg.solve(
            self.hessian(log_decays), self.inputs.T @ self.targets / len(self.inputs)
        )

    def hypergradient(self, log_decays: Float[Tensor, " g"]) -> Float[Tensor, " g"]:
        """Equation (3)."""
        w = self.best_response(log_decays)
        v = self.val_inputs.T @ (self.val_inputs @ w - self.val_targets) / len(self.val_inputs)
        each = -torch.linalg.solve(self.hessian(log_decays), v) * log_decays.exp()[self.groups] * w
        return torch.zeros_like(log_decays).index_add(0, self.groups, each)


def ridge(
    seed: int, n: int = 40, d: int = 12, groups: int | None = None, noise: float = 0.5
) -> Ridge:
    """Draw a problem in double precision: Gaussian inputs, a Gaussian truth, Gaussian noise.

    Args:
        seed: of the draw.
        n: examples in each of the two sets.
        d: weights.
        groups: number of decays, shared round-robin; None for one decay a weight.
        noise: standard deviation of the targets' noise.
    """
    g = generator(seed, "ridge")
    x, xv = torch.randn(2, n, d, generator=g, dtype=torch.float64)
    truth = torch.randn(d, generator=g, dtype=torch.float64)
    e, ev = noise * torch.randn(2, n, generator=g, dtype=torch.float64)
    index = torch.arange(d) if groups is None else torch.arange(d) % groups
    return Ridge(x, x @ truth + e, xv, xv @ truth + ev, index)
