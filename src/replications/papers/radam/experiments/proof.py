"""The chain of inequalities in the paper's proof of Theorem 1 (Appendix A), step by step.

The proof needs (t - 2) Gamma((t-1)/2)^2 / Gamma(t/2)^2 <= 2. It bounds the left side by 2
(t-2)/(t-1) with Gautschi's inequality, taken in the wrong direction. Gautschi's other half,
Gamma(x + 1) / Gamma(x + s) > x^(1-s) with x = t/2 - 1 and s = 1/2, gives the 2 at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from replications.core.experiment import experiment, quantity
from replications.methods.rectification import adaptive_lr_variance


@dataclass(frozen=True)
class Config:
    """Degrees of freedom, logarithmically from just above 2."""

    low: float = 2.01
    """Theorem 1 is stated from 4 on; it holds from 2."""
    high: float = 4000.0
    points: int = 400


@experiment(quick=Config())
def proof(config: Config) -> xr.Dataset:
    """Evaluate both sides of the inequality, and the slope of the variance that it makes fall."""
    from scipy.special import gammaln

    t = np.geomspace(config.low, config.high, config.points)
    wide = 1 + 1e-4
    up, down = adaptive_lr_variance(t * wide), adaptive_lr_variance(t / wide)
    return xr.Dataset(
        {
            "left": (
                "t",
                (t - 2) * np.exp(2 * (gammaln((t - 1) / 2) - gammaln(t / 2))),
                {"long_name": "what the proof has to bound"},
            ),
            "printed": ("t", 2 * (t - 2) / (t - 1), {"long_name": "the paper's upper bound"}),
            "repaired": (
                "t",
                (t - 2) / (t / 2 - 1),
                {"long_name": "the upper bound by Gautschi's other half: 2 everywhere"},
            ),
            "slope": (
                "t",
                np.log(up / down) / (2 * np.log(wide)),
                {"long_name": "central difference of ln Var[psi] over ln t"},
            ),
        },
        coords={"t": ("t", t, {"long_name": "degrees of freedom"})},
    )


@quantity
def excess(result: xr.Dataset, bound: str) -> xr.DataArray:
    """By how much the left side exceeds "printed" or "repaired", at each t."""
    return result["left"] - result[bound]
