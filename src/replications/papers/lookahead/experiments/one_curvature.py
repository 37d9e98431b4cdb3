"""Is less variance an advantage? Lookahead against SGD with its learning rate lowered to match."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from replications.problems.noisy_quadratic import NoisyQuadratic

if TYPE_CHECKING:
    from jaxtyping import Float, Int


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


@dataclass(frozen=True)
class Result:
    """Log-contraction per step, Lookahead over SGD of the same stationary variance."""

    x: Float[np.ndarray, " x"]
    shown_x: Float[np.ndarray, " y"]
    """Evenly spaced in log up to 1, then evenly up to 2, where the curves turn sharply."""
    shown_alpha: Float[np.ndarray, " s"]
    shown_k: Int[np.ndarray, " s"]
    shown: Float[np.ndarray, "s y"]
    """Ratio of speeds; below 1 Lookahead is the slower."""
    largest_gain: float
    """Over the grid with x <= 1: contraction of SGD in k steps minus that of Lookahead's loop.
    Positive where Lookahead is faster."""
    k_of_faster: Int[np.ndarray, " f"]
    """The k among the settings with 1 < x < 2 in which Lookahead is faster, each once."""
    faster_share: float
    """Share of the settings with 1 < x < 2 in which Lookahead is faster."""
    identity: float
    """Largest relative difference of variances between k = 1 and SGD at alpha * gamma."""


QUICK = Config()


def run(config: Config) -> Result:
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
    gain = sgd - ours
    beyond = gain[..., x > 1]
    faster = (beyond > 1e-9).nonzero()  # beyond rounding
    shown_alpha = torch.tensor([a for a, _ in config.shown], dtype=torch.float64)[:, None]
    shown_k = torch.tensor([k for _, k in config.shown], dtype=torch.float64)[:, None]
    shown_x = torch.cat([x[x < 1], torch.linspace(1, 1.999, config.points, dtype=torch.float64)])
    shown_ours, shown_sgd = contractions(shown_x, shown_alpha, shown_k)
    single = unit.lookahead_variance(x, alpha[:, None], 1) / unit.sgd_variance(alpha[:, None] * x)
    return Result(
        x=x.numpy(),
        shown_x=shown_x.numpy(),
        shown_alpha=shown_alpha[:, 0].numpy(),
        shown_k=shown_k[:, 0].long().numpy(),
        shown=(shown_ours.log() / shown_sgd.log()).numpy(),
        largest_gain=gain[..., x <= 1].max().item(),
        k_of_faster=k[faster[:, 1].unique()].long().numpy(),
        faster_share=faster.shape[0] / beyond.numel(),
        identity=(single - 1).abs().max().item(),
    )
