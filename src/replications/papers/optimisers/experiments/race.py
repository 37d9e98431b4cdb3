"""Five optimisers on two problems of the book, each at its best learning rate.

One config is one arm. All its learning rates and seeds train as one batch of models: the cores of
`methods` take a rate for each model. A seed has the same data, first weights and batches in every
arm. Half of the seeds choose an arm's learning rate, the other half judge it.

The network on the digits is that of the chapter on Lookahead, the Transformer that of the chapter
on RAdam, two thirds as deep and half as wide.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
import xarray as xr

from replications.core.experiment import quantity
from replications.methods.adam_step import adam_coefficients, adam_step_
from replications.methods.adam_variants import linear_warmup
from replications.methods.lookahead import lookahead_pull
from replications.methods.radam import radam_coefficients
from replications.problems.trials import Trial, digits, translation

ARMS = ("Adam", "warm-up", "RAdam", "Lookahead(Adam)", "Lookahead(RAdam)")
AVERAGED = "Adam, averaged"
"""The control: Adam's own run, judged at the running average of its weights."""


@dataclass(frozen=True)
class Config:
    """One arm on one problem."""

    arm: str
    problem: str
    """"digits" or "translation"."""
    rates: tuple[float, ...]
    """Each twice the one before: with alpha = 1/2, half the rate is the neighbour."""
    steps: int
    seeds: tuple[int, ...]
    """The first half chooses the rate, the second judges it."""
    batch: int
    alpha: float = 0.5
    """Lookahead's, as in its paper's figure 8."""
    k: int = 5
    """The same."""
    warmup: float = 1 / 6
    """Of "warm-up": share of the steps, as in the chapter on RAdam."""
    average: float = 0.98
    """Decay of the running average: 50 steps."""
    weight_decay: float = 1e-4
    """Decoupled, as in the paper on RAdam."""


def train(config: Config) -> xr.Dataset:
    """Train all rates and seeds of an arm; the learning rate falls linearly to zero."""
    rates = len(config.rates)
    lr = torch.tensor(config.rates).repeat_interleave(len(config.seeds))
    trial = problem(config, config.seeds * rates)
    params = trial.weights
    slow, mean = ([w.clone() for w in params] for _ in range(2))
    first, second = ([torch.zeros_like(w) for w in params] for _ in range(2))
    betas, lookahead = (0.9, 0.999), config.arm.startswith("Lookahead")
    for t in range(1, config.steps + 1):
        rate = lr * (1 - (t - 1) / config.steps)
        if config.arm == "warm-up":
            rate = rate * linear_warmup(t, round(config.warmup * config.steps))
        if "RAdam" in config.arm:
            step = radam_coefficients(t, rate, betas, 1e-8, config.weight_decay)
        else:
            step = adam_coefficients(rate, betas, 1e-8, config.weight_decay, t, t)
        adam_step_(params, trial.gradients(params, t), first, second, betas, step)
        if lookahead and t % config.k == 0:
            lookahead_pull(slow, params, config.alpha)
        torch._foreach_lerp_(mean, params, 1 - config.average if t > 1 else 1.0)
    judged = {config.arm: slow if lookahead else params}
    judged |= {AVERAGED: mean} if config.arm == "Adam" else {}
    with torch.no_grad():
        tested = [torch.stack(trial.test(weights)) for weights in judged.values()]
    loss, right = torch.stack(tested, 1).view(2, len(judged), rates, -1).double().numpy()
    axes = ("arm", "lr", "seed")
    nats = {"long_name": "loss on held-out data", "units": "nats"}
    percent = {"long_name": "right answers on held-out data", "units": "%"}
    return xr.Dataset(
        {
            "loss": (axes, np.nan_to_num(loss, nan=np.inf), nats),
            "accuracy": (axes, 100 * right, percent),
        },
        coords={
            "arm": list(judged),
            "lr": ("lr", list(config.rates), {"long_name": "learning rate"}),
            "seed": list(config.seeds),
        },
    )


def problem(config: Config, seeds: tuple[int, ...]) -> Trial:
    """What is trained, one model for each of the seeds."""
    if config.problem == "translation":
        return translation(seeds, config.steps, config.batch, width=32, new=128)
    return digits(seeds, config.steps, config.batch, (1280, 517), "init", epochs=True)


def every_arm(config: Config) -> tuple[Config, ...]:
    """One config an arm."""
    return tuple(replace(config, arm=arm) for arm in ARMS)


@quantity
def best_rate(result: xr.Dataset, arm: str) -> float:
    """The learning rate with the lowest mean held-out loss on the first half of the seeds."""
    seeds = result["seed"].values
    own = result["loss"].sel(arm=arm, seed=seeds[: len(seeds) // 2])
    return float(own["lr"].values[own.mean("seed").values.argmin()])


@quantity
def judged(result: xr.Dataset, arm: str, what: str) -> xr.DataArray:
    """Loss or accuracy at an arm's best rate on the other half of the seeds, by seed."""
    seeds = result["seed"].values[result.sizes["seed"] // 2 :]
    return result[what].sel(arm=arm, lr=best_rate(result, arm), seed=seeds)


@quantity
def best_to_worst(result: xr.Dataset, what: str) -> tuple[str, str]:
    """The arms that the first half of the seeds puts first and last, each at its best rate."""
    own = result[what].isel(seed=slice(result.sizes["seed"] // 2))
    mean = {arm: float(own.sel(arm=arm, lr=best_rate(result, arm)).mean()) for arm in ARMS}
    return max(mean, key=mean.__getitem__), min(mean, key=mean.__getitem__)


@quantity
def swapped(result: xr.Dataset) -> xr.Dataset:
    """The halves of the seeds exchanged: those that judged choose, those that chose judge."""
    return result.roll(seed=result.sizes["seed"] // 2, roll_coords=True)


@quantity
def halved(result: xr.Dataset, what: str) -> tuple[xr.DataArray, xr.DataArray]:
    """Lookahead(Adam) at its best rate, and Adam at half that rate, on the judged seeds."""
    rate = best_rate(result, "Lookahead(Adam)")
    seeds = result["seed"].values[result.sizes["seed"] // 2 :]
    adam = result[what].sel(arm="Adam", lr=rate / 2, seed=seeds)
    return judged(result, "Lookahead(Adam)", what), adam
