"""The (k, alpha) grid of figure 9 and table 5 on the digits, with SGD beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from replications.papers.lookahead.experiments.training import Digits, Ensemble, train

if TYPE_CHECKING:
    from jaxtyping import Float, Int


@dataclass(frozen=True)
class Config:
    """A grid of slow settings at two places of the (lr, momentum) plane."""

    k: tuple[int, ...] = (5, 10, 20)
    """Table 5 has 5 and 10."""
    alpha: tuple[float, ...] = (0.2, 0.5, 0.8)
    """Table 5 has 0.5 and 0.8."""
    place: tuple[tuple[float, float], ...] = ((0.1, 0.9), (0.4, 0.95))
    """(lr, momentum): where SGD does well on this task, and where it fails."""
    batch: int = 32
    """As in the other sweeps."""
    epochs: int = 20
    """As in the other sweeps."""
    seeds: int = 4
    """Seeds 0, 1, ..."""


QUICK = Config()
FULL = Config(seeds=20)


@dataclass(frozen=True)
class Result:
    """Lookahead over (place, k, alpha, seed), SGD over (place, seed)."""

    place: Float[np.ndarray, "place 2"]
    k: Int[np.ndarray, " k"]
    alpha: Float[np.ndarray, " alpha"]
    loss: Float[np.ndarray, "place k alpha seeds"]
    """Training loss before the first decay."""
    accuracy: Float[np.ndarray, "place k alpha seeds"]
    """Test accuracy at the end, percent."""
    sgd_loss: Float[np.ndarray, "place seeds"]
    sgd_accuracy: Float[np.ndarray, "place seeds"]


def run(config: Config) -> Result:
    """Train all places, alphas and seeds of one k at once."""
    place, alpha = np.array(config.place), np.array(config.alpha)

    def maps(k: int | None, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        shape = (len(place), len(alpha), config.seeds)
        data = Digits(config.seeds, config.batch)
        lr, momentum = (
            np.broadcast_to(x[:, None, None], shape).ravel() for x in (place[:, 0], place[:, 1])
        )
        slow_step = np.broadcast_to(alpha[:, None], shape).ravel()
        ensemble = Ensemble(data.start(len(place) * len(alpha)), lr, momentum, k, slow_step)
        outcome = train(data, ensemble, config.epochs)
        return outcome.early_loss.reshape(shape), outcome.accuracy.reshape(shape)

    losses, accuracies = zip(*(maps(k, alpha) for k in config.k), strict=True)
    sgd_loss, sgd_accuracy = maps(None, np.ones(1))
    return Result(
        place=place,
        k=np.array(config.k),
        alpha=alpha,
        loss=np.stack(losses, axis=1),
        accuracy=np.stack(accuracies, axis=1),
        sgd_loss=sgd_loss[:, 0],
        sgd_accuracy=sgd_accuracy[:, 0],
    )
