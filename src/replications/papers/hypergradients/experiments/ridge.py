"""Every way on ridge regression, unfinished and finished: 12 log decays and 4 log rates.

The truth is the exact derivative of the run as it is, which for finished training is the closed
form. Each draw of the regression problem is one sample; the stochastic ways are repeated within
it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
import xarray as xr

from replications.core.experiment import experiment, quantity
from replications.core.seeds import generator
from replications.methods.backprop import BPTT, TruncatedBPTT
from replications.methods.conjugate_gradient import ConjugateGradient
from replications.methods.dense_solve import Exact
from replications.methods.evolution import NRES, PES, FullES, TruncatedES
from replications.methods.implicit import hypergradient
from replications.methods.inverse_hessian import Solver
from replications.methods.neumann import Neumann
from replications.methods.rtrl import RTRL
from replications.methods.uoro import UORO
from replications.papers.hypergradients.settings import Found, settings
from replications.papers.hypergradients.ways import (
    Errors,
    Price,
    Sizes,
    differences,
    episode,
    last_steps,
)
from replications.problems.ridge import ridge as draw_ridge
from replications.problems.ridge_training import RidgeTraining

PARTS = ("all", "decays", "rates")


@dataclass(frozen=True)
class Config:
    """Sizes; all ours."""

    horizon: int
    """Steps of training: 16 leave it unfinished, 256 finish it to rounding (the slowest direction
    shrinks by about 6 % a step)."""
    draws: int = 2
    """Regression problems: 40 examples, 12 weights."""
    replicates: int = 16
    """Repetitions of a stochastic way on each."""
    pairs: int = 16
    sigma: float = 0.1
    """Of the windowed strategies: log decays and log rates change by 10 %."""
    sigmas: tuple[float, ...] = (0.01, 0.03, 0.1, 0.3)
    """Of full ES."""
    windows: tuple[int, ...] = (4, 16)
    """Windows in an episode."""
    products: tuple[int, ...] = (1, 2, 4, 8, 12)
    """Of conjugate gradients; 12 weights make 12 exact."""
    terms: tuple[int, ...] = (0, 2, 8, 32, 128)
    """Of the Neumann series, with the last training rate as its step, as the paper has it."""
    last: tuple[int, ...] = (1, 2, 4, 8, 16)
    """Steps differentiated backwards."""
    steps: tuple[float, ...] = (1e-1, 1e-3, 1e-5, 1e-7, 1e-9)
    """Of central differences."""
    decay: tuple[float, float] = (-2.0, 0.0)
    """First and last log decay: from 0.14 to 1."""
    rate: tuple[float, float] = (-1.6, -1.8)
    """First and last log rate: 0.20 to 0.17, a third of what the largest curvature allows, so that
    perturbed rates rarely diverge."""


QUICK = (Config(16), Config(256))
FULL = tuple(replace(config, draws=10, replicates=32) for config in QUICK)


def theta_of(config: Config, decays: int = 12, knots: int = 4) -> torch.Tensor:
    """The hyperparameters at which the derivative is taken."""
    parts = torch.linspace(*config.decay, decays), torch.linspace(*config.rate, knots)
    return torch.cat(parts).double()


@experiment(quick=QUICK, full=FULL, along="horizon")
def ridge(config: Config) -> xr.Dataset:
    """Bias, variance and price of every way; one config is one horizon."""
    theta = theta_of(config)
    truths, errors = [], []
    for draw in range(config.draws):
        problem = RidgeTraining(draw_ridge(draw), config.horizon)
        truth = problem.gradient(theta)
        found = every_way(problem, theta, config, draw)
        parts = {"all": slice(None), "decays": slice(12), "rates": slice(12, None)}
        truths.append([float(truth[parts[part]].norm()) for part in PARTS])
        rows = [
            [Errors.of(rows[:, parts[part]], truth[parts[part]]) for part in PARTS]
            for _, _, rows, _ in found.values()
        ]
        errors.append([[(e.bias2, e.variance, e.cosine) for e in row] for row in rows])
    each = np.array(errors)  # [draw, setting, part, 3]
    dims = ("horizon", "draw", "setting", "part")
    return xr.Dataset(
        {
            "bias2": (dims, each[None, ..., 0], {"long_name": "relative squared bias"}),
            "variance": (dims, each[None, ..., 1], {"long_name": "relative variance"}),
            "cosine": (dims, each[None, ..., 2], {"long_name": "cosine of mean and truth"}),
            "norm": (
                ("horizon", "draw", "part"),
                np.array(truths)[None],
                {"long_name": "length of the hypergradient"},
            ),
        },
        coords={"horizon": [config.horizon], "draw": np.arange(config.draws), "part": list(PARTS)},
    ).merge(settings(found).expand_dims(horizon=[config.horizon]))


def every_way(problem: RidgeTraining, theta: torch.Tensor, config: Config, draw: int) -> Found:
    """All ways with all their settings; labels are the same at every horizon."""
    sizes = Sizes(problem.horizon, 12, len(theta))
    seeds = [generator(draw, "noise", i).initial_seed() for i in range(config.replicates)]
    found: Found = {}

    def keep(way: str, knob: float, rows: torch.Tensor, price: Price) -> None:
        label = f"{way} {knob:g}" if knob else way
        found[label] = (way, knob, rows.reshape(-1, len(theta)), price)

    keep("implicit, exact", 0, implicit(problem, theta, Exact()), sizes.dense())
    for k in config.products:
        solver = ConjugateGradient(k)
        keep("implicit, CG", k, implicit(problem, theta, solver), sizes.implicit(k))
    for k in config.terms:
        series = Neumann(k, step=float(theta[-1].exp()), probes=0)
        label = f"implicit, Neumann {k}"
        rows = implicit(problem, theta, series)
        found[label] = ("implicit, Neumann", k, rows[None], sizes.implicit(k))
    for k in config.last:
        keep("last steps", k, last_steps(problem, theta, k), sizes.backwards(k))
    keep("reverse mode", 0, episode(BPTT(), problem, theta, [0])[0], sizes.backwards())
    for n in config.windows:
        window = problem.horizon // n
        total, _ = episode(TruncatedBPTT(window), problem, theta, [0])
        keep("truncated BPTT", n, total, sizes.truncated(n))
    total, _ = episode(RTRL(problem.horizon), problem, theta, [0])
    keep("forward mode", 0, total, sizes.forwards())
    for step in config.steps:
        keep("differences", step, differences(problem, theta, step), sizes.differences())
    keep("UORO", 0, episode(UORO(problem.horizon), problem, theta, seeds)[0], sizes.uoro())
    for sigma in config.sigmas:
        rows, _ = episode(FullES(sigma, config.pairs), problem, theta, seeds)
        keep("full ES", sigma, rows, sizes.perturbed(config.pairs, kept=False))
    for n in config.windows:
        window = problem.horizon // n
        for kind, way in ((PES, "PES"), (NRES, "NRES"), (TruncatedES, "truncated ES")):
            rows, _ = episode(kind(window, config.sigma, config.pairs), problem, theta, seeds)
            keep(way, n, rows, sizes.perturbed(config.pairs, kind is PES, kind is not TruncatedES))
    return found


def implicit(problem: RidgeTraining, theta: torch.Tensor, solver: Solver) -> torch.Tensor:
    """By the implicit function theorem at the weights that training ends with; rates get zero."""
    weights, decays = problem.weights(theta), theta[: problem.decays]
    at = problem.ridge
    found = hypergradient(at.train_loss, at.val_loss, weights, decays, solver, tolerance=torch.inf)
    return torch.cat([found.total, torch.zeros(problem.knots, dtype=theta.dtype)])


@quantity
def mse(result: xr.Dataset) -> xr.DataArray:
    """Relative mean squared error of one estimate."""
    return (result["bias2"] + result["variance"]).rename("mse")


@quantity
def relative_error(result: xr.Dataset, setting: str, horizon: int, part: str) -> xr.DataArray:
    """Root of the mean squared error, relative to the hypergradient's length, by draw."""
    chosen = mse(result).sel(setting=setting, horizon=horizon, part=part)
    return chosen.clip(min=0) ** 0.5


@quantity
def share_of_rates(result: xr.Dataset, horizon: int) -> xr.DataArray:
    """Share of the hypergradient's squared length that lies in the learning rates, by draw."""
    norm = result["norm"].sel(horizon=horizon)
    return (norm.sel(part="rates") / norm.sel(part="all")) ** 2


@quantity
def variance_ratio(result: xr.Dataset, one: str, other: str, horizon: int) -> xr.DataArray:
    """Variance of one setting over that of another, all hyperparameters, by draw."""
    chosen = result["variance"].sel(horizon=horizon, part="all")
    return chosen.sel(setting=one) / chosen.sel(setting=other)


@quantity
def equal_cost_ratio(result: xr.Dataset, one: str, other: str, horizon: int) -> xr.DataArray:
    """Variance times price of one setting over that of another: repeated up to the same price."""
    cost = result["cost"].sel(horizon=horizon)
    return variance_ratio(result, one, other, horizon) * (
        cost.sel(setting=one) / cost.sel(setting=other)
    )


@quantity
def length(result: xr.Dataset, setting: str, horizon: int, part: str) -> xr.DataArray:
    """Length of a deterministic estimate over that of the truth, by draw.

    From bias b and cosine c, all relative: b^2 = 1 + h^2 - 2 c h, positive root.
    """
    at = result.sel(setting=setting, horizon=horizon, part=part)
    return at["cosine"] + (at["cosine"] ** 2 - 1 + at["bias2"]).clip(min=0) ** 0.5
