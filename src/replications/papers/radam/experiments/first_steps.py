"""The first updates: is it the variance of psi, or the size of the step?

Many copies of one freshly drawn Transformer, alike but for their mini-batches. Their spread is the
variance that the paper's theory speaks of, while the arms differ in nothing but the length of the
step.

The variance is that of ln psi. With one gradient psi itself has neither mean nor variance, so what
a sample says of them grows with the number of copies; ln psi has both after any number, and its
sample variance does not depend on the copies but for noise. Predicted before the run: the updates
and cosines as before; frozen copies agree with the groups of `independence` within 10 % after 1,
2, 3, 5, 10 and 20 gradients.
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
    runs, alive = [], torch.ones(config.coordinates, dtype=torch.bool)
    for arm in ARMS:
        log_psi, update_of, cosine_of, zeros = _run(config, arm)
        if arm == "frozen":
            alive = ~zeros
        spread = log_psi[:, :, alive].var(dim=1).mean(dim=1).tolist()
        runs.append((spread, update_of, cosine_of))
    log_variance, update, cosine = (np.array(x)[:, None] for x in zip(*runs, strict=True))
    axes = ("arm", "seed", "step")
    return xr.Dataset(
        {
            "log_variance": (
                axes,
                log_variance,
                {"long_name": "Var[ln psi_t] over the streams, mean of the weights"},
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


def _run(
    config: Config, arm: str
) -> tuple[Float[Tensor, "steps streams coordinates"], list[float], list[float], Tensor]:
    """Of one arm: ln psi, updates, cosines, and which weights had a gradient of exactly 0."""
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
    log_psi, update, cosine = [], [], []
    zeros = torch.zeros(len(pick), dtype=torch.bool)
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
        zeros |= ((_picked(list(grads), pick) == 0) | (v == 0)).any(dim=0)
        log_psi.append(((1 - 0.999**t) / v).log() / 2)
        moved = _picked(params, pick) - before
        update.append(moved.square().mean().sqrt().item())
        cosine.append(_mean_cosine(moved))
    return torch.stack(log_psi), update, cosine, zeros


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
