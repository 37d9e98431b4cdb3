"""Lookahead around Adam on the digits, against Adam at the same and at half the learning rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from replications.papers.lookahead.experiments.training import Digits, Ensemble, train

if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True)
class Config:
    """Learning rates on both sides of Adam's best."""

    lr: tuple[float, ...] = (0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128)
    """Ours; each is twice the one before, so that the control is Adam's own neighbour."""
    alpha: float = 0.5
    """As in the paper's figure 8."""
    k: int = 5
    """As in the paper's figure 8."""
    batch: int = 32
    """As in the other sweeps."""
    epochs: int = 20
    """As in the other sweeps."""
    seeds: int = 5
    """Seeds 0, 1, ..."""


QUICK = Config()
FULL = Config(seeds=20)


@dataclass(frozen=True)
class Result:
    """Test accuracy in percent over (lr, seed)."""

    lr: Float[np.ndarray, " lr"]
    """Without the lowest of the config, which is only there as the next one's half."""
    adam: Float[np.ndarray, "lr seeds"]
    half: Float[np.ndarray, "lr seeds"]
    """Adam at alpha lr."""
    lookahead: Float[np.ndarray, "lr seeds"]


def run(config: Config) -> Result:
    """Train all learning rates and seeds of a method at once."""
    if any(b != a / config.alpha for a, b in zip(config.lr, config.lr[1:], strict=False)):
        raise ValueError(f"lr must grow by 1/alpha = {1 / config.alpha:g}, got {config.lr}")
    lr = np.array(config.lr)

    def accuracies(lr: np.ndarray, k: int | None) -> np.ndarray:
        data = Digits(config.seeds, config.batch)
        rates = lr.repeat(config.seeds)
        ensemble = Ensemble(data.start(len(lr)), rates, 0.9, k, config.alpha, adam=True)
        return train(data, ensemble, config.epochs).accuracy

    adam = accuracies(lr, None)
    return Result(lr=lr[1:], adam=adam[1:], half=adam[:-1], lookahead=accuracies(lr[1:], config.k))
