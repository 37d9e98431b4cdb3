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
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from replications.papers.lookahead.experiments.training import Digits, Ensemble, gradients

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


def run(config: Config) -> Result:
    """Train the three methods; Adam is Lookahead with alpha = 1."""
    methods = [_train(config, fixed) for fixed in (None, config.fixed, 1.0)]
    losses, accuracies, _, _ = zip(*methods, strict=True)
    _, _, alpha, clipped = methods[0]
    return Result(np.array(config.lr), np.stack(losses), np.stack(accuracies), alpha, clipped)


def _train(config: Config, fixed: float | None) -> tuple[np.ndarray, ...]:
    """Training loss, test accuracy, mean alpha, share above 1; without `fixed` it adapts."""
    shape = (len(config.lr), config.seeds)
    data = Digits(config.seeds, config.batch)
    rates = np.array(config.lr).repeat(config.seeds)
    optimizer = Ensemble(data.start(len(config.lr)), rates, k=config.k, adam=True)
    losses, accuracies, alphas = [], [], []
    for _ in range(config.epochs):
        for _ in range(data.epoch // config.k):
            for _ in range(config.k):
                batch = data.next_batch(len(config.lr))
                optimizer.inner_step(gradients(optimizer.params, *batch))
            if fixed is None:
                ahead = gradients(optimizer.params, *data.next_batch(len(config.lr)))
                correction = 1 - 0.999**optimizer.steps  # Adam's own
                fisher = [v / correction for v in optimizer.second]
                alpha = slow_step(optimizer.slow, optimizer.params, fisher, ahead)
            else:
                alpha = torch.full((len(rates),), fixed)
            optimizer.synchronise(alpha.clamp(config.low, 1.0).reshape(-1, 1, 1))
            alphas.append(alpha.reshape(shape))
        losses.append(data.train_loss(optimizer.slow))
        accuracies.append(data.test_accuracy(optimizer.slow))
    estimate = torch.stack(alphas, 1).double().numpy()  # [lr, loops, seeds]
    used = estimate.clip(config.low, 1.0).reshape(len(config.lr), config.epochs, -1, config.seeds)
    curves = [np.stack(curve, axis=1) for curve in (losses, accuracies)]
    return (*curves, used.mean(2), (estimate > 1).mean(1))
