"""A memory task on which truncation should fail: does it?

The gradient of truncated methods for the weights of the bit is exactly zero in the mean, and these
weights start at zero. Two things may get them off zero, and each has an arm of its own, truncated
BPTT in all else:

* noise: in the window that pays, white noise stands in for the zero gradient of the bit's weights.
  That is as much noise as truncated ES has there: its estimate is nothing but noise for these
  weights in that window, and zero in the windows that pay nothing. The noise has unit variance;
  its scale plays no part, because Adam divides a gradient by its size.
* the start: the bit's weights begin at random, like all other weights.

Predicted before the run, from trials of 16 runs (noise at every update: 10 to 11 solved; random
start: 5 to 9): both arms solve more than a fifth of the runs, and the arm with noise as many as
truncated ES does, within a quarter of all runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import xarray as xr

from replications.core.experiment import experiment, quantity
from replications.core.seeds import generator
from replications.methods.backprop import BPTT, TruncatedBPTT
from replications.methods.evolution import NRES, PES, TruncatedES
from replications.problems.recall import Recall

NOISE, RANDOM_START = "truncated BPTT, noise for the bit", "truncated BPTT, random start"


@dataclass(frozen=True)
class Config:
    """All ours: the paper's own memory task is not in the official code."""

    horizon: int = 20
    units: int = 8
    window: int = 5
    """Four windows an episode: the bit and the question are never in the same one."""
    pairs: int = 100
    sigma: float = 0.1
    learning_rate: float = 0.02
    """Of Adam, for every arm."""
    scale: float = 0.7
    """Of the first weights: too small for the untrained network to keep the bit."""
    episodes: int = 200
    """Every arm sees as many episodes; BPTT updates once in each, the others four times."""
    replicates: int = 256
    """An interval of a share is then at most an eighth wide. 64 at first, too few for the movement
    between two processors."""
    points: int = 20
    """How often the loss is remembered."""
    seed: int = 0


@experiment(quick=Config(episodes=20, points=2, replicates=4, pairs=10), full=Config())
def memory_task(config: Config) -> xr.Dataset:
    """Train every arm from the same weights."""
    problem = Recall(config.horizon, config.units)
    noisy = (config.window, config.sigma, config.pairs)
    estimators: dict[str, Any] = {
        "BPTT": BPTT(),
        "PES": PES(*noisy),
        "NRES": NRES(*noisy),
        "truncated ES": TruncatedES(*noisy),
        "truncated BPTT": TruncatedBPTT(config.window),
        NOISE: TruncatedBPTT(config.window),
        RANDOM_START: TruncatedBPTT(config.window),
    }
    losses, weights = [], []
    every = config.episodes // config.points
    for name, estimator in estimators.items():
        theta = problem.parameters(
            config.replicates,
            config.scale,
            generator(config.seed, "weights"),
            silent_bit=name != RANDOM_START,
        ).requires_grad_()
        adam = torch.optim.Adam([theta], lr=config.learning_rate, foreach=False)
        seeds = [generator(config.seed, name, i).initial_seed() for i in range(config.replicates)]
        source = generator(config.seed, "noise")
        state, done, track = estimator.init(problem, theta, seeds), 0, [theta.detach().clone()]
        while done < config.episodes:
            theta.grad, state, info = estimator.step(state, theta)
            if name == NOISE and info.done:  # the window that pays is the episode's last
                theta.grad[:, problem.bit_weights].normal_(generator=source)
            adam.step()
            done += info.done
            if info.done and done % every == 0:
                track.append(theta.detach().clone())
        path = torch.stack(track, dim=1)
        loss = problem.solution_loss(path.flatten(0, 1)).view(path.shape[:2])
        losses.append(loss.detach().numpy())
        weights.append(path[..., problem.bit_weights].norm(dim=-1).numpy())
    axes = ("arm", "seed", "episode")
    return xr.Dataset(
        {
            "loss": (axes, losses, {"long_name": "loss of a whole episode", "units": "nats"}),
            "bit_weight": (axes, weights, {"long_name": "length of the bit's weights"}),
        },
        coords={
            "arm": list(estimators),
            "seed": np.arange(config.replicates),
            "episode": np.arange(0, config.episodes + 1, every),
        },
    )


SOLVED = 0.1
"""A final loss below this counts as solved (chance is log 2 = 0.69)."""


@quantity
def solved(result: xr.Dataset, arm: str) -> xr.DataArray:
    """Which runs keep the bit in the end, by seed."""
    return result["loss"].sel(arm=arm, episode=result["episode"].max()) < SOLVED
