"""The rule on trial: six warm-ups on two problems, each at its own learning rate.

One config is one arm. Its rates are tried on the choosing seeds; the best of them is judged on
other seeds. A seed has the same weights and data in every arm.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
import xarray as xr

from replications.core.experiment import experiment
from replications.methods.adam_step import adam_coefficients, adam_step_
from replications.methods.radam import radam_coefficients
from replications.papers.untuned.experiments.schedule import LENGTH, factors
from replications.problems.trials import digits, translation

ARMS = ("Adam", "RAdam", "exponential", *LENGTH)


@dataclass(frozen=True)
class Config:
    """One arm on one problem."""

    arm: str
    """"Adam" (no warm-up), "RAdam", "exponential", or a linear warm-up of `LENGTH`."""
    problem: str
    """"translation" or "digits"."""
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


def train(config: Config, rates: tuple[float, ...], seeds: tuple[int, ...]) -> np.ndarray:
    """Loss and share of errors on new data [2, rates, seeds]; every rate and seed is one model."""
    models, size = seeds * len(rates), (config.steps, config.batch)
    problem = (
        translation(models, *size)
        if config.problem == "translation"
        else digits(models, *size, (1200, 597), "weights", epochs=False)
    )
    peak, weights = torch.tensor(rates).repeat_interleave(len(seeds)), problem.weights
    m, v = ([torch.zeros_like(w) for w in weights] for _ in range(2))
    betas = (0.9, config.beta2)
    for t, factor in enumerate(factors(config.arm, config.beta2, config.steps).tolist(), start=1):
        lr = peak * (1 - (t - 1) / config.steps)
        if config.arm == "RAdam":  # begins with momentum, then has its factor, too
            now = radam_coefficients(t, lr, betas, 1e-8, 0.0)
        else:
            now = adam_coefficients(lr * factor, betas, 1e-8, 0.0, seen_m=t, seen_v=t)
        adam_step_(weights, problem.gradients(weights, t), m, v, betas, now)
    with torch.no_grad():
        loss, right = problem.test(weights)
    return torch.stack([loss, 1 - right]).view(2, len(rates), -1).double().numpy()


def trial(config: Config) -> xr.Dataset:
    """Choose the rate, then judge it."""
    tried = train(config, config.rates, config.choosers)[0]
    best = config.rates[int(np.nan_to_num(tried, nan=np.inf).mean(1).argmin())]
    loss, error = train(config, (best,), config.judges)
    nats = {"long_name": "loss on new data", "units": "nats"}
    percent = {"long_name": "errors on new data", "units": "%"}
    axes = {"arm": [config.arm], "lr": list(config.rates), "chooser": list(config.choosers)}
    return xr.Dataset(
        {
            "tried": (tuple(axes), tried[None], nats),
            "best": ("arm", [best], {"long_name": "chosen learning rate"}),
            "loss": (("arm", "seed"), loss, nats),
            "error": (("arm", "seed"), 100 * error, percent),
        },
        coords=axes | {"seed": list(config.judges)},
    )


TRANSLATION = Config("Adam", "translation", 0.98, 240, 16, (1e-3, 10**-2.5, 1e-2))
DIGITS = Config("Adam", "digits", 0.999, 4000, 32, (1e-3, 10**-2.5, 1e-2, 10**-1.5))
on_translation, on_digits = (
    experiment(
        full.problem,
        quick=tuple(replace(full, arm=arm, steps=3, judges=(0, 1)) for arm in ARMS),
        full=tuple(replace(full, arm=arm) for arm in ARMS),
        along="arm",
    )(trial)
    for full in (TRANSLATION, DIGITS)
)
