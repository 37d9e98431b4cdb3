"""A module-level experiment that worker processes can import."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Config:
    """How many numbers to add."""

    n: int


@dataclass(frozen=True)
class Result:
    """Their sum."""

    total: float


def run(config: Config) -> Result:
    """Add 0 to n-1."""
    return Result(float(np.arange(config.n).sum()))
