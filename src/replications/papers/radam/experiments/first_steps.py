"""The first updates: is it the variance of psi, or the size of the step?

Many copies of one freshly drawn Transformer, alike but for their mini-batches. Their spread is the
variance that the paper's theory speaks of, while the arms differ in nothing but the length of the
step.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
import xarray as xr

from replications.core.experiment import experiment, quantity
from replications.core.seeds import generator
from replications.methods.adam_variants import AdamVariant, linear_warmup
from replications.methods.radam import RAdam
from replications.problems.reversal import Reversal
from replications.problems.transformer import Transformer

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

ARMS = ("frozen", "Adam", "RAdam", "warm-up")
"""The first never moves."""


@dataclass(frozen=True)
class Config:
    """One random initialisation."""

    seed: int = 0
    streams: int = 8
    """Copies of the model, each with its own mini-batches."""
    steps: int = 20
    batch: int = 32
    learning_rate: float = 3e-3
    """As in the training runs."""
    warmup: int = 100
    """Steps of the linear warm-up, as in the training runs."""
    coordinates: int = 20_000
    """Weights looked at, chosen at random of half a million."""


QUICK = (replace(Config(), streams=4, steps=10),)
FULL = tuple(Config(seed=seed) for seed in range(5))
"""Five initialisations."""


@experiment(quick=QUICK, full=FULL, along="seed")
def first_steps(config: Config) -> xr.Dataset:
    """Run every arm on the same mini-batches."""
    runs = [_run(config, arm) for arm in ARMS]
    variance, update, cosine = (np.array(x)[:, None] for x in zip(*runs, strict=True))
    axes = ("arm", "seed", "step")
    return xr.Dataset(
        {
            "variance": (
                axes,
                variance,
                {"long_name": "relative variance of psi_t over the streams, median of the weights"},
            ),
            "update": (
                axes,
                update,
                {"long_name": "update, root mean square over weights and streams"},
            ),
            "cosine": (
                axes,
                cosine,
                {"long_name": "mean cosine between the updates of two streams"},
            ),
        },
        coords={"arm": list(ARMS), "seed": [config.seed], "step": np.arange(1, config.steps + 1)},
    )


def _run(config: Config, arm: str) -> tuple[list[float], list[float], list[float]]:
    net, task = Transformer(), Reversal((config.seed,))
    params = [p.repeat(config.streams, 1, 1).requires_grad_() for p in net.init((config.seed,))]
    count = sum(p[0].numel() for p in params)
    pick = torch.randperm(count, generator=generator(config.seed, "coordinates"))
    pick = pick[: config.coordinates]
    rate = 0.0 if arm == "frozen" else config.learning_rate
    optimizer: RAdam | AdamVariant = AdamVariant(params, rate)
    if arm == "RAdam":
        optimizer = RAdam(params, rate, threshold=5.0)

    batches = task.batches(config.steps * config.streams, config.batch, "streams")
    variance, update, cosine = [], [], []
    for t, source in enumerate(batches.view(config.steps, config.streams, *batches.shape[2:]), 1):
        if arm == "warm-up":
            optimizer.param_groups[0]["lr"] = rate * linear_warmup(t, config.warmup)
        target = torch.cat([task.translate(s[None]) for s in source])
        _, grads = net.gradients(params, source, target)
        before = _picked(params, pick)
        for p, g in zip(params, grads, strict=True):
            p.grad = g
        optimizer.step()
        v = _picked([optimizer.state[p]["exp_avg_sq"] for p in params], pick)
        psi = ((1 - 0.999**t) / v[:, (v > 0).all(dim=0)]).sqrt()
        variance.append((psi.var(dim=0) / psi.mean(dim=0).square()).median().item())
        moved = _picked(params, pick) - before
        update.append(moved.square().mean().sqrt().item())
        cosine.append(_mean_cosine(moved))
    return variance, update, cosine


def _picked(tensors: list[Tensor], pick: Tensor) -> Float[Tensor, "streams coordinates"]:
    return torch.cat([x.detach().flatten(1) for x in tensors], dim=1)[:, pick].double()


def _mean_cosine(moved: Float[Tensor, "streams coordinates"]) -> float:
    """Over all pairs of different streams."""
    unit = moved / moved.norm(dim=1, keepdim=True)
    n = len(unit)
    return float((unit.sum(dim=0).square().sum() - n) / (n * (n - 1)))


@quantity
def at_start(result: xr.Dataset, variable: str, arm: str) -> xr.DataArray:
    """A variable at the first iteration, by seed."""
    return result[variable].sel(arm=arm, step=1)


@quantity
def averaged_update(mean_over_sd: float, beta1: float = 0.9) -> float:
    """How far m's averaging alone shrinks Adam's update, for gradients with this mean over sd."""
    noise = (1 - beta1) / (1 + beta1)  # of a variance, what an endless average leaves
    return float(((mean_over_sd**2 + noise) / (mean_over_sd**2 + 1)) ** 0.5)


@quantity
def echo(step: int, beta1: float = 0.9, beta2: float = 0.999) -> float:
    """Adam's update at a step over the first, had all gradients but the first been zero."""
    m = (1 - beta1) * beta1 ** (step - 1) / (1 - beta1**step)
    v = (1 - beta2) * beta2 ** (step - 1) / (1 - beta2**step)
    return float(m / v**0.5)
