"""The story in small: smoothed losses, antithetic pairs, and why only past noise counts.

A staircase with a slope, f(x) = x^2/2 + h sign(sin(w x)), has no useful derivative; the same loss
under Gaussian noise has. Then the drifting number of the bias experiments: correlate every
window's noise with every window's loss.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
import xarray as xr

from replications.core.experiment import experiment, quantity
from replications.core.seeds import generator
from replications.methods.evolution import FullES, antithetic_gradient
from replications.problems.linear_unroll import LinearUnroll

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor


@dataclass(frozen=True)
class Config:
    """All ours."""

    height: float = 0.3
    """Of a stair."""
    frequency: float = 8.0
    sigmas: tuple[float, ...] = (0.1, 0.4)
    points: int = 161
    """Where losses are drawn, over [-2, 2]."""
    estimates: int = 33
    """Where gradients are estimated."""
    pairs: int = 200
    spread_pairs: int = 20_000
    """For the spread of one evaluation, at x = 1.5."""
    windows: int = 8
    """Of the drifting number."""
    draws: int = 200_000
    sigma: float = 0.5
    seed: int = 0


class _Stairs:
    """The staircase as an episode of one step."""

    horizon = 1

    def __init__(self, config: Config) -> None:
        self.config = config

    def init(self, n: int) -> Tensor:
        """Nothing to remember."""
        return torch.zeros(n, 0, dtype=torch.float64)

    def step(self, state: Tensor, theta: Float[Tensor, "n 1"], t: int) -> tuple[Tensor, Tensor]:
        """The loss at theta."""
        return state, stairs(self.config, theta[:, 0])


def stairs(config: Config, x: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    """f."""
    return 0.5 * x.square() + config.height * torch.sign(torch.sin(config.frequency * x))


@experiment(quick=Config())
def smoothing(config: Config) -> xr.Dataset:
    """Quadrature, estimates, correlations."""
    x = torch.linspace(-2, 2, config.points, dtype=torch.float64)
    z = torch.linspace(-6, 6, 4001, dtype=torch.float64)  # the normal law is 1e-9 beyond
    weight = torch.exp(-0.5 * z.square())
    weight /= weight.sum()
    at = torch.linspace(-2, 2, config.estimates, dtype=torch.float64)
    smoothed, slope, estimated = [], [], []
    for sigma in config.sigmas:
        values = stairs(config, x[:, None] + sigma * z)
        smoothed.append((values @ weight).numpy())
        slope.append((values @ (weight * z) / sigma).numpy())
        seeds = [
            generator(config.seed, "estimate", i, str(sigma)).initial_seed() for i in range(len(at))
        ]
        estimator = FullES(sigma, config.pairs)
        state = estimator.init(_Stairs(config), at[:, None], seeds)
        gradient, _, _ = estimator.step(state, at[:, None])
        estimated.append(gradient[:, 0].numpy())

    correlation, derivative = _correlation(config)
    windows = np.arange(1, config.windows + 1)
    return xr.Dataset(
        {
            "loss": ("theta", stairs(config, x).numpy(), {"long_name": "loss"}),
            "smoothed": (("sigma", "theta"), smoothed, {"long_name": "mean loss under noise"}),
            "slope": (("sigma", "theta"), slope, {"long_name": "derivative of that mean"}),
            "estimate": (("sigma", "at"), estimated, {"long_name": "estimated by full ES"}),
            "spread": (
                "evaluation",
                _spread(config),
                {"long_name": "standard deviation of a gradient estimate, at equal cost"},
            ),
            "correlation": (
                ("window", "noise"),
                correlation,
                {"long_name": "noise times loss over sigma squared, averaged"},
            ),
            "derivative": (
                ("window", "noise"),
                derivative,
                {"long_name": "derivative of a window's loss in a window's theta"},
            ),
        },
        coords={
            "theta": x.numpy(),
            "at": at.numpy(),
            "sigma": list(config.sigmas),
            "evaluation": ["alone", "in a pair"],
            "window": windows,
            "noise": windows,
        },
    )


@quantity
def estimation_error(result: xr.Dataset, sigma: float) -> xr.DataArray:
    """Root mean square error of ES's slopes."""
    slope = np.interp(result["at"], result["theta"], result["slope"].sel(sigma=sigma))
    gap = result["estimate"].sel(sigma=sigma) - slope
    return (gap**2).mean("at") ** 0.5


@quantity
def below_diagonal(result: xr.Dataset) -> xr.DataArray:
    """Share of the gradient that comes from noise of earlier windows."""
    earlier = result["derivative"].where(result["noise"] < result["window"], 0.0)
    return earlier.sum() / result["derivative"].sum()


def _spread(config: Config) -> list[float]:
    """Of one evaluation alone, and of one in a pair."""
    sigma = config.sigmas[-1]
    source = generator(config.seed, "spread")
    noise = sigma * torch.randn(config.spread_pairs, generator=source, dtype=torch.float64)
    plus, minus = (stairs(config, 1.5 + sign * noise) for sign in (1.0, -1.0))
    single = (noise * plus / sigma**2).std()
    _, coefficients = antithetic_gradient(plus, minus, noise[:, None], sigma)
    pair = (coefficients * noise).std()
    return [float(single), float(pair) * math.sqrt(2)]


def _correlation(config: Config) -> tuple[np.ndarray, np.ndarray]:
    one = torch.ones(1, 1, dtype=torch.float64)
    start = torch.tensor([-1.0], dtype=torch.float64)
    problem = LinearUnroll(one, one, start, config.windows, "quadratic")
    theta = torch.tensor([0.3], dtype=torch.float64)
    noise = config.sigma * torch.randn(
        config.draws,
        config.windows,
        generator=generator(config.seed, "correlation"),
        dtype=torch.float64,
    )
    states = [problem.init(config.draws)] * 2
    rows = []
    for t in range(config.windows):  # each window's losses against the noise of all windows
        losses = []
        for i, sign in enumerate((1.0, -1.0)):
            states[i], loss = problem.step(states[i], theta + sign * noise[:, t : t + 1], t)
            losses.append(loss)
        row, _ = antithetic_gradient(losses[0], losses[1], noise, config.sigma)
        rows.append(row.numpy())
    return np.stack(rows), problem.window_jacobian(theta, 1)[..., 0].numpy()
