"""Paths on the toy from several starts at several sigmas, for the moving picture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
import xarray as xr

from replications.core.experiment import experiment
from replications.core.seeds import generator
from replications.methods.evolution import PES, TruncatedES
from replications.papers.pes.experiments.toy import meta_loss
from replications.papers.pes.outer import descend
from replications.papers.pes.rates import AdamByRow
from replications.problems.toy_regression import ToyRegression


@dataclass(frozen=True)
class Config:
    """K and N of the official code; the rate is larger, so that a tenth of the updates do."""

    starts: tuple[tuple[float, float], ...] = ((-4.0, -4.0), (-4.0, 1.0), (0.0, -4.0), (1.0, 1.0))
    sigmas: tuple[float, ...] = (0.1, 0.3, 1.0)
    pairs: int = 50
    window: int = 10
    rate: float = 0.03
    updates: int = 2000
    points: int = 40
    seed: int = 0


@experiment(quick=Config(updates=40, points=4), full=Config())
def toy_starts(config: Config) -> xr.Dataset:
    """One seed of PES and truncated ES from every start at every sigma."""
    begin = torch.tensor(config.starts, dtype=torch.float64)
    kinds = {"PES": PES, "truncated ES": TruncatedES}
    rates = torch.full((len(begin),), config.rate, dtype=torch.float64)
    paths = [
        descend(
            kind(config.window, sigma, config.pairs),
            ToyRegression(),
            begin,
            [generator(config.seed, "starts", name, i).initial_seed() for i in range(len(begin))],
            config.updates,
            partial(AdamByRow, rates=rates),  # type: ignore[arg-type]  # it has step() alone
            config.updates // config.points,
        )
        for name, kind in kinds.items()
        for sigma in config.sigmas
    ]
    path = torch.stack(paths).view(len(kinds), len(config.sigmas), config.points + 1, len(begin), 2)
    axes = ("arm", "sigma", "update", "start")
    return xr.Dataset(
        {
            "path": ((*axes, "parameter"), path.numpy(), {"long_name": "theta"}),
            "loss": (axes, meta_loss(path).numpy(), {"long_name": "meta-loss"}),
        },
        coords={
            "arm": list(kinds),
            "sigma": list(config.sigmas),
            "update": np.linspace(0, config.updates, config.points + 1).astype(int),
            "parameter": ["first", "last"],
        },
    )
