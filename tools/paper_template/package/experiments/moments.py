"""Moments of uniform numbers: an example to replace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from replications.core.seeds import rng

if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True)
class Config:
    """Sizes of the experiment."""

    seeds: int = 100
    """Independent repetitions; cheap, so many."""
    draws: int = 1000
    """Uniform numbers in one repetition."""
    seed: int = 0
    """Of the stream from which all repetitions draw."""


@dataclass(frozen=True)
class Result:
    """One number a repetition."""

    mean: Float[np.ndarray, " seeds"]
    variance: Float[np.ndarray, " seeds"]
    """Unbiased."""
    median: Float[np.ndarray, " seeds"]


QUICK = Config()


def run(config: Config) -> Result:
    """Draw all repetitions at once."""
    numbers = rng(config.seed, "uniform").uniform(size=(config.seeds, config.draws))
    return Result(
        mean=numbers.mean(axis=1),
        variance=numbers.var(axis=1, ddof=1),
        median=np.median(numbers, axis=1),
    )
