"""The chain of inequalities in the paper's proof of Theorem 1 (Appendix A), step by step.

The proof needs (t - 2) Gamma((t-1)/2)^2 / Gamma(t/2)^2 <= 2. It bounds the left side by 2
(t-2)/(t-1) with Gautschi's inequality, taken in the wrong direction. Gautschi's other half,
Gamma(x + 1) / Gamma(x + s) > x^(1-s) with x = t/2 - 1 and s = 1/2, gives the 2 at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from replications.methods.rectification import adaptive_lr_variance

if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True)
class Config:
    """Degrees of freedom, logarithmically from just above 2."""

    low: float = 2.01
    """Theorem 1 is stated from 4 on; it holds from 2."""
    high: float = 4000.0
    points: int = 400


@dataclass(frozen=True)
class Result:
    """Both sides of the inequality, and the variance that it makes fall."""

    t: Float[np.ndarray, " points"]
    left: Float[np.ndarray, " points"]
    printed: Float[np.ndarray, " points"]
    """The paper's upper bound for `left`."""
    repaired: Float[np.ndarray, " points"]
    """The upper bound by Gautschi's other half: 2 everywhere."""
    slope: Float[np.ndarray, " points"]
    """Central difference of ln Var[psi] over ln t; Theorem 1 says that it is negative."""


def run(config: Config) -> Result:
    """Evaluate both sides."""
    from scipy.special import gammaln

    t = np.geomspace(config.low, config.high, config.points)
    left = (t - 2) * np.exp(2 * (gammaln((t - 1) / 2) - gammaln(t / 2)))
    x = t / 2 - 1
    wide = 1 + 1e-4
    up, down = adaptive_lr_variance(t * wide), adaptive_lr_variance(t / wide)
    return Result(
        t=t,
        left=left,
        printed=2 * (t - 2) / (t - 1),
        repaired=(t - 2) / x,
        slope=np.log(up / down) / (2 * np.log(wide)),
    )


QUICK = Config()
