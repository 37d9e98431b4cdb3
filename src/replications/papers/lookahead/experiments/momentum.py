"""After figure 4: how fast Lookahead around momentum contracts, by condition number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from replications.core.experiment import experiment, quantity
from replications.methods.lookahead import INNER_STATES, lookahead_pull
from replications.problems.momentum_quadratic import lookahead_rate, momentum_rate


@dataclass(frozen=True)
class Config:
    """Momentum, and Lookahead with k and alpha as we remember figure 4; the rest is swept."""

    beta: tuple[float, ...] = (0.9, 0.99)
    """Momentum."""
    alpha: float = 0.5
    """Slow step."""
    k: int = 20
    """Inner steps."""
    decades: tuple[float, ...] = (1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0)
    """log10 of the condition number: the eigenvalues lie between its inverse and 1."""
    eigenvalues: tuple[int, ...] = (2, 5, 0)
    """How many, evenly spaced in log; 0: the range filled, as densely as the grid."""
    per_decade: int = 200
    """Points of the common log grid of learning rates, eigenvalues and their products x."""
    lowest: float = -4.0
    """log10 of the smallest learning rate; the best ones lie above."""
    check: int = 40
    """Values of x at which the rate is also measured, by running the loop."""
    loops: int = 400
    """Of each such run; the second half is used."""


ARMS = ("momentum", *INNER_STATES)
"""Momentum alone, then Lookahead's three modes."""


def rates(x: Tensor, beta: float, config: Config) -> Tensor:
    """Contraction per inner step of each arm, [arm, *x.shape]."""
    modes = [lookahead_rate(x, beta, config.alpha, config.k, mode) for mode in INNER_STATES]
    return torch.stack([momentum_rate(x, beta), *modes])


@experiment(quick=Config())
def momentum(config: Config) -> xr.Dataset:
    """A rate depends on x alone: find it once, then slide each spectrum over the grid."""
    shape = (len(config.beta), len(ARMS), len(config.eigenvalues), len(config.decades))
    speed = np.empty(shape)
    longest = max(config.decades)
    size = int((np.log10(4) - config.lowest + longest) * config.per_decade)
    x = 10 ** (config.lowest - longest + torch.arange(size).double() / config.per_decade)
    check_x = torch.logspace(-3, np.log10(3.5), config.check, dtype=torch.float64)
    profile, predicted, measured = [], [], []
    for b, beta in enumerate(config.beta):
        profile.append(rates(x, beta, config))
        for c, decades in enumerate(config.decades):
            width = round(decades * config.per_decade)
            # one row a learning rate >= 10^lowest, its eigenvalues from smallest to largest
            windows = profile[-1][:, int(longest * config.per_decade) - width :]
            windows = windows.unfold(1, width + 1, 1)
            for n, count in enumerate(config.eigenvalues):
                stride = width // (count - 1) if count else 1
                speed[b, :, n, c] = (1 - windows[..., ::stride].amax(-1)).amax(-1).numpy()
        predicted.append(rates(check_x, beta, config))
        measured.append(torch.stack([_measure(check_x, beta, arm, config) for arm in ARMS]))
    rate = {"units": "per inner step"}
    return xr.Dataset(
        {
            "speed": (
                ("beta", "arm", "eigenvalues", "decades"),
                speed,
                {"long_name": "1 - rate at the best learning rate"} | rate,
            ),
            "profile": (
                ("beta", "arm", "x"),
                torch.stack(profile).numpy(),
                {"long_name": "rate of a single eigenvalue"} | rate,
            ),
            "predicted": (
                ("beta", "arm", "check_x"),
                torch.stack(predicted).numpy(),
                {"long_name": "rate of a single eigenvalue"} | rate,
            ),
            "measured": (
                ("beta", "arm", "check_x"),
                torch.stack(measured).numpy(),
                {"long_name": "rate at which a run shrinks, slope of its log size"} | rate,
            ),
        },
        coords={
            "beta": ("beta", list(config.beta), {"long_name": "momentum"}),
            "arm": list(ARMS),
            # 0 stands for a filled range
            "eigenvalues": list(config.eigenvalues),
            "decades": (
                "decades",
                list(config.decades),
                {"long_name": "log10 of the condition number"},
            ),
            "x": ("x", x.numpy(), {"long_name": "learning rate times eigenvalue"}),
            "check_x": (
                "check_x",
                check_x.numpy(),
                {"long_name": "learning rate times eigenvalue"},
            ),
        },
    )


def _measure(x: Tensor, beta: float, arm: str, config: Config) -> Tensor:
    """Run loops from both basis states, rescaled after each, and fit the slope of the log size."""
    theta = torch.tensor([[1.0], [0.0]], dtype=torch.float64).repeat(1, x.numel())
    v = theta.flip(0)
    alpha = 1.0 if arm == "momentum" else config.alpha
    size, sizes = torch.zeros_like(x), []
    for _ in range(config.loops):
        slow, old = theta, v
        for _ in range(config.k):
            v = beta * v - x * theta
            theta = theta + v
        lookahead_pull(slow, theta, alpha)
        if arm == "reset":
            v = torch.zeros_like(v)
        elif arm == "pullback":
            lookahead_pull(old, v, alpha)
        norm = (theta.square() + v.square()).sum(0).sqrt().clamp(min=1e-200)
        theta, v, size = theta / norm, v / norm, size + norm.log()
        sizes.append(size)
    late = torch.stack(sizes[config.loops // 2 :])
    time = torch.arange(late.shape[0], dtype=torch.float64)
    time = (time - time.mean())[:, None]
    slope = (time * late).sum(0) / time.square().sum()
    return (slope / config.k).exp()


@quantity
def gain(result: xr.Dataset, arm: str = "maintain") -> xr.DataArray:
    """Speed of Lookahead over that of momentum alone, each at its best learning rate."""
    return result["speed"].sel(arm=arm) / result["speed"].sel(arm="momentum")


@quantity
def under_damped(result: xr.Dataset, beta: float) -> xr.DataArray:
    """The decades of condition number on which momentum alone is as fast as at the smallest."""
    alone = result["speed"].sel(beta=beta, arm="momentum", eigenvalues=2)
    return alone["decades"].where(alone > 0.99 * alone.isel(decades=0), drop=True)


@quantity
def check_errors(result: xr.Dataset) -> xr.DataArray:
    """Relative difference of measured and predicted rates, without its sign."""
    return abs(result["measured"] / result["predicted"] - 1)
