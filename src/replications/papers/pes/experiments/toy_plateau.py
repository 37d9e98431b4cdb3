"""Why exact gradients stop on the toy: the plateau's edge, as the surface and as noise see it.

Around the place where RTRL's run ends, the meta-loss along the first log rate, its derivative, and
full ES's estimate of the smoothed loss's derivative. Recorded, because runs beyond the edge are
chaotic: rounding moves their losses.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import xarray as xr

from replications.core.experiment import experiment, quantity
from replications.core.seeds import generator
from replications.methods.backprop import BPTT
from replications.methods.evolution import FullES
from replications.papers.pes.experiments.toy import meta_loss
from replications.papers.pes.outer import episode
from replications.problems.toy_regression import ToyRegression


@dataclass(frozen=True)
class Config:
    """Where to look, and how closely."""

    theta: tuple[float, float] = (0.16, -1.25)
    """Where RTRL ends on the toy, rounded (a test compares it with the record)."""
    reach: float = 1.0
    """How far to look to the right."""
    points: int = 201
    sigma: float = 0.3
    """PES's on the toy."""
    pairs: int = 20_000
    batches: int = 40
    seed: int = 0


@experiment(quick=Config(pairs=2000, batches=20, points=21), full=Config())
def toy_plateau(config: Config) -> xr.Dataset:
    """Losses to the right, the exact slope, and estimates of the smoothed one."""
    theta = torch.tensor(config.theta, dtype=torch.float64)
    first = theta[0] + torch.linspace(0, config.reach, config.points, dtype=torch.float64)
    losses = meta_loss(torch.stack([first, theta[1].expand_as(first)], dim=-1))
    problem = ToyRegression()
    exact, _, _ = BPTT().step(BPTT().init(problem, theta), theta)
    seed = generator(config.seed, "plateau").initial_seed()
    samples = episode(FullES(config.sigma, config.pairs), problem, theta, seed)[:, 0]
    return xr.Dataset(
        {
            "loss": ("first", losses.numpy(), {"long_name": "meta-loss"}),
            "slope": ((), exact[0].item(), {"long_name": "derivative in the first log rate"}),
            "smoothed": (
                "batch",
                samples.view(config.batches, -1).mean(dim=1).numpy(),
                {"long_name": "derivative of the smoothed meta-loss, estimated by full ES"},
            ),
        },
        coords={"first": ("first", first.numpy(), {"long_name": "log of the first rate"})},
    )


@quantity
def cliff(result: xr.Dataset) -> xr.DataArray:
    """The first log rate at which the meta-loss is two per cent below that of the plateau."""
    fallen = result["loss"] < 0.98 * result["loss"].isel(first=0)
    return result["first"].where(fallen).min()
