"""How much the learning rate matters (the paper's Figure 6), on a small deep network and the
digits.

A plain network of four hidden layers, short and long. The learning rates go beyond the paper's on
both sides, so that a range that is wider can be told from a range that has moved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
import torch
import xarray as xr

from replications.core.experiment import experiment, quantity
from replications.core.seeds import generator
from replications.methods.adam_variants import AdamVariant, linear_warmup
from replications.methods.radam import RAdam
from replications.problems import data, mlp

if TYPE_CHECKING:
    from jaxtyping import Int
    from torch import Tensor
    from torch.optim import Optimizer

Arm = Literal["SGD", "Adam", "warm-up", "RAdam"]


@dataclass(frozen=True)
class Config:
    """One arm over all learning rates; its seeds are trained together."""

    arm: Arm
    learning_rates: tuple[float, ...] = (
        *(1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001, 0.00003),
    )
    """The paper has 0.1, 0.03, 0.01 and 0.003. The good range of each arm should end inside."""
    epochs: int = 20
    """Of 19 mini-batches: 380 steps, in which r_t reaches 0.42. The paper: 73000 steps."""
    batch: int = 64
    """The paper: 128, of 40 times as many images."""
    hidden: tuple[int, ...] = (64, 64, 64, 64)
    """No normalisation, no skips, so that a large step can do harm."""
    weight_decay: float = 1e-4
    """The paper's; decoupled, except for SGD."""
    warmup: int = 100
    """Steps of "warm-up"; the paper's Figure 7 tries 100 to 1000."""
    drops: tuple[float, ...] = (0.5, 0.75)
    """Where the learning rate is divided by 10; the paper: at 0.43 and 0.65 of 186 epochs."""
    train_share: float = 0.7
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9)


class Network(Protocol):
    """What is trained: many models at once, as their first axis."""

    def losses(self, params: list[Tensor], inputs: Tensor, targets: Tensor, /) -> Tensor:
        """Each model's loss."""

    def accuracy(self, params: list[Tensor], inputs: Tensor, targets: Tensor, /) -> Tensor:
        """Each model's share of right answers."""


def sweep(config: Config, start: Callable[[], list[Tensor]], network: Network) -> xr.Dataset:
    """Train one arm at every learning rate, from the weights that `start` gives."""
    digits = data.digits()
    count = len(digits.targets)
    train_size = round(config.train_share * count)
    splits = [data.split(count, (train_size, count - train_size), seed) for seed in config.seeds]
    train, test = (torch.stack(parts) for parts in zip(*splits, strict=True))
    accuracy = []
    for rate in config.learning_rates:
        params = [p.requires_grad_() for p in start()]
        optimizer = _optimizer(config, params, rate)
        batches = list(_batches(config, train))
        for t, index in enumerate(batches):
            optimizer.param_groups[0]["lr"] = rate * _factor(config, t, len(batches))
            losses = network.losses(params, digits.inputs[index], digits.targets[index])
            for p, g in zip(params, torch.autograd.grad(losses.sum(), params), strict=True):
                p.grad = g
            optimizer.step()
        accuracy.append(network.accuracy(params, digits.inputs[test], digits.targets[test]))
    return xr.Dataset(
        {
            "accuracy": (
                ("arm", "lr", "seed"),
                torch.stack(accuracy).double().numpy()[None],
                {"long_name": "share of right answers on the held-out digits; diverged: chance"},
            )
        },
        coords={
            "arm": [config.arm],
            "lr": ("lr", list(config.learning_rates), {"long_name": "learning rate"}),
            "seed": list(config.seeds),
        },
        attrs={"steps": len(batches)},
    )


def train(config: Config) -> xr.Dataset:
    """The sweep of the plain network."""
    return sweep(config, lambda: _init(config), mlp)


def _init(config: Config) -> list[Tensor]:
    """One network for each seed; a network does not depend on the other seeds."""
    sizes = (64, *config.hidden, 10)
    each = [mlp.init(sizes, 1, generator(seed, "network")) for seed in config.seeds]
    return [torch.cat(tensors) for tensors in zip(*each, strict=True)]


def _optimizer(config: Config, params: list[Tensor], rate: float) -> Optimizer:
    if config.arm == "SGD":
        return torch.optim.SGD(params, rate, 0.9, weight_decay=config.weight_decay, fused=True)
    if config.arm == "RAdam":
        return RAdam(params, rate, weight_decay=config.weight_decay, threshold=5.0)
    return AdamVariant(params, rate, weight_decay=config.weight_decay)


def _batches(
    config: Config, train: Int[Tensor, "seeds examples"]
) -> Iterator[Int[Tensor, "seeds batch"]]:
    """Indices of each step's examples, a new order for each seed and epoch."""
    size = train.shape[1]
    randoms = [generator(seed, "order") for seed in config.seeds]
    for _ in range(config.epochs):
        orders = torch.stack([torch.randperm(size, generator=random) for random in randoms])
        shuffled = train.gather(1, orders)
        for start in range(0, size - config.batch + 1, config.batch):
            yield shuffled[:, start : start + config.batch]


def _factor(config: Config, t: int, steps: int) -> float:
    """Drops, and the warm-up if the arm has one; t from 0."""
    factor = 0.1 ** sum(t >= drop * steps for drop in config.drops)
    return factor * linear_warmup(t + 1, config.warmup) if config.arm == "warm-up" else factor


SHORT = tuple(Config(method) for method in ("SGD", "Adam", "warm-up", "RAdam"))
LONG = tuple(Config(method, epochs=150) for method in ("SGD", "Adam", "RAdam"))
"""2850 steps: r_t reaches 0.91."""
QUICK = tuple(replace(config, learning_rates=(0.003, 0.001), seeds=(0, 1, 2)) for config in SHORT)
"""Two of the gentler rates and three of the seeds of the short runs."""
LONG_QUICK = (Config("RAdam", learning_rates=(0.003,), epochs=2, seeds=(0,)),)
"""A few steps; the chapter shows the recorded runs."""

short_sweep = experiment("short-sweep", quick=QUICK, full=SHORT, along="arm")(train)
long_sweep = experiment("long-sweep", quick=LONG_QUICK, full=LONG, along="arm")(train)

PAPER_RATES = (0.1, 0.03, 0.01, 0.003)
GOOD = 0.9
"""Accuracy from which on a learning rate counts as good."""
CHOOSE = 5
"""Of the ten seeds, 0 to 4: they choose the best rate, and the others judge it."""


@quantity
def at_rate(result: xr.Dataset, arm: str, lr: float) -> xr.DataArray:
    """Accuracy of one arm at one learning rate, by seed."""
    return result["accuracy"].sel(arm=arm, lr=lr)


@quantity
def tuned(result: xr.Dataset, arm: str) -> xr.DataArray:
    """Accuracy at the rate that is best on other seeds than those judged, by judged seed."""
    accuracy = result["accuracy"].sel(arm=arm)
    best = accuracy.sel(seed=slice(0, CHOOSE - 1)).mean("seed").idxmax("lr")
    return accuracy.sel(lr=best, seed=slice(CHOOSE, None))


@quantity
def spread(result: xr.Dataset, arm: str) -> xr.DataArray:
    """Accuracy at the best of the paper's rates minus that at the worst, by seed."""
    rows = result["accuracy"].sel(arm=arm, lr=list(PAPER_RATES))
    return rows.max("lr") - rows.min("lr")


@quantity
def good_range(result: xr.Dataset, arm: str) -> xr.DataArray:
    """Ends of the good range as log10 of the rate; accuracies are interpolated between the rates.

    Returns:
        By seed and end, "low" and "high"; nan for a seed without a good rate.
    """
    accuracy = result["accuracy"].sel(arm=arm).sortby("lr")
    rates = np.log10(accuracy["lr"].values)
    fine = np.linspace(rates[0], rates[-1], 701)
    ends = []
    for one in accuracy.transpose("seed", "lr").values:
        good = fine[np.interp(fine, rates, one) >= GOOD]
        ends.append((good.min(), good.max()) if len(good) else (np.nan, np.nan))
    return xr.DataArray(ends, {"seed": accuracy["seed"], "end": ["low", "high"]}, ("seed", "end"))


@quantity
def width(result: xr.Dataset, arm: str) -> xr.DataArray:
    """Decades of the good range, by seed."""
    ends = good_range(result, arm)
    return ends.sel(end="high") - ends.sel(end="low")


@quantity
def gain(result: xr.Dataset, lr: float) -> xr.DataArray:
    """Accuracy of RAdam minus that of Adam at one learning rate, by seed."""
    return at_rate(result, "RAdam", lr) - at_rate(result, "Adam", lr)


@quantity
def moved(result: xr.Dataset, end: str) -> xr.DataArray:
    """Decades from Adam's to RAdam's "low" or "high" end of the good range, by seed."""
    return (good_range(result, "RAdam") - good_range(result, "Adam")).sel(end=end)
