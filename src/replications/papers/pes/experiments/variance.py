"""Variance against the number of windows: the exact formula, and Monte Carlo to check it.

One episode of a recurrent network on three sequences (the official code's three scenarios): real
text, letters at random, and one letter repeated. All numbers are trace variances of one antithetic
pair's whole-episode estimate, divided by the squared length of the exact gradient.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
import xarray as xr

from replications.core.experiment import experiment, quantity
from replications.core.seeds import generator
from replications.methods.es_variance import (
    episode_es_variance,
    identical_windows_ratio,
    independent_windows_ratio,
    pes_variance,
)
from replications.methods.evolution import PES
from replications.papers.pes.outer import episode
from replications.problems.char_rnn import LETTERS, CharRNN, by_windows, text
from replications.problems.linear_unroll import later_losses

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

SCENARIOS = ("real", "random", "repeated")


@dataclass(frozen=True)
class Config:
    """Settings of the official rnn_variance.py where they fit on a laptop."""

    units: int = 5
    """Official code."""
    horizon: int = 100
    """Official code: 1000; shortened, because the formula is quadratic in it."""
    windows: tuple[int, ...] = (1, 2, 4, 10, 20, 50, 100)
    """Numbers of windows of one episode."""
    sequences: int = 6
    """Independent networks and sequences a scenario; the official code has one."""
    sigma: float = 1e-3
    """Official code."""
    checked: tuple[int, ...] = (1, 10, 100)
    """Numbers of windows at which Monte Carlo checks the formula, on the first real sequence."""
    pairs: int = 1800
    """For the check; official code: 500 pairs, 50 repeats."""
    batches: int = 12
    """Groups of pairs, whose variances give the check's interval."""
    dim: int = 327
    """P of this network, for the closed forms."""
    draws: int = 480
    """Independent sets of window gradients for the law of independent windows."""
    seed: int = 0


def run(config: Config) -> Result:
    """Evaluate the formula on every sequence, then check it."""
    ratio = np.zeros((len(SCENARIOS), len(config.windows), config.sequences))
    letters = text()
    problems = []
    for i, scenario in enumerate(SCENARIOS):
        for j in range(config.sequences):
            source = generator(config.seed, "sequence", scenario, j)
            problem = CharRNN(_sequence(scenario, letters, config.horizon, source), config.units)
            theta = problem.parameters(source)
            h = problem.later_losses(theta)
            square = h[0].sum(dim=0).square().sum()
            for k, count in enumerate(config.windows):
                windowed = by_windows(h, config.horizon // count)
                ratio[i, k, j] = float(pes_variance(windowed) / square)
            problems.append((problem, theta, h))

    problem, theta, h = problems[0]
    check = np.stack([_check(config, problem, theta, h, n) for n in config.checked])
    return Result(
        ratio=ratio,
        episode=float(episode_es_variance(h[0].sum(dim=0)) / h[0].sum(dim=0).square().sum()),
        check=check,
        identical=_identical(config),
        independent=_independent(config),
        laws=np.array(
            [
                [law(n, config.dim) for n in config.windows]
                for law in (identical_windows_ratio, independent_windows_ratio)
            ]
        ),
    )


def _sequence(scenario: str, letters: Tensor, horizon: int, source: torch.Generator) -> Tensor:
    start = int(torch.randint(len(letters) - horizon, (), generator=source))
    if scenario == "real":
        return letters[start : start + horizon + 1]
    if scenario == "random":
        return torch.randint(LETTERS, (horizon + 1,), generator=source)
    return letters[start].expand(horizon + 1)


def _check(
    config: Config, problem: CharRNN, theta: Tensor, h: Tensor, count: int
) -> Float[np.ndarray, " batches"]:
    seed = generator(config.seed, "check", "PES", count).initial_seed()
    window = config.horizon // count
    samples = episode(PES(window, config.sigma, config.pairs), problem, theta, seed)
    exact = pes_variance(by_windows(h, window))
    groups = samples.view(config.batches, -1, problem.dim)
    measured: np.ndarray = (groups.var(dim=1).sum(dim=1) / exact).numpy()
    return measured


def _local(gradients: Float[Tensor, "n P"]) -> Float[Tensor, "n n P"]:
    """h of windows without influence on each other."""
    return later_losses(torch.diag_embed(gradients.mT).permute(1, 2, 0))


def _identical(config: Config) -> Float[np.ndarray, " windows"]:
    one = torch.randn(
        config.dim, generator=generator(config.seed, "identical"), dtype=torch.float64
    )
    ratios = []
    for n in config.windows:
        formula = pes_variance(_local(one.expand(n, -1))) / (n * one).square().sum()
        ratios.append(float(formula) / identical_windows_ratio(n, config.dim))
    return np.array(ratios)


def _independent(config: Config) -> Float[np.ndarray, "windows batches"]:
    """For independent gradients |h|^2 only needs each gradient's length, at its n - s places."""
    source = generator(config.seed, "independent")
    rows = []
    for n in config.windows:
        lengths = torch.zeros(config.draws, n, dtype=torch.float64)
        total = torch.zeros(config.draws, config.dim, dtype=torch.float64)
        for w in range(n):
            g = torch.randn(config.draws, config.dim, generator=source, dtype=torch.float64)
            lengths[:, w] = g.square().sum(dim=1)
            total += g
        seen = torch.arange(1, n + 1, dtype=torch.float64)  # h[s, w] = g_w for s = 1..w
        variance = config.dim * (lengths * seen).sum(dim=1) + lengths.sum(dim=1)
        means = [
            x.view(config.batches * 2, -1).mean(dim=1)
            for x in (variance, total.square().sum(dim=1))
        ]
        rows.append((means[0] / means[1] / independent_windows_ratio(n, config.dim)).numpy())
    return np.stack(rows)
