"""Every way that remains where training is chaotic: the toy of the chapter on PES.

There is no minimum to be stationary at, so no implicit derivative. Theta moves on a line from the
official start, where rates are tiny, to the best point of the chapter's map, where they are huge.
The slope that a descent can use is that of the loss smoothed at a scale; we take sigma = 0.3, the
official code's for PES, and compute it on a grid.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
import xarray as xr

from replications.core.experiment import experiment, quantity
from replications.core.seeds import generator
from replications.methods.backprop import BPTT, TruncatedBPTT
from replications.methods.evolution import NRES, PES, FullES, TruncatedES
from replications.methods.uoro import UORO
from replications.papers.hypergradients.settings import Found, settings
from replications.papers.hypergradients.ways import (
    Errors,
    Price,
    Sizes,
    differences,
    episode,
    objective,
)
from replications.problems.toy_regression import ToyRegression


@dataclass(frozen=True)
class Config:
    """Sizes."""

    places: tuple[float, ...] = (0.0, 1.0)
    """Where on the line from start to end."""
    start: tuple[float, float] = (-4.0, -4.0)
    """Official code."""
    end: tuple[float, float] = (2.735, -2.595)
    """Best of the grid in the chapter on PES."""
    sigma: float = 0.3
    """The scale of the truth, and the windowed strategies' noise (official code)."""
    sigmas: tuple[float, ...] = (0.03, 0.1, 0.3, 1.0)
    """Of full ES."""
    steps: tuple[float, ...] = (1e-6, 1e-3, 0.1, 0.3)
    """Of central differences."""
    pairs: int = 50
    """Official code: N = 100."""
    windows: int = 10
    """Official code: K = 10 of T = 100."""
    replicates: int = 16
    side: int = 100
    """Of the grid on which the truth is computed, out to five sigma."""


QUICK = Config()
FULL = replace(QUICK, places=(0.0, 0.25, 0.5, 0.75, 1.0), replicates=256, side=500)


@experiment(quick=QUICK, full=FULL)
def chaos(config: Config) -> xr.Dataset:
    """Bias, variance and price against the smoothed slope, by place on the line."""
    problem = ToyRegression()
    start, end = (torch.tensor(x).double() for x in (config.start, config.end))
    rows, truths, doubts, norms = [], [], [], []
    for number, place in enumerate(config.places):
        theta = (1 - place) * start + place * end
        grids = [smoothed_slope(problem, theta, config, shift) for shift in (0.25, 0.75)]
        truth = (grids[0] + grids[1]) / 2
        truths.append(truth.tolist())
        doubts.append(float((grids[0] - grids[1]).norm() / 2 / truth.norm()))
        found = every_way(problem, theta, config, number)
        each = [Errors.of(row, truth) for _, _, row, _ in found.values()]
        rows.append([(e.bias2, e.variance, e.cosine) for e in each])
        norms.append(float(found["reverse mode"][2].norm() / truth.norm()))
    each_place = np.array(rows)
    dims = ("place", "setting")
    return xr.Dataset(
        {
            "bias2": (dims, each_place[..., 0], {"long_name": "relative squared bias"}),
            "variance": (dims, each_place[..., 1], {"long_name": "relative variance"}),
            "cosine": (dims, each_place[..., 2], {"long_name": "cosine of mean and truth"}),
            "truth": (("place", "parameter"), truths, {"long_name": "slope of the smoothed loss"}),
            "doubt": ("place", doubts, {"long_name": "relative error of the truth"}),
            "explosion": (
                "place",
                norms,
                {"long_name": "exact derivative's length over the smoothed slope's"},
            ),
        },
        coords={"place": list(config.places), "parameter": ["first", "last"]},
    ).merge(settings(found))


def smoothed_slope(
    problem: ToyRegression, theta: torch.Tensor, config: Config, shift: float
) -> torch.Tensor:
    """E[eps F(theta + eps)] / sigma^2 on a grid; two shifts that agree have converged."""
    axis = ((torch.arange(config.side) + shift) / config.side * 10 - 5).double()
    noise = torch.cartesian_prod(axis, axis)
    weight = (-noise.square().sum(1) / 2).exp()
    # on a grid the weights' own mean is not exactly zero: take it out
    weight = weight / weight.sum()
    noise = noise - weight @ noise
    points = theta + config.sigma * noise
    loss = torch.cat([objective(problem, part) for part in points.split(20_000)])
    return (weight * loss) @ noise / config.sigma


def every_way(problem: ToyRegression, theta: torch.Tensor, config: Config, number: int) -> Found:
    """All ways with all their settings."""
    sizes = Sizes(problem.horizon, 2, 2)
    seeds = [generator(number, "noise", i).initial_seed() for i in range(config.replicates)]
    found: Found = {}

    def keep(way: str, knob: float, rows: torch.Tensor, price: Price) -> None:
        found[f"{way} {knob:g}" if knob else way] = (way, knob, rows.reshape(-1, 2), price)

    keep("reverse mode", 0, episode(BPTT(), problem, theta, [0])[0], sizes.backwards())
    window, sigma = problem.horizon // config.windows, config.sigma
    total, _ = episode(TruncatedBPTT(window), problem, theta, [0])
    keep("truncated BPTT", config.windows, total, sizes.truncated(config.windows))
    for step in config.steps:
        keep("differences", step, differences(problem, theta, step), sizes.differences())
    keep("UORO", 0, episode(UORO(problem.horizon), problem, theta, seeds)[0], sizes.uoro())
    for s in config.sigmas:
        rows, _ = episode(FullES(s, config.pairs), problem, theta, seeds)
        keep("full ES", s, rows, sizes.perturbed(config.pairs, kept=False))
    for kind, way in ((PES, "PES"), (NRES, "NRES"), (TruncatedES, "truncated ES")):
        rows, _ = episode(kind(window, sigma, config.pairs), problem, theta, seeds)
        price = sizes.perturbed(config.pairs, kind is PES, kind is not TruncatedES)
        keep(way, config.windows, rows, price)
    return found


@quantity
def mse(result: xr.Dataset) -> xr.DataArray:
    """Relative mean squared error of one estimate."""
    return (result["bias2"] + result["variance"]).rename("mse")
