"""Learning rate times momentum on the digits: SGD, Lookahead around it, and SGD at half the rate.

Neighbouring learning rates differ by a factor of 2 = 1 / alpha, so that the control, SGD at alpha
times the learning rate, is the next row of SGD's own map.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from replications.papers.lookahead.experiments.training import Digits, Ensemble, train

if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True)
class Config:
    """The grid of figure 8, widened until SGD fails at one end."""

    lr: tuple[float, ...] = (0.00625, 0.0125, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
    """Figure 8 has 0.1, 0.2, 0.3 for a ResNet. The first is only there as the next one's half."""
    momentum: tuple[float, ...] = (0.0, 0.5, 0.9, 0.95, 0.98)
    """Figure 8 has 0.9, 0.95, 0.98."""
    alpha: float = 0.5
    """As in figure 8."""
    k: int = 5
    """As in figure 8."""
    batch: int = 32
    """Ours: 40 steps in an epoch."""
    epochs: int = 20
    """Ours: the loss no longer falls after it at good settings."""
    label_noise: float = 0.0
    """Share of training labels drawn at random; the paper has none."""
    seeds: int = 3
    """Seeds 0, 1, ...: split, initial weights and batches, common to all settings."""


QUICK = Config()
FULL = replace(QUICK, seeds=20)

STRESS_QUICK = Config(
    lr=(0.025, 0.05, 0.1, 0.2, 0.4, 0.8),
    momentum=(0.0, 0.9),
    batch=8,
    epochs=10,
    label_noise=0.2,
    seeds=2,
)
"""Where noise rules: batches of 8, and a fifth of the labels drawn at random."""
STRESS_FULL = replace(STRESS_QUICK, seeds=20)


@dataclass(frozen=True)
class Result:
    """Maps over (lr, momentum, seed); SGD's has one more learning rate below."""

    lr: Float[np.ndarray, " lr"]
    """The learning rates compared, without the lowest of the config."""
    momentum: Float[np.ndarray, " momentum"]
    sgd_loss: Float[np.ndarray, "lr momentum seeds"]
    """Training loss before the first decay."""
    half_loss: Float[np.ndarray, "lr momentum seeds"]
    """SGD at alpha lr."""
    lookahead_loss: Float[np.ndarray, "lr momentum seeds"]
    sgd: Float[np.ndarray, "lr momentum seeds"]
    """Test accuracy at the end, percent."""
    half: Float[np.ndarray, "lr momentum seeds"]
    lookahead: Float[np.ndarray, "lr momentum seeds"]


def run(config: Config) -> Result:
    """Train all settings and seeds of a method at once."""
    if any(b != a / config.alpha for a, b in zip(config.lr, config.lr[1:], strict=False)):
        raise ValueError(f"lr must grow by 1/alpha = {1 / config.alpha:g}, got {config.lr}")
    lr, momentum = np.array(config.lr), np.array(config.momentum)

    def maps(lr: np.ndarray, k: int | None) -> tuple[np.ndarray, np.ndarray]:
        shape = (len(lr), len(momentum), config.seeds)
        data = Digits(config.seeds, config.batch, config.label_noise)
        ensemble = Ensemble(
            data.start(len(lr) * len(momentum)),
            np.broadcast_to(lr[:, None, None], shape).ravel(),
            np.broadcast_to(momentum[:, None], shape).ravel(),
            k,
            config.alpha,
        )
        outcome = train(data, ensemble, config.epochs)
        return outcome.early_loss.reshape(shape), outcome.accuracy.reshape(shape)

    sgd_loss, sgd = maps(lr, None)
    lookahead_loss, lookahead = maps(lr[1:], config.k)
    return Result(
        lr=lr[1:],
        momentum=momentum,
        sgd_loss=sgd_loss[1:],
        half_loss=sgd_loss[:-1],
        lookahead_loss=lookahead_loss,
        sgd=sgd[1:],
        half=sgd[:-1],
        lookahead=lookahead,
    )
