r"""The adaptive slow step, as we remember it, on the digits, against fixed ones and against Adam.

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

A smaller slow step is a smaller rate. So one fixed arm has the slow step near which the adaptive
one settles at the larger rate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from replications.core.experiment import experiment, quantity
from replications.core.seeds import generator
from replications.papers.lookahead.training import ADAM_BETA2, Digits, Ensemble, epochs, gradients

if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True)
class Config:
    """Lookahead around Adam at two learning rates, without decay."""

    lr: tuple[float, ...] = (0.001, 0.01)
    """Two, as we remember figure 2; Adam's default and ten times it."""
    k: int = 5
    """As in the paper's figure 8."""
    fixed: float = 0.5
    """As in the paper's figure 8."""
    matched: float = 0.3
    """Ours: where the adaptive one settled at the larger rate, in a run before this arm was."""
    low: float = 0.2
    """Ours: the smallest alpha of the paper's grid for CIFAR, as we remember it."""
    batch: int = 32
    """As in the other sweeps."""
    epochs: int = 20
    """As in the other sweeps."""
    seeds: int = 5
    """Seeds 0, 1, ..."""


ARMS = ("adaptive", "fixed", "matched", "Adam", "Adam at half the lr")


class Extra(Digits):
    """Batches for the estimates, so that those of the steps are common to all arms."""

    def __init__(self, seeds: int, batch: int) -> None:
        super().__init__(seeds, batch)
        self._batches = [generator(seed, "batches", "estimates") for seed in range(seeds)]


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

    def __init__(self, extra: Extra, low: float, params: list[Tensor], **settings: Any) -> None:
        super().__init__(params, **settings)
        self.extra, self.low = extra, low
        self.estimates: list[Tensor] = []

    def slow_step(self) -> Float[Tensor, " models"]:
        """The clipped estimate; as it was before goes to `estimates`."""
        batch = self.extra.next_batch(len(self.lr) // self.extra.seeds)
        correction = 1 - ADAM_BETA2**self.steps  # Adam's own
        fisher = [v / correction for v in self.second]
        gradient = gradients(self.params, *batch)
        self.estimates.append(slow_step(self.slow, self.params, fisher, gradient))
        return self.estimates[-1].clamp(self.low, 1.0)


@experiment(quick=Config(), full=Config(seeds=40))
def adaptive_alpha(config: Config) -> xr.Dataset:
    """Train the five arms; Adam is Lookahead with alpha = 1."""
    shape = (len(config.lr), config.seeds)
    full = np.array(config.lr).repeat(config.seeds)
    losses, accuracies = [], []
    runs = (
        (None, full),
        (config.fixed, full),
        (config.matched, full),
        (1.0, full),
        (1.0, 0.5 * full),
    )
    for alpha, rates in runs:
        data = Digits(config.seeds, config.batch)
        params = data.start(len(config.lr))
        settings: dict[str, Any] = {"lr": rates, "k": config.k, "adam": True}
        ensemble: Ensemble
        if alpha is None:
            extra = Extra(config.seeds, config.batch)
            ensemble = adaptive = Adaptive(extra, config.low, params, **settings)
        else:
            ensemble = Ensemble(params, alpha=alpha, **settings)
        looks = [
            (data.train_loss(ensemble.slow), data.test_accuracy(ensemble.slow))
            for _ in epochs(data, ensemble, config.epochs)
        ]
        losses.append([loss for loss, _ in looks])
        accuracies.append([accuracy for _, accuracy in looks])
    estimate = torch.stack([e.reshape(shape) for e in adaptive.estimates]).double().numpy()
    used = estimate.clip(config.low, 1.0).reshape(config.epochs, -1, *shape).mean(1)
    curve = ("arm", "epoch", "lr", "seed")
    return xr.Dataset(
        {
            "loss": (curve, np.array(losses), {"long_name": "training loss", "units": "nats"}),
            "accuracy": (curve, np.array(accuracies), {"long_name": "test accuracy", "units": "%"}),
            "alpha": (
                ("epoch", "lr", "seed"),
                used,
                {"long_name": "mean adaptive slow step over an epoch's loops"},
            ),
            "clipped": (
                ("lr", "seed"),
                (estimate > 1).mean(0),
                {"long_name": "share of loops whose estimate exceeded 1 and was cut to 1"},
            ),
        },
        coords={
            "arm": list(ARMS),
            "epoch": np.arange(1, config.epochs + 1),
            "lr": ("lr", list(config.lr), {"long_name": "learning rate"}),
            "seed": np.arange(config.seeds),
        },
    )


@quantity
def final(curve: xr.DataArray, arm: str, lr: float) -> xr.DataArray:
    """A curve's value after the last epoch, by seed."""
    return curve.sel(arm=arm, lr=lr).isel(epoch=-1)
