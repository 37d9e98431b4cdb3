"""Tuning the learning-rate schedule of a real training run, at equal compute.

Compute is counted in inner steps of one particle, forward; each method gets as many, up to whole
particles: truncated ES has one more for its mean state. A step of truncated backpropagation is
counted as three, and its budget is spent on restarts from random points, of which it keeps the
best: alone, from theta_0, it would use a fraction of the compute.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
import xarray as xr

from replications.core.experiment import experiment, quantity
from replications.core.seeds import generator
from replications.methods.backprop import TruncatedBPTT
from replications.methods.evolution import NRES, PES, TruncatedES
from replications.methods.unroll_problem import unroll
from replications.papers.pes.outer import descend
from replications.problems import data
from replications.problems.digits_training import DigitsTraining

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

ARMS = ("PES", "NRES", "truncated ES", "truncated BPTT", "random search")
BACKWARD = 3
"""Cost of a differentiated inner step in plain ones: the inner step is itself a forward and a
backward pass, and differentiating it about doubles each."""


@dataclass(frozen=True)
class Config:
    """A small relative of the official hyperopt.py (MNIST, two hidden layers, T = 5000, N =
    1000).
    """

    objective: Literal["train loss", "validation error"] = "train loss"
    """Both are in the official code, there with the validation accuracy."""
    horizon: int = 500
    """Official code: 5000."""
    window: int = 10
    """Official code: 10 and 100."""
    hidden: int = 16
    batch: int = 32
    pairs: int = 25
    """Official code: 500."""
    sigma: float = 0.3
    """One setting for all arms, not tuned (official code: 0.1)."""
    learning_rate: float = 0.02
    """Of Adam (official code: 0.01)."""
    windows: int = 1000
    """Updates of theta: 20 episodes."""
    theta: tuple[float, float] = (-5.8, 1.1)
    """Rate 0.003, falling to an eighth: too small and too fast."""
    low: tuple[float, float] = (-7.0, -2.3)
    """Corner of the box of random search and of the restarts: rate 0.001, decay exponent 0.1."""
    high: tuple[float, float] = (-0.7, 3.4)
    """The other corner: rate 0.5, decay exponent 30."""
    fresh: int = 4
    """Runs with other first weights and mini-batches on which the schedules are judged."""
    points: int = 20
    """How often theta is remembered."""
    seed: int = 0


def problem_of(config: Config, name: str, number: int, judged: bool = False) -> DigitsTraining:
    """A training run of its own: first weights and mini-batches from (seed, name, number)."""
    images = data.digits()
    train, validation, test = data.split(len(images.inputs), (1000, 400, 397), config.seed)
    look = test if judged else validation
    return DigitsTraining(
        images.inputs[train],
        images.targets[train],
        validation=(images.inputs[look], images.targets[look]),
        objective=config.objective,
        horizon=config.horizon,
        hidden=config.hidden,
        batch=config.batch,
        generator=generator(config.seed, name, number),
    )


def tune(config: Config) -> xr.Dataset:
    """Tune by every arm on one training run, judge on fresh ones."""
    problem = problem_of(config, "tuning", 0)
    budget = config.windows * config.window * 2 * config.pairs
    every = config.windows // config.points
    noisy = (config.window, config.sigma, config.pairs)
    adam = partial(torch.optim.Adam, lr=config.learning_rate, foreach=False)
    start = torch.tensor(config.theta)
    paths, spent, exploded = [], [], 0
    for name in ARMS:
        seed = generator(config.seed, name).initial_seed()
        if name == "random search":
            trials = budget // config.horizon
            points = _uniform(config, trials, generator(config.seed, "trials"))
            found = objective(problem, points)
            exploded = int((~found.isfinite()).sum())
            best = points[found.nan_to_num(nan=torch.inf).argmin()]
            path = best.expand(config.points + 1, 2)
            spent.append(trials * config.horizon)
        elif name == "truncated BPTT":
            count = 2 * config.pairs // BACKWARD
            if config.objective == "validation error":  # no derivative: it stays where it is
                path = start.expand(config.points + 1, 2)
                spent.append(0)
            else:
                random = _uniform(config, count - 1, generator(config.seed, "restarts"))
                starts = torch.cat([start[None], random])
                estimator = TruncatedBPTT(config.window, on_explosion="report")
                many = descend(estimator, problem, starts, [0] * count, config.windows, adam, every)
                best_of = objective(problem, many[-1]).nan_to_num(nan=torch.inf).argmin()
                path = many[:, best_of]
                spent.append(BACKWARD * count * config.windows * config.window)
        else:
            kind = {"PES": PES, "NRES": NRES, "truncated ES": TruncatedES}[name]
            path = descend(kind(*noisy), problem, start[None], [seed], config.windows, adam, every)
            path = path[:, 0]
            mean_state = config.windows * config.window if name == "truncated ES" else 0
            spent.append(budget + mean_state)
        paths.append(path)
    path = torch.stack(paths)
    curve = objective(problem, path.reshape(-1, 2)).view(path.shape[:2])
    judged = torch.cat([path[:, -1], start[None]])
    runs = [_judge(config, judged, i) for i in range(config.fresh)]
    fresh, accuracy = (torch.stack(x).mean(dim=0) for x in zip(*runs, strict=True))
    what = config.objective
    return xr.Dataset(
        {
            "path": (
                ("seed", "arm", "update", "parameter"),
                path[None].numpy(),
                {"long_name": "theta; random search repeats its answer"},
            ),
            "curve": (
                ("seed", "arm", "update"),
                curve[None].numpy(),
                {"long_name": f"{what} along the path, on the tuning run"},
            ),
            "fresh": (
                ("seed", "arm"),
                fresh[None, :-1].numpy(),
                {"long_name": f"{what} on fresh runs"},
            ),
            "accuracy": (
                ("seed", "arm"),
                accuracy[None, :-1].numpy(),
                {"long_name": "test accuracy after fresh runs"},
            ),
            "start": ("seed", [float(fresh[-1])], {"long_name": f"{what} on fresh runs, at first"}),
            "steps": (
                ("seed", "arm"),
                [[float(x) for x in spent]],
                {"long_name": "compute spent on tuning", "units": "particle-steps"},
            ),
            "exploded": ("seed", [exploded], {"long_name": "random points whose run diverged"}),
        },
        coords={
            "seed": [config.seed],
            "arm": list(ARMS),
            "update": np.arange(0, config.windows + 1, every),
            "parameter": ["rate", "decay"],
        },
    )


SMALL = Config(horizon=200, windows=400, pairs=15, fresh=2, points=10)
SEEDS = range(8)

digits = experiment(
    "digits", quick=(SMALL,), full=tuple(Config(seed=seed) for seed in SEEDS), along="seed"
)(tune)
digits_error = experiment(
    "digits-error",
    quick=(replace(SMALL, objective="validation error"),),
    full=tuple(Config(objective="validation error", seed=seed) for seed in SEEDS),
    along="seed",
)(tune)


@quantity
def fresh(result: xr.Dataset, arm: str) -> xr.DataArray:
    """The objective on fresh runs, by seed."""
    return result["fresh"].sel(arm=arm)


@quantity
def median_fresh(result: xr.Dataset, arm: str) -> xr.DataArray:
    """Its median."""
    return fresh(result, arm).median("seed")


@quantity
def median_accuracy(result: xr.Dataset, arm: str) -> xr.DataArray:
    """Median of the test accuracies."""
    return result["accuracy"].sel(arm=arm).median("seed")


@quantity
def excess_compute(result: xr.Dataset) -> xr.DataArray:
    """Largest relative difference of a tuner's compute from that of PES."""
    return abs(result["steps"] / result["steps"].sel(arm="PES") - 1).max()


@quantity
def schedule(result: xr.Dataset, arm: str, time: np.ndarray) -> xr.DataArray:
    """Learning rates at times from 0 to 1, by seed."""
    theta = result["path"].sel(arm=arm, update=result["update"].max())
    when = xr.DataArray(time, dims="time", coords={"time": time})
    rate, decay = (xr.apply_ufunc(np.exp, theta.sel(parameter=name)) for name in ("rate", "decay"))
    return rate / (1 + when) ** decay


@quantity
def decay_factor(result: xr.Dataset, arm: str) -> xr.DataArray:
    """By how much the learning rate falls in a run, by seed."""
    rate = schedule(result, arm, np.array([0.0, 1.0]))
    return rate.sel(time=0.0) / rate.sel(time=1.0)


def objective(problem: DigitsTraining, theta: Float[Tensor, "n 2"]) -> Float[Tensor, " n"]:
    """Mean over the episode's paying steps of the loss that is tuned, without noise."""
    _, loss = unroll(problem, problem.init(len(theta)), theta, 0, problem.horizon)
    paying = problem.horizon
    if problem.objective == "validation error":
        paying //= problem.check_every
    return loss / paying


def _judge(config: Config, theta: Tensor, number: int) -> tuple[Tensor, Tensor]:
    """Objective and test accuracy of schedules on a fresh run."""
    problem = problem_of(config, "fresh", number)
    loss = objective(problem, theta)
    test = problem_of(config, "fresh", number, judged=True)
    (first, _, second, _), _ = unroll(test, test.init(len(theta)), theta, 0, test.horizon)
    return loss, 1 - test.validation_error(first, second)


def _uniform(config: Config, n: int, source: torch.Generator) -> Float[Tensor, "n 2"]:
    low, high = torch.tensor(config.low), torch.tensor(config.high)
    return low + (high - low) * torch.rand(n, 2, generator=source)
