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
    shown: tuple[tuple[float, int], ...] = ((0.2, 5), (0.5, 5), (0.8, 5), (0.5, 2), (0.5, 20))
    """(alpha, k) of the curves that the figure draws."""


@experiment(quick=Config())
def one_curvature(config: Config) -> xr.Dataset:
    """Match the variances, then compare the contractions of the mean."""
    unit = NoisyQuadratic(torch.ones(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64))
    x = torch.logspace(-3, np.log10(1.999), config.points, dtype=torch.float64)
    alpha = torch.arange(1, config.alphas + 1, dtype=torch.float64) / (config.alphas + 1)
    k = torch.arange(2, config.largest_k + 1, dtype=torch.float64)

    def contractions(
        x: torch.Tensor, alpha: torch.Tensor, k: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """In k steps: Lookahead's loop, and SGD at the learning rate of the same variance."""
        variance = unit.lookahead_variance(x, alpha, k)[..., 0]
        matched = 2 * variance / (1 + variance)  # from V = x / (2 - x)
        return unit.contraction(x, alpha, k)[..., 0].abs(), (1 - matched).abs() ** k

    ours, sgd = contractions(x, alpha[:, None, None], k[:, None])
    shown_alpha = torch.tensor([a for a, _ in config.shown], dtype=torch.float64)[:, None]
    shown_k = torch.tensor([k for _, k in config.shown], dtype=torch.float64)[:, None]
    shown_x = torch.cat([x[x < 1], torch.linspace(1, 1.999, config.points, dtype=torch.float64)])
    shown_ours, shown_sgd = contractions(shown_x, shown_alpha, shown_k)
    return xr.Dataset(
        {
            "gain": (
                ("alpha", "k", "x"),
                (sgd - ours).numpy(),
                {"long_name": "contraction in k steps, SGD - Lookahead; positive: it is faster"},
            ),
            "speed": (
                ("shown", "shown_x"),
                (shown_ours.log() / shown_sgd.log()).numpy(),
                {"long_name": "log-contraction per step, Lookahead over SGD"},
            ),
        },
        coords={
            "alpha": alpha.numpy(),
            "k": k.long().numpy(),
            "x": ("x", x.numpy(), {"long_name": "learning rate times curvature"}),
            "shown_alpha": ("shown", shown_alpha[:, 0].numpy()),
            "shown_k": ("shown", shown_k[:, 0].long().numpy()),
            # evenly spaced in log up to 1, then evenly up to 2, where the curves turn sharply
            "shown_x": ("shown_x", shown_x.numpy(), {"long_name": "learning rate times curvature"}),
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
