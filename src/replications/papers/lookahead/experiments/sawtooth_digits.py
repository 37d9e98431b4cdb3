"""Test accuracy after every step inside the loops, as in figure 10, on the digits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from replications.papers.lookahead.experiments.training import Digits, Ensemble, epochs, gradients

if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True)
class Config:
    """Train at a constant learning rate, then watch some loops step by step."""

    setting: tuple[tuple[float, str], ...] = (
        (0.0125, "maintain"),
        (0.05, "maintain"),
        (0.1, "maintain"),
        (0.2, "maintain"),
        (0.4, "reset"),
    )
    """(lr, inner_state): from a gentle inner loop to a wild one."""
    momentum: float = 0.9
    """The usual one."""
    k: int = 5
    """As in figure 10."""
    alpha: float = 0.5
    """As in the paper's figure 8."""
    batch: int = 32
    """As in the other sweeps."""
    epochs: int = 10
    """Before watching: the loss is then flat in the noisier settings."""
    loops: int = 24
    """Watched; figure 10 shows 12, of one run."""
    seeds: int = 5
    """Seeds 0, 1, ..."""


QUICK = Config()
FULL = Config(seeds=40)


@dataclass(frozen=True)
class Result:
    """Percent right on the test set at position 0 (slow weights), 1, ..., k of every loop."""

    lr: Float[np.ndarray, " settings"]
    reset: Float[np.ndarray, " settings"]
    """1 where the momentum is reset, else 0."""
    accuracy: Float[np.ndarray, "settings seeds loops positions"]
    synchronised: Float[np.ndarray, "settings seeds loops"]
    """After the pull-back, which is position 0 of the next loop."""


def run(config: Config) -> Result:
    """One ensemble of all seeds for each setting."""
    inside, after = [], []
    for lr, inner_state in config.setting:
        data = Digits(config.seeds, config.batch)
        ensemble = Ensemble(
            data.start(1),
            np.full(config.seeds, lr),
            config.momentum,
            config.k,
            config.alpha,
            inner_state,
        )
        for _ in epochs(data, ensemble, config.epochs):
            pass
        loops, synchronised = [], []
        for _ in range(config.loops):
            positions = [data.test_accuracy(ensemble.params)[0]]
            for _ in range(config.k):
                ensemble.inner_step(gradients(ensemble.params, *data.next_batch(1)))
                positions.append(data.test_accuracy(ensemble.params)[0])
            ensemble.synchronise()
            loops.append(np.stack(positions, axis=1))
            synchronised.append(data.test_accuracy(ensemble.params)[0])
        inside.append(np.stack(loops, axis=1))
        after.append(np.stack(synchronised, axis=1))
    return Result(
        lr=np.array([lr for lr, _ in config.setting]),
        reset=np.array([float(state == "reset") for _, state in config.setting]),
        accuracy=np.stack(inside),
        synchronised=np.stack(after),
    )
