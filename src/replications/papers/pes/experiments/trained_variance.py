"""Variance at first weights and after training: of an episode's sum, and of one staggered update.

Exact, for linear losses, on a text that a recurrent network learns by backpropagation; as
`variance`, with the two questions that it leaves open.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr

from replications.core.experiment import experiment, quantity
from replications.core.seeds import generator
from replications.methods.backprop import BPTT
from replications.methods.es_variance import episode_es_variance, pes_variance, window_variances
from replications.problems.char_rnn import CharRNN, by_windows, text


@dataclass(frozen=True)
class Config:
    """Sizes as in `variance`."""

    units: int = 5
    horizon: int = 100
    rate: float = 0.03
    """Of Adam."""
    seeds: int = 6
    """First weights; the text is one."""
    trained: tuple[int, ...] = (0, 30, 100, 300)
    """Updates of BPTT after which the variance is looked at."""
    windows: tuple[int, ...] = (1, 2, 4, 10, 20, 50, 100)
    seed: int = 0


@experiment(quick=Config(horizon=20, seeds=2, trained=(0, 2), windows=(1, 2, 10)), full=Config())
def trained_variance(config: Config) -> xr.Dataset:
    """Train by exact gradients, all networks as one batch, and evaluate the formulas on the way."""
    letters = text()
    source = generator(config.seed, "text race", "text")
    begin = int(torch.randint(len(letters) - config.horizon, (), generator=source))
    problem = CharRNN(letters[begin : begin + config.horizon + 1], config.units)
    weights = [
        problem.parameters(generator(config.seed, "text race", "weights", i))
        for i in range(config.seeds)
    ]
    ratio = np.zeros((2, len(config.trained), len(config.windows), config.seeds))
    theta = torch.stack(weights).requires_grad_()
    adam = torch.optim.Adam([theta], lr=config.rate, foreach=False)
    for i in range(max(config.trained) + 1):
        if i in config.trained:
            for j in range(config.seeds):
                h = problem.later_losses(theta[j].detach())
                for k, n in enumerate(config.windows):
                    windowed = by_windows(h, config.horizon // n)
                    pes, nres = window_variances(windowed)
                    total = episode_es_variance(h[0].sum(dim=0))
                    pair = pes_variance(windowed) / total, pes.sum() / nres.sum()
                    ratio[:, config.trained.index(i), k, j] = [float(x) for x in pair]
        theta.grad, _, _ = BPTT().step(BPTT().init(problem, theta), theta)
        adam.step()
    return xr.Dataset(
        {
            "ratio": (
                ("of", "trained", "windows", "seed"),
                ratio,
                {"long_name": "variance of PES over that of NRES, linear losses, exact"},
            )
        },
        coords={
            "of": ["an episode's sum", "one staggered update"],
            "trained": ("trained", list(config.trained), {"long_name": "updates of BPTT"}),
            "windows": ("windows", list(config.windows), {"long_name": "windows in an episode"}),
            "seed": np.arange(config.seeds),
        },
    )


@quantity
def variance_ratio(result: xr.Dataset, of: str, trained: int, windows: int) -> xr.DataArray:
    """Variance of PES over that of NRES, by seed."""
    return result["ratio"].sel(of=of, trained=trained, windows=windows)
