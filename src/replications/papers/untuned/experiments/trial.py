"""The rule on trial: six warm-ups on two problems, each at its own learning rate.

One config is one arm. Its rates are tried on the choosing seeds; the best of them is judged on
other seeds. A seed has the same weights and data in every arm.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from replications.core.experiment import experiment, quantity
from replications.core.seeds import generator
from replications.methods.adam_step import Coefficients, adam_coefficients, adam_step_
from replications.methods.adam_variants import linear_warmup, untuned_warmup_steps
from replications.methods.radam import radam_coefficients
from replications.methods.untuned_warmup import exponential_warmup
from replications.problems import data, mlp
from replications.problems.reversal import Reversal
from replications.problems.transformer import Transformer

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


Problem = tuple[list[Tensor], Callable[..., Any], Callable[..., Any]]
"""First weights; (weights, step) -> loss and gradient; weights -> loss and errors on new data."""


def translation(config: Config, seeds: tuple[int, ...]) -> Problem:
    """Reversed sentences, 8 words each, never the same twice."""
    net, task = Transformer(layers=4), Reversal(seeds, length=8)
    batches, new = task.batches(config.steps, config.batch), task.batches(1, 256, "test")[0]
    pairs, test = [(b, task.translate(b)) for b in batches], (new, task.translate(new))
    return (
        net.init(seeds),
        lambda w, t: net.gradients(w, *pairs[t - 1]),
        lambda w: (net.losses(w, *test), 1 - net.accuracy(w, *test)),
    )


def digits(config: Config, seeds: tuple[int, ...]) -> Problem:
    """8x8 images, 64 ReLUs; 1200 of them to learn from and 597 new ones, drawn for each seed."""
    images = data.digits()
    parts = [data.split(len(images.inputs), (1200, 597), seed) for seed in seeds]
    new = torch.stack([part[1] for part in parts])
    size, orders = (config.steps, config.batch), []
    for seed, part in zip(seeds, parts, strict=True):
        orders.append(part[0][torch.randint(1200, size, generator=generator(seed, "batches"))])
    batches = torch.stack(orders, dim=1)
    models = [mlp.init((64, 64, 10), 1, generator(seed, "weights")) for seed in seeds]

    def gradients(w: list[Tensor], t: int) -> tuple[Tensor, list[Tensor]]:
        losses = mlp.losses(w, images.inputs[batches[t - 1]], images.targets[batches[t - 1]])
        return losses.detach(), list(torch.autograd.grad(losses.sum(), w))

    def test(w: list[Tensor]) -> tuple[Tensor, Tensor]:
        x, y = images.inputs[new], images.targets[new]
        return mlp.losses(w, x, y), 1 - mlp.accuracy(w, x, y)

    return [torch.cat(same) for same in zip(*models, strict=True)], gradients, test


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
    problem = {"translation": translation, "digits": digits}[config.problem]
    weights, gradients, test = problem(config, seeds * len(rates))
    peak = torch.tensor(rates).repeat_interleave(len(seeds))
    m, v = ([torch.zeros_like(w) for w in weights] for _ in range(2))
    for w in weights:
        w.requires_grad_()
    for t in range(1, config.steps + 1):
        now = coefficients(config, peak * (1 - (t - 1) / config.steps), t)
        adam_step_(weights, gradients(weights, t)[1], m, v, (0.9, config.beta2), now)
    with torch.no_grad():
        return torch.stack(test(weights)).reshape(2, len(rates), -1).double().numpy()


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
