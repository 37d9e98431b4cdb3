"""Figure 4: how fast Lookahead around momentum contracts a quadratic, by its condition number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from replications.methods.lookahead import lookahead_pull
from replications.problems.momentum_quadratic import INNER_STATES, lookahead_rate, momentum_rate

if TYPE_CHECKING:
    from jaxtyping import Float, Int


@dataclass(frozen=True)
class Config:
    """Momentum and Lookahead as in the paper; condition numbers and spectra are swept."""

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


@dataclass(frozen=True)
class Result:
    """Speeds, 1 - rate per inner step. Methods: momentum alone, then Lookahead's three modes."""

    methods: np.ndarray
    """[m] strings."""
    beta: Float[np.ndarray, " b"]
    condition: Float[np.ndarray, " c"]
    eigenvalues: Int[np.ndarray, " n"]
    """0 stands for a filled range."""
    speed: Float[np.ndarray, "b m n c"]
    """At the best learning rate."""
    x: Float[np.ndarray, " x"]
    """Learning rate times eigenvalue."""
    profile: Float[np.ndarray, "b m x"]
    """Rate of a single eigenvalue."""
    check_x: Float[np.ndarray, " y"]
    predicted: Float[np.ndarray, "b m y"]
    measured: Float[np.ndarray, "b m y"]
    """Rate at which a run shrinks, from the slope of its log size."""


QUICK = Config()
METHODS = ("momentum", *INNER_STATES)


def rates(x: Tensor, beta: float, config: Config) -> Tensor:
    """Contraction per inner step of each method, [m, *x.shape]."""
    modes = [lookahead_rate(x, beta, config.alpha, config.k, mode) for mode in INNER_STATES]
    return torch.stack([momentum_rate(x, beta), *modes])


def run(config: Config) -> Result:
    """A rate depends on x alone: find it once, then slide each spectrum over the grid."""
    shape = (len(config.beta), len(METHODS), len(config.eigenvalues), len(config.decades))
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
        measured.append(torch.stack([_measure(check_x, beta, m, config) for m in METHODS]))
    return Result(
        methods=np.array(METHODS),
        beta=np.array(config.beta),
        condition=10 ** np.array(config.decades),
        eigenvalues=np.array(config.eigenvalues),
        speed=speed,
        x=x.numpy(),
        profile=torch.stack(profile).numpy(),
        check_x=check_x.numpy(),
        predicted=torch.stack(predicted).numpy(),
        measured=torch.stack(measured).numpy(),
    )


def _measure(x: Tensor, beta: float, method: str, config: Config) -> Tensor:
    """Run loops from both basis states, rescaled after each, and fit the slope of the log size."""
    theta = torch.tensor([[1.0], [0.0]], dtype=torch.float64).repeat(1, x.numel())
    v = theta.flip(0)
    alpha = 1.0 if method == "momentum" else config.alpha
    size, sizes = torch.zeros_like(x), []
    for _ in range(config.loops):
        slow, old = theta, v
        for _ in range(config.k):
            v = beta * v - x * theta
            theta = theta + v
        lookahead_pull(slow, theta, alpha)
        if method == "reset":
            v = torch.zeros_like(v)
        elif method == "pullback":
            lookahead_pull(old, v, alpha)
        norm = (theta.square() + v.square()).sum(0).sqrt().clamp(min=1e-200)
        theta, v, size = theta / norm, v / norm, size + norm.log()
        sizes.append(size)
    late = torch.stack(sizes[config.loops // 2 :])
    time = torch.arange(late.shape[0], dtype=torch.float64)
    time = (time - time.mean())[:, None]
    slope = (time * late).sum(0) / time.square().sum()
    return (slope / config.k).exp()
