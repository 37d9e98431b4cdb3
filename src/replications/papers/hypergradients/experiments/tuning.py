"""All ways as optimisers of the same hyperparameters at equal compute, and search without
derivatives.

Compute is counted in gradients of the training loss, the training runs included (`ways`). Every
way feeds Adam; of three learning rates the one with the best mean is shown, for all ways alike,
which is hindsight for all alike. Windowed ways update after every window. What counts is the loss
of a whole run at the last hyperparameters, or at the best ones that a search has seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import xarray as xr

from replications.core.experiment import experiment, quantity
from replications.core.seeds import generator, rng
from replications.methods.adam_step import adam_coefficients, adam_step_
from replications.methods.backprop import BPTT, TruncatedBPTT
from replications.methods.conjugate_gradient import ConjugateGradient
from replications.methods.evolution import NRES, PES, FullES, TruncatedES
from replications.methods.implicit import hypergradient
from replications.papers.hypergradients import search
from replications.papers.hypergradients.ways import Sizes, differences, objective
from replications.problems.ridge import ridge
from replications.problems.ridge_training import RidgeTraining
from replications.problems.toy_regression import ToyRegression

SEARCHES = ("random search", "Gaussian process")
Gradient = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class RidgeConfig:
    """12 log decays and 4 log rates of a ridge run."""

    draws: int = 1
    """Regression problems; each is one sample."""
    horizon: int = 32
    window: int = 8
    runs: int = 20
    """The budget, in training runs."""
    pairs: int = 4
    sigma: float = 0.1
    products: int = 8
    """Of conjugate gradients."""
    rates: tuple[float, ...] = (0.03, 0.1, 0.3)
    """Of Adam."""
    log_decay: float = 0.0
    """At the start: too much decay."""
    log_rate: float = -3.0
    """At the start: too slow."""
    box: tuple[float, float, float, float] = (-5.0, 2.0, -5.0, -1.0)
    """Of the searches: low and high log decay, low and high log rate."""


@dataclass(frozen=True)
class ToyConfig:
    """The two log rates of the toy."""

    draws: int = 1
    """Seeds."""
    window: int = 10
    """Official code."""
    runs: int = 20
    pairs: int = 10
    sigma: float = 0.3
    """Official code, for PES; and for full ES and NRES."""
    sigma_truncated: float = 1.0
    """Official code, for truncated ES."""
    step: float = 0.1
    """Of central differences; a small one would see the chaos."""
    rates: tuple[float, ...] = (0.03, 0.1, 0.3)
    start: tuple[float, float] = (-4.0, -4.0)
    """Official code."""
    box: tuple[float, float] = (-5.0, 5.0)
    """Of the searches: the official code's map."""
    process: int = 80
    """Runs of the Gaussian process at most: its own cost, which is not counted, grows with their
    cube."""


def descend(
    step: Callable[[Any, torch.Tensor], tuple[torch.Tensor, Any]],
    state: Any,
    start: torch.Tensor,
    rates: tuple[float, ...],
    updates: int,
) -> torch.Tensor:
    """Adam on each row with its own learning rate; theta after the last update [rates, P]."""
    theta = start.expand(len(rates), -1).clone()
    m, v = torch.zeros_like(theta), torch.zeros_like(theta)
    lr, betas = torch.tensor(rates).double(), (0.9, 0.999)
    for t in range(1, updates + 1):
        gradient, state = step(state, theta)
        at = adam_coefficients(lr, betas, 1e-8, 0.0, t, t)._replace(floor=1e-8)
        adam_step_([theta], [gradient], [m], [v], betas, at)
    return theta


def by_estimator(
    estimator: Any, problem: Any, start: torch.Tensor, seeds: list[int]
) -> tuple[Callable[[Any, torch.Tensor], tuple[torch.Tensor, Any]], Any]:
    """An estimator of `methods` as a step of :func:`descend`, and its first state."""

    def step(state: Any, theta: torch.Tensor) -> tuple[torch.Tensor, Any]:
        gradient, state, _ = estimator.step(state, theta)
        return gradient, state

    return step, estimator.init(problem, start.expand(len(seeds), -1), seeds)


def row_by_row(
    gradient: Gradient,
) -> tuple[Callable[[Any, torch.Tensor], tuple[torch.Tensor, Any]], Any]:
    """A function of one theta as a step of :func:`descend`."""

    def step(state: Any, theta: torch.Tensor) -> tuple[torch.Tensor, Any]:
        found = [
            gradient(row) if row.isfinite().all() else torch.full_like(row, torch.nan)
            for row in theta
        ]
        return torch.stack(found), state

    return step, None


def _result(
    arms: list[str],
    config: RidgeConfig | ToyConfig,
    loss: np.ndarray,
    start: list[float],
    updates: list[int],
) -> xr.Dataset:
    return xr.Dataset(
        {
            "loss": (("arm", "rate", "draw"), loss, {"long_name": "loss of a whole run"}),
            "start": ("draw", start, {"long_name": "loss at the first hyperparameters"}),
            "updates": ("arm", updates, {"long_name": "updates, or runs of a search"}),
        },
        coords={"arm": arms, "rate": list(config.rates), "draw": np.arange(config.draws)},
    )


@experiment(name="ridge-tuning", quick=RidgeConfig(), full=RidgeConfig(draws=5, runs=200))
def ridge_tuning(config: RidgeConfig) -> xr.Dataset:
    """Tune 16 hyperparameters of a ridge run by every way."""
    losses, starts = [], []
    for draw in range(config.draws):
        problem = RidgeTraining(ridge(draw), config.horizon)
        dim, steps = 16, config.horizon
        start = torch.cat(
            [torch.full((12,), config.log_decay), torch.full((4,), config.log_rate)]
        ).double()
        seeds = [generator(draw, "tune").initial_seed()] * len(config.rates)
        sizes, budget = Sizes(steps, 12, dim), config.runs * steps
        windowed = (config.window, config.sigma, config.pairs)
        report = {"on_explosion": "report"}

        def implicit(theta: torch.Tensor, problem: RidgeTraining = problem) -> torch.Tensor:
            weights, decays = problem.weights(theta), theta[:12]
            solver = ConjugateGradient(config.products)
            at = problem.ridge
            found = hypergradient(
                at.train_loss, at.val_loss, weights, decays, solver, tolerance=torch.inf
            )
            return torch.cat([found.total, torch.zeros_like(theta[12:])])

        def exact(theta: torch.Tensor, problem: RidgeTraining = problem) -> torch.Tensor:
            return problem.gradient(theta)

        def two_sided(theta: torch.Tensor, problem: RidgeTraining = problem) -> torch.Tensor:
            return differences(problem, theta, 1e-4)

        def estimator(kind: Any, *settings: Any, problem: RidgeTraining = problem) -> Any:
            return by_estimator(kind(*settings, **report), problem, start, seeds)  # noqa: B023

        particles = 2 * config.pairs * config.window
        ways: dict[str, tuple[Any, float]] = {
            # a run, then what a hypergradient costs beyond it
            "implicit, CG": (
                row_by_row(implicit),
                steps + sizes.implicit(config.products).gradients,
            ),
            "reverse mode": (row_by_row(exact), steps + sizes.backwards().gradients),
            "forward mode": (row_by_row(exact), steps + sizes.forwards().gradients),
            "differences": (row_by_row(two_sided), sizes.differences().gradients),
            "truncated BPTT": (estimator(TruncatedBPTT, config.window), 3 * config.window),
            "full ES": (estimator(FullES, config.sigma, config.pairs), 2 * config.pairs * steps),
            "PES": (estimator(PES, *windowed), particles),
            "NRES": (estimator(NRES, *windowed), particles),
            "truncated ES": (estimator(TruncatedES, *windowed), particles + config.window),
        }
        rows, updates = [], []
        for (step, state), price in ways.values():
            updates.append(int(budget / price))
            theta = descend(step, state, start, config.rates, updates[-1])
            rows.append(_value(problem, theta))
        low, high = (np.array([config.box[i]] * 12 + [config.box[2 + i]] * 4) for i in range(2))
        for name, find in zip(SEARCHES, (search.at_random, search.gaussian_process), strict=True):
            source = rng(draw, name)
            _, best = find(_numpy(problem), low, high, config.runs, source)
            rows.append(np.full(len(config.rates), best))
            updates.append(config.runs)
        losses.append(rows)
        starts.append(float(_value(problem, start[None])[0]))
    arms = [*ways, *SEARCHES]
    return _result(arms, config, np.moveaxis(np.array(losses), 0, -1), starts, updates)


@experiment(name="toy-tuning", quick=ToyConfig(), full=ToyConfig(draws=5, runs=500))
def toy_tuning(config: ToyConfig) -> xr.Dataset:
    """Tune the two learning rates of the chaotic toy by every way that is defined there."""
    problem = ToyRegression()
    start = torch.tensor(config.start).double()
    steps = problem.horizon
    sizes, budget = Sizes(steps, 2, 2), config.runs * steps
    particles = 2 * config.pairs * config.window
    windowed = (config.window, config.sigma, config.pairs)
    truncated = (config.window, config.sigma_truncated, config.pairs)
    ways: dict[str, tuple[Any, float]] = {
        "reverse mode": (BPTT(on_explosion="report"), steps + sizes.backwards().gradients),
        "truncated BPTT": (TruncatedBPTT(config.window), 3 * config.window),
        "differences": (None, sizes.differences().gradients),
        "full ES": (FullES(config.sigma, config.pairs), 2 * config.pairs * steps),
        "PES": (PES(*windowed), particles),
        "NRES": (NRES(*windowed), particles),
        "truncated ES": (TruncatedES(*truncated), particles + config.window),
    }
    rows, updates = [], []
    for name, (estimator, price) in ways.items():
        updates.append(int(budget / price))
        # the deterministic ways are the same for every seed
        draws = config.draws if getattr(estimator, "samples", False) else 1
        own = []
        for draw in range(draws):
            seeds = [generator(draw, "tune", name).initial_seed()] * len(config.rates)
            if estimator is None:
                step, state = row_by_row(lambda theta: differences(problem, theta, config.step))
            else:
                step, state = by_estimator(estimator, problem, start, seeds)
            own.append(_value(problem, descend(step, state, start, config.rates, updates[-1])))
        rows.append(np.stack(own * (config.draws // draws), axis=-1))
    low, high = (np.full(2, edge) for edge in config.box)
    for name, find in zip(SEARCHES, (search.at_random, search.gaussian_process), strict=True):
        trials = config.runs if name == "random search" else min(config.runs, config.process)
        found = [
            find(_numpy(problem), low, high, trials, rng(draw, name))[1]
            for draw in range(config.draws)
        ]
        rows.append(np.tile(found, (len(config.rates), 1)))
        updates.append(trials)
    at_start = [float(_value(problem, start[None])[0])] * config.draws
    return _result([*ways, *SEARCHES], config, np.stack(rows), at_start, updates)


def _value(problem: Any, theta: torch.Tensor) -> np.ndarray:
    """The loss after training, or of the whole run: what is tuned; infinite where it diverges."""
    loss = objective(problem, theta)
    if isinstance(problem, RidgeTraining):  # its episode's loss is the change from the start
        loss = loss + problem.init(len(theta))[1]
    return loss.nan_to_num(nan=torch.inf, posinf=torch.inf).numpy()


def _numpy(problem: Any) -> Callable[[np.ndarray], np.ndarray]:
    return lambda points: _value(problem, torch.from_numpy(points))


@quantity
def best_rate(result: xr.Dataset, arm: str) -> float:
    """The learning rate with the lowest mean loss: hindsight, for all ways alike."""
    own = result["loss"].sel(arm=arm).mean("draw")
    return float(own["rate"].values[own.values.argmin()])


@quantity
def final(result: xr.Dataset, arm: str) -> xr.DataArray:
    """Loss at the end with an arm's best learning rate, by draw."""
    return result["loss"].sel(arm=arm, rate=best_rate(result, arm))
