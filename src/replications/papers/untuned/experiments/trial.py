"""The rule on trial: six warm-ups on two problems, each at its own learning rate.

One config is one arm. Its rates are tried on the choosing seeds; the best of them is judged on
other seeds. A seed has the same weights and data in every arm.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from replications.core.experiment import experiment, quantity
from replications.methods.adam_step import Coefficients, adam_coefficients, adam_step_
from replications.methods.adam_variants import linear_warmup, untuned_warmup_steps
from replications.methods.radam import radam_coefficients
from replications.methods.untuned_warmup import exponential_warmup
from replications.problems.trials import digits, translation

LENGTH = {"linear": 1.0, "short": 0.1, "long": 10.0}
"""Of the linear warm-ups, in the rule's 2 / (1 - beta2)."""
ARMS = ("Adam", "RAdam", "exponential", *LENGTH)


@dataclass(frozen=True)
class Config:
    """One arm on one problem."""

    arm: str
    """"Adam" (no warm-up), "RAdam", "exponential", or a linear warm-up of `LENGTH`."""
    problem: str
    """"translation", by a post-LN Transformer of 4 + 4 layers, or "digits"."""
    beta2: float
    """Short runs need a short warm-up: 100 steps for 0.98; 2000 for Adam's default."""
    steps: int
    """The learning rate falls linearly to 0 at the end."""
    batch: int
    rates: tuple[float, ...]
    """Half a decade apart; all arms have the same."""
    choosers: tuple[int, ...] = (100,)
    """Seeds that choose the rate, by their mean loss on new data."""
    judges: tuple[int, ...] = tuple(range(6))


def coefficients(config: Config, lr: Tensor, t: int) -> Coefficients:
    """Step t of the arm: Adam's, but for a factor of its rate; RAdam's begins with momentum."""
    betas, period = (0.9, config.beta2), untuned_warmup_steps(config.beta2)
    if config.arm == "RAdam":
        return radam_coefficients(t, lr, betas, 1e-8, 0.0)
    if config.arm in LENGTH:
        lr = lr * linear_warmup(t, round(LENGTH[config.arm] * period))
    if config.arm == "exponential":
        lr = lr * exponential_warmup(t, config.beta2)
    return adam_coefficients(lr, betas, 1e-8, 0.0, seen_m=t, seen_v=t)


def train(config: Config, rates: tuple[float, ...], seeds: tuple[int, ...]) -> np.ndarray:
    """Loss and share of errors on new data [2, rates, seeds]; every rate and seed is one model."""
    models = seeds * len(rates)
    if config.problem == "translation":
        problem = translation(models, config.steps, config.batch)
    else:
        problem = digits(models, config.steps, config.batch, (1200, 597), "weights", epochs=False)
    peak, weights = torch.tensor(rates).repeat_interleave(len(seeds)), problem.weights
    m, v = ([torch.zeros_like(w) for w in weights] for _ in range(2))
    for t in range(1, config.steps + 1):
        now = coefficients(config, peak * (1 - (t - 1) / config.steps), t)
        adam_step_(weights, problem.gradients(weights, t), m, v, (0.9, config.beta2), now)
    with torch.no_grad():
        loss, right = problem.test(weights)
    return torch.stack([loss, 1 - right]).view(2, len(rates), -1).double().numpy()


def trial(config: Config) -> xr.Dataset:
    """Choose the rate, then judge it."""
    tried = train(config, config.rates, config.choosers)[0]
    best = config.rates[int(np.nan_to_num(tried, nan=np.inf).mean(1).argmin())]
    loss, error = train(config, (best,), config.judges)[:, 0]
    by_seed, in_nats = ("arm", "seed"), {"long_name": "loss on new data", "units": "nats"}
    in_percent = {"long_name": "errors on new data", "units": "%"}
    return xr.Dataset(
        {
            "tried": (("arm", "lr", "chooser"), tried[None], in_nats),
            "best": ("arm", [best], {"long_name": "chosen learning rate"}),
            "loss": (by_seed, loss[None], in_nats),
            "error": (by_seed, 100 * error[None], in_percent),
        },
        coords={
            "arm": [config.arm],
            "lr": list(config.rates),
            "chooser": list(config.choosers),
            "seed": list(config.judges),
        },
    )


TRANSLATION = tuple(
    Config(arm, "translation", 0.98, 240, 16, (1e-3, 10**-2.5, 1e-2)) for arm in ARMS
)
DIGITS = tuple(
    Config(arm, "digits", 0.999, 4000, 32, (1e-3, 10**-2.5, 1e-2, 10**-1.5)) for arm in ARMS
)


BRIEF: dict[str, Any] = {"steps": 3, "judges": (0, 1)}
"""A few steps; the chapter shows the recorded runs."""
on_translation, on_digits = (
    experiment(
        full[0].problem, quick=tuple(replace(c, **BRIEF) for c in full), full=full, along="arm"
    )(trial)
    for full in (TRANSLATION, DIGITS)
)


@quantity
def final(result: xr.Dataset, arm: str, what: str = "loss") -> xr.DataArray:
    """Loss (or error) on new data of one arm at its own rate, by judging seed."""
    return result[what].sel(arm=arm)
