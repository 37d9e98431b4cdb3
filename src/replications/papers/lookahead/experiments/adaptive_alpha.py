r"""The adaptive slow step of section 3.1 on the digits, against a fixed one and against Adam.

With :math:`\hat A` the diagonal empirical Fisher, Adam's second moment, and :math:`\hat g` a fresh
batch's gradient at :math:`\theta_k`, the estimate is Proposition 1 with
:math:`\theta_k - \hat A^{-1} \hat g` for the unknown optimum:

.. math::

    \hat\alpha
      = \frac{(\theta_0 - \theta_k + \hat A^{-1} \hat g)^\top \hat A\, (\theta_0 - \theta_k)}
             {(\theta_0 - \theta_k)^\top \hat A\, (\theta_0 - \theta_k)}
      = 1 + \frac{\hat g^\top (\theta_0 - \theta_k)}
                 {(\theta_0 - \theta_k)^\top \hat A\, (\theta_0 - \theta_k)},

clipped to [low, 1]: it is below 1 only where the loss, at :math:`\theta_k`, rises along the way
from :math:`\theta_0` to there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from replications.papers.lookahead.experiments.training import (
    ADAM_BETA2,
    Digits,
    Ensemble,
    epochs,
    gradients,
)

if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True)
class Config:
    """Lookahead around Adam at two learning rates, without decay."""

    lr: tuple[float, ...] = (0.001, 0.01)
    """Two, as in figure 2; Adam's default and ten times it."""
    k: int = 5
    """As in the paper's figure 8."""
    fixed: float = 0.5
    """As in the paper's figure 8."""
    low: float = 0.2
    """Ours: the smallest alpha of the paper's own grid."""
    batch: int = 32
    """As in the other sweeps."""
    epochs: int = 20
    """As in the other sweeps."""
    seeds: int = 5
    """Seeds 0, 1, ..."""


QUICK = Config()
FULL = Config(seeds=40)


@dataclass(frozen=True)
class Result:
    """Curves over (method, lr, epoch, seed); the methods are adaptive, fixed and Adam."""

    lr: Float[np.ndarray, " lr"]
    train_loss: Float[np.ndarray, "method lr epochs seeds"]
    accuracy: Float[np.ndarray, "method lr epochs seeds"]
    """Percent right on the test set."""
    alpha: Float[np.ndarray, "lr epochs seeds"]
    """Mean adaptive slow step over an epoch's loops."""
    clipped: Float[np.ndarray, "lr seeds"]
    """Share of loops in which the estimate exceeded 1 and was cut to 1."""


def slow_step(
    start: list[Tensor], end: list[Tensor], fisher: list[Tensor], gradient: list[Tensor]
) -> Float[Tensor, " models"]:
    """The estimate before clipping; models that did not move get infinity or nan."""
    moved = [a - b for a, b in zip(start, end, strict=True)]
    back = sum((g * d).sum((1, 2)) for g, d in zip(gradient, moved, strict=True))
    curved = sum((a * d * d).sum((1, 2)) for a, d in zip(fisher, moved, strict=True))
    return 1 + torch.as_tensor(back) / torch.as_tensor(curved)


class Adaptive(Ensemble):
    """Lookahead whose slow step is estimated at every synchronisation, on a batch of its own."""

    def __init__(self, data: Digits, low: float, params: list[Tensor], **settings: Any) -> None:
        super().__init__(params, **settings)
        self.data, self.low = data, low
        self.estimates: list[Tensor] = []

    def slow_step(self) -> Float[Tensor, " models"]:
        """The clipped estimate; as it was before goes to `estimates`."""
        batch = self.data.next_batch(len(self.lr) // self.data.seeds)
        correction = 1 - ADAM_BETA2**self.steps  # Adam's own
        fisher = [v / correction for v in self.second]
        gradient = gradients(self.params, *batch)
        self.estimates.append(slow_step(self.slow, self.params, fisher, gradient))
        return self.estimates[-1].clamp(self.low, 1.0)


def run(config: Config) -> Result:
    """Train the three methods; Adam is Lookahead with alpha = 1."""
    shape = (len(config.lr), config.seeds)
    rates = np.array(config.lr).repeat(config.seeds)
    losses, accuracies = [], []
    for alpha in (None, config.fixed, 1.0):
        data = Digits(config.seeds, config.batch)
        params = data.start(len(config.lr))
        settings: dict[str, Any] = {"lr": rates, "k": config.k, "adam": True}
        ensemble: Ensemble
        if alpha is None:
            ensemble = adaptive = Adaptive(data, config.low, params, **settings)
        else:
            ensemble = Ensemble(params, alpha=alpha, **settings)
        looks = [
            (data.train_loss(ensemble.slow), data.test_accuracy(ensemble.slow))
            for _ in epochs(data, ensemble, config.epochs)
        ]
        losses.append(np.stack([loss for loss, _ in looks], axis=1))
        accuracies.append(np.stack([accuracy for _, accuracy in looks], axis=1))
    estimate = torch.stack([e.reshape(shape) for e in adaptive.estimates], 1).double().numpy()
    used = estimate.clip(config.low, 1.0).reshape(len(config.lr), config.epochs, -1, config.seeds)
    return Result(
        lr=np.array(config.lr),
        train_loss=np.stack(losses),
        accuracy=np.stack(accuracies),
        alpha=used.mean(2),
        clipped=(estimate > 1).mean(1),
    )
