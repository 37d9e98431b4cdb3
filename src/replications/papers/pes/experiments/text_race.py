"""Progress on text, particles in step and spread over the episode.

A recurrent network learns a text of 100 letters. With *staggered* particles, as NRES means them,
every tenth of them stands in another window, so that each update sees all windows; in step, all
particles stand in the same one.

There were two rates at first, 0.01 and 0.03, and the larger one was the best of every method. A
pilot with larger ones left PES, NRES and truncated ES at 0.03; full ES at 0.1 ended below PES.
Predicted before this run, in which every method has rates up to 1: PES, NRES and truncated ES stand
as before, and PES ends with a higher loss than full ES.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import xarray as xr

from replications.core.experiment import experiment, quantity
from replications.core.seeds import generator
from replications.methods.backprop import BPTT, TruncatedBPTT
from replications.methods.evolution import NRES, PES, FullES, TruncatedES
from replications.methods.unroll_problem import unroll
from replications.papers.pes.rates import AdamByRow, at_own_rate, grid
from replications.problems.char_rnn import CharRNN, text

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

STAGGERED = ", staggered"
BACKWARD = 3


@dataclass(frozen=True)
class Config:
    """Sizes as in `variance`; budget and rates are ours."""

    units: int = 5
    horizon: int = 100
    window: int = 10
    pairs: int = 50
    """A tenth of them in each window where they are staggered."""
    sigma: float = 0.01
    updates: int = 200
    """Full ES gets fewer, and with them as many particle-steps; both kinds of BPTT get as many
    updates, which cost less.
    """
    rates: tuple[float, ...] = (0.01, 0.03, 0.1, 0.3, 1.0)
    """Of Adam."""
    seeds: int = 4
    """First weights and noise; the text is one."""
    points: int = 20
    seed: int = 0


SMALL = Config(horizon=20, window=10, pairs=4, updates=8, seeds=2, points=2)


@experiment(quick=SMALL, full=Config())
def text_race(config: Config) -> xr.Dataset:
    """Train by every arm at every rate, all runs of an arm as one batch; then the variances."""
    letters = text()
    begin = int(torch.randint(len(letters) - config.horizon, (), generator=_source(config, "text")))
    problem = CharRNN(letters[begin : begin + config.horizon + 1], config.units)
    weights = [problem.parameters(_source(config, "weights", i)) for i in range(config.seeds)]
    theta = torch.stack(weights).repeat_interleave(len(config.rates), dim=0)
    count, noisy = config.horizon // config.window, (config.sigma, config.pairs)
    fewer = (config.sigma, config.pairs // count)
    methods: dict[str, tuple[list[Any], int]] = {}  # one estimator a group, number of updates
    for name, kind in {"PES": PES, "NRES": NRES, "truncated ES": TruncatedES}.items():
        methods[name] = [kind(config.window, *noisy)], config.updates
        methods[name + STAGGERED] = [kind(config.window, *fewer)] * count, config.updates
    methods["full ES"] = [FullES(*noisy)], config.updates // count
    methods["truncated BPTT"] = [TruncatedBPTT(config.window)], config.updates
    methods["BPTT"] = [BPTT()], config.updates
    losses = []
    for name, (group, updates) in methods.items():
        path = _train(config, problem, theta, name, group, updates)
        losses.append(_value(problem, path).view(-1, config.seeds, len(config.rates)))
    return xr.Dataset(
        {
            "loss": (
                ("arm", "spent", "seed", "rate"),
                torch.stack(losses).numpy(),
                {"long_name": "loss of a letter", "units": "nats"},
            ),
            "steps": (
                "arm",
                [_cost(config, name, updates) for name, (_, updates) in methods.items()],
                {"long_name": "compute spent", "units": "particle-steps"},
            ),
        },
        coords={
            "arm": list(methods),
            "spent": np.linspace(0, 1, config.points + 1),
            "seed": np.arange(config.seeds),
            "rate": list(config.rates),
        },
    )


@quantity
def text_end(result: xr.Dataset, arm: str) -> xr.DataArray:
    """Last loss at the arm's own rate, by seed."""
    end = result["loss"].sel(arm=arm).isel(spent=-1)
    return at_own_rate(end, end)


@quantity
def text_curve(result: xr.Dataset, arm: str) -> xr.DataArray:
    """Loss against the share of the updates at the arm's own rate, by seed."""
    loss = result["loss"].sel(arm=arm)
    return at_own_rate(loss, loss.isel(spent=-1))


def _train(
    config: Config, problem: CharRNN, theta: Tensor, name: str, group: list[Any], updates: int
) -> Float[Tensor, "points R P"]:
    """Updates by the mean of the groups' gradients; group j has done j windows at the start."""
    theta = theta.clone().requires_grad_()
    adam = AdamByRow([theta], torch.tensor(grid(config.rates, config.seeds)))
    states = []
    for j, estimator in enumerate(group):
        seeds = [_source(config, name, j, i).initial_seed() for i in range(len(theta))]
        state = estimator.init(problem, theta, seeds)
        for _ in range(j):
            _, state, _ = estimator.step(state, theta)
        states.append(state)
    path, every = [theta.detach().clone()], updates // config.points
    for i in range(1, every * config.points + 1):
        found = [e.step(s, theta)[:2] for e, s in zip(group, states, strict=True)]
        theta.grad = torch.stack([g for g, _ in found]).mean(dim=0)
        states = [s for _, s in found]
        adam.step()
        if i % every == 0:
            path.append(theta.detach().clone())
    return torch.stack(path)


def _value(problem: CharRNN, theta: Float[Tensor, "*n P"]) -> Float[Tensor, "*n"]:
    flat = theta.reshape(-1, problem.dim)
    _, loss = unroll(problem, problem.init(len(flat)), flat, 0, problem.horizon)
    return loss.view(theta.shape[:-1]) / problem.horizon


def _cost(config: Config, name: str, updates: int) -> float:
    steps = config.horizon if name in ("full ES", "BPTT") else config.window
    return float(updates * steps * (BACKWARD if "BPTT" in name else 2 * config.pairs))


def _source(config: Config, *stream: str | int) -> torch.Generator:
    return generator(config.seed, "text race", *stream)
