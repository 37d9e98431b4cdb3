"""Every way on a network that is trained to a true minimum: one log decay for each unit.

The truth is the implicit function theorem with a dense Hessian, at a point where the training
gradient is nothing but rounding. All other ways start from there: they retrain for some steps, or
use some products with the Hessian.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr

from replications.core.experiment import experiment, quantity
from replications.core.seeds import generator
from replications.methods.conjugate_gradient import ConjugateGradient
from replications.methods.decay_hypergradient import decay_hypergradient
from replications.methods.dense_solve import Exact
from replications.methods.evolution import NRES, PES, FullES, TruncatedES
from replications.methods.inverse_hessian import Curvature, Solver
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
from replications.problems import data
from replications.problems.decayed_network import DecayedNetwork, first_weights


@dataclass(frozen=True)
class Config:
    """Sizes; all ours."""

    split: int
    """Number of the split of the digits and of the first weights."""
    train: int = 100
    validation: int = 100
    hidden: int = 6
    training: int = 3000
    """Steps of gradient descent before Newton's method takes over."""
    log_decay: float = -4.0
    """Of every unit: a decay of 0.018."""
    rate: float = 0.3
    """Of gradient descent, and the step of the Neumann series."""
    horizon: int = 16
    """Steps of retraining for the ways that run."""
    replicates: int = 4
    pairs: int = 8
    sigmas: tuple[float, ...] = (0.03, 0.3)
    windows: int = 4
    products: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64, 128)
    terms: tuple[int, ...] = (0, 3, 15, 63, 255, 1023)
    """K + 1 is the number of steps that unrolling would need for the same."""
    last: tuple[int, ...] = (1, 4, 16)
    """Steps differentiated backwards: the same sums as K = 0, 3, 15."""
    steps: tuple[float, ...] = (1e-3,)
    """Of central differences, retrained to the minimum."""


QUICK = (Config(0), Config(1))
FULL = tuple(
    Config(
        split,
        train=200,
        validation=200,
        hidden=16,
        horizon=64,
        replicates=8,
        last=(1, 4, 16, 64, 256),
        steps=(),  # 52 retrainings to the minimum cost more than all the rest
    )
    for split in range(5)
)


def trained(config: Config) -> tuple[DecayedNetwork, torch.Tensor, float]:
    """The network at its minimum, theta, and the norm of the training gradient there."""
    images = data.digits()
    sizes = (config.train, config.validation)
    parts = data.split(len(images.inputs), sizes, config.split)
    one = torch.ones(len(images.inputs), 1, dtype=torch.float64)
    inputs = torch.cat([images.inputs.double(), one], dim=1)
    train, validation = ((inputs[part], images.targets[part]) for part in parts)
    start = first_weights(65, config.hidden, 10, generator(config.split, "weights"))
    theta = torch.full((config.hidden + 10,), config.log_decay, dtype=torch.float64)
    problem = DecayedNetwork(train, validation, start, config.horizon, config.rate)
    weights, norm = problem.minimum(theta, config.training)
    return DecayedNetwork(train, validation, weights, config.horizon, config.rate), theta, norm


@experiment(quick=QUICK, full=FULL, along="split")
def digits(config: Config) -> xr.Dataset:
    """Bias, variance and price of every way, for one split."""
    problem, theta, norm = trained(config)
    train, validation = problem.hessians(problem.start, theta)
    weights = train.weights.numel()
    sizes = Sizes(config.horizon, weights, len(theta))
    found: Found = {}

    def implicit(solver: Solver) -> tuple[torch.Tensor, Curvature]:
        answer = decay_hypergradient(train, validation, solver)
        return problem.by_unit(answer.total, theta), answer.curvature

    truth, curvature = implicit(Exact())

    def keep(way: str, knob: float, rows: torch.Tensor, price: Price) -> None:
        found[f"{way} {knob:g}"] = (way, knob, rows.reshape(-1, len(theta)), price)

    for k in config.products:
        solver = ConjugateGradient(k)
        keep("implicit, CG", k, implicit(solver)[0], sizes.implicit(k))
    for k in config.terms:
        series = Neumann(k, step=config.rate, probes=0)
        keep("implicit, Neumann", k, implicit(series)[0], sizes.implicit(k))
    for k in config.last:
        longer = DecayedNetwork(*problem.data, problem.start, k, config.rate)
        keep("last steps", k, last_steps(longer, theta, k), sizes.backwards(k))
    total, _ = episode(RTRL(config.horizon), problem, theta, [0])
    keep("forward mode", config.horizon, total, sizes.forwards())
    for step in config.steps:
        keep("differences", step, retrained(problem, theta, step), sizes.differences())
    short = differences(problem, theta, 1e-4)
    keep("differences, warm", 1e-4, short, sizes.differences())
    seeds = [generator(config.split, "noise", i).initial_seed() for i in range(config.replicates)]
    keep("UORO", 0, episode(UORO(config.horizon), problem, theta, seeds)[0], sizes.uoro())
    for sigma in config.sigmas:
        rows, _ = episode(FullES(sigma, config.pairs), problem, theta, seeds)
        keep("full ES", sigma, rows, sizes.perturbed(config.pairs, kept=False))
    window, sigma = config.horizon // config.windows, config.sigmas[-1]
    for kind, way in ((PES, "PES"), (NRES, "NRES"), (TruncatedES, "truncated ES")):
        rows, _ = episode(kind(window, sigma, config.pairs), problem, theta, seeds)
        price = sizes.perturbed(config.pairs, kind is PES, kind is not TruncatedES)
        keep(way, config.windows, rows, price)

    each = [Errors.of(rows, truth) for _, _, rows, _ in found.values()]
    dims = ("split", "setting")
    return xr.Dataset(
        {
            "bias2": (dims, [[e.bias2 for e in each]], {"long_name": "relative squared bias"}),
            "variance": (dims, [[e.variance for e in each]], {"long_name": "relative variance"}),
            "cosine": (dims, [[e.cosine for e in each]], {"long_name": "cosine with the truth"}),
            "stationarity": ("split", [norm], {"long_name": "length of the training gradient"}),
            "condition": (
                "split",
                [float(curvature.largest / curvature.lowest)],
                {"long_name": "condition number of the Hessian"},
            ),
        },
        coords={"split": [config.split]},
    ).merge(settings(found))


def retrained(problem: DecayedNetwork, theta: torch.Tensor, step: float) -> torch.Tensor:
    """Central differences of the loss at the minimum itself, each side retrained to it."""

    def loss(at: torch.Tensor) -> torch.Tensor:
        weights, _ = problem.minimum(at, steps=0)
        return problem.val_loss(*(w[None] for w in weights))[0]

    shifts = step * torch.eye(len(theta), dtype=theta.dtype)
    slopes = [(loss(theta + shift) - loss(theta - shift)) / (2 * step) for shift in shifts]
    return torch.stack(slopes)


@quantity
def mse(result: xr.Dataset) -> xr.DataArray:
    """Relative mean squared error of one estimate."""
    return (result["bias2"] + result["variance"]).rename("mse")


@quantity
def relative_error(result: xr.Dataset, setting: str) -> xr.DataArray:
    """Root of the mean squared error, relative to the hypergradient's length, by split."""
    return mse(result).sel(setting=setting).clip(min=0) ** 0.5


@quantity
def products_needed(result: xr.Dataset, way: str, error: float) -> xr.DataArray:
    """Products until a solver's relative error is below a bound, by split.

    Read between the looks on double logarithmic axes; the last look where it never gets there.
    """
    own = result.isel(setting=(result["way"] == way).values)
    own = own.sortby("knob")
    needed = []
    for split in own.split.values:
        at = np.sqrt(mse(own).sel(split=split).clip(min=1e-32).values)
        below = np.flatnonzero(at <= error)
        if not len(below):
            needed.append(float(own["knob"].values[-1]))
            continue
        i = int(below[0])
        if i == 0:
            needed.append(float(own["knob"].values[0]))
            continue
        x = np.log(1 + own["knob"].values[i - 1 : i + 1])
        y = np.log(at[i - 1 : i + 1])
        share = (y[0] - np.log(error)) / (y[0] - y[1])
        needed.append(float(np.exp(x[0] + share * (x[1] - x[0])) - 1))
    return xr.DataArray(needed, dims="split", coords={"split": own.split})
