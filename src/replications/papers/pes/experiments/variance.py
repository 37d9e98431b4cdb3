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
    seed: int = 0


@experiment(quick=Config())
def variance(config: Config) -> xr.Dataset:
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
    gradient = h[0].sum(dim=0)
    ratios = {"long_name": "variance of one pair over the squared gradient"}
    return xr.Dataset(
        {
            "ratio": (("scenario", "windows", "sequence"), ratio, ratios),
            "episode": (
                (),
                float(episode_es_variance(gradient) / gradient.square().sum()),
                {"long_name": "the same for NRES and full ES, at any number of windows"},
            ),
            "check": (
                ("checked", "batch"),
                np.stack([_check(config, problem, theta, h, n) for n in config.checked]),
                {"long_name": "Monte Carlo over formula for PES, on the first real sequence"},
            ),
            "law": (
                ("relation", "windows"),
                [
                    [law(n, problem.dim) for n in config.windows]
                    for law in (identical_windows_ratio, independent_windows_ratio)
                ],
                {"long_name": "closed form of the ratio"},
            ),
        },
        coords={
            "scenario": list(SCENARIOS),
            "windows": ("windows", list(config.windows), {"long_name": "windows in an episode"}),
            "sequence": np.arange(config.sequences),
            "checked": ("checked", list(config.checked), {"long_name": "windows in an episode"}),
            "relation": ["identical", "independent"],
        },
    )


@quantity
def over_nres(result: xr.Dataset, scenario: str, windows: int) -> xr.DataArray:
    """Variance of PES over that of NRES, by sequence."""
    return result["ratio"].sel(scenario=scenario, windows=windows) / result["episode"]


@quantity
def growth(result: xr.Dataset, scenario: str, windows: tuple[int, int]) -> xr.DataArray:
    """Variance of PES at the second number of windows over that at the first, by sequence."""
    first, second = (result["ratio"].sel(scenario=scenario, windows=n) for n in windows)
    return second / first


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
