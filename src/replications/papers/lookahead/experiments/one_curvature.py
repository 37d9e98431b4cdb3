"""Is less variance an advantage? Lookahead against SGD with its learning rate lowered to match."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr

from replications.core.experiment import experiment, quantity
from replications.problems.noisy_quadratic import NoisyQuadratic


@dataclass(frozen=True)
class Config:
    """A dense grid of settings on a single curvature."""

    points: int = 400
    """Values of x = learning rate times curvature, evenly spaced in log over (0.001, 2)."""
    alphas: int = 49
    """Slow steps 0.02, 0.04, ..., 0.98."""
    largest_k: int = 30
    """k = 2, ..., 30; k = 1 is SGD with learning rate alpha times gamma."""


@experiment(quick=Config())
def one_curvature(config: Config) -> xr.Dataset:
    """Match the variances, then compare the contractions of the mean."""
    unit = NoisyQuadratic(torch.ones(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64))
    x = torch.logspace(-3, np.log10(1.999), config.points, dtype=torch.float64)
    alpha = torch.arange(1, config.alphas + 1, dtype=torch.float64) / (config.alphas + 1)
    k = torch.arange(2, config.largest_k + 1, dtype=torch.float64)

    variance = unit.lookahead_variance(x, alpha[:, None, None], k[:, None])[..., 0]
    matched = 2 * variance / (1 + variance)  # the x of SGD with it, from V = x / (2 - x)
    ours = unit.contraction(x, alpha[:, None, None], k[:, None])[..., 0].abs()
    sgd = (1 - matched).abs() ** k[:, None]
    return xr.Dataset(
        {
            "gain": (
                ("alpha", "k", "x"),
                (sgd - ours).numpy(),
                {"long_name": "contraction in k steps, SGD - Lookahead; positive: it is faster"},
            ),
            "speed": (
                ("alpha", "k", "x"),
                (ours.log() / sgd.log()).numpy(),
                {"long_name": "log-contraction per step, Lookahead over SGD"},
            ),
        },
        coords={
            "alpha": alpha.numpy(),
            "k": k.long().numpy(),
            "x": ("x", x.numpy(), {"long_name": "learning rate times curvature"}),
        },
    )


@quantity
def gain_up_to_one(result: xr.Dataset) -> xr.DataArray:
    """The gain at every setting with x <= 1."""
    return result["gain"].sel(x=slice(None, 1.0))


@quantity
def faster_beyond_one(result: xr.Dataset) -> xr.DataArray:
    """Whether Lookahead is the faster, beyond rounding, at every setting with 1 < x < 2."""
    return result["gain"].where(result["x"] > 1, drop=True) > 1e-9
