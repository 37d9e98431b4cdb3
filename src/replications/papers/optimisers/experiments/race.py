"""Five optimisers on a problem of the book, each at its best learning rate.

One config is one arm. All its learning rates and seeds train as one batch of models: the cores of
`methods` take a rate for each model. A seed has the same data, first weights and batches in every
arm. Half of the seeds choose an arm's learning rate, the other half judge it.

The network on the digits is that of the chapter on Lookahead.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from replications.core.experiment import quantity
from replications.core.seeds import generator
from replications.methods.adam_step import adam_coefficients, adam_step_
from replications.methods.adam_variants import linear_warmup
from replications.methods.lookahead import lookahead_pull
from replications.methods.radam import radam_coefficients
from replications.problems import data, mlp

if TYPE_CHECKING:
    from jaxtyping import Float

ARMS = ("Adam", "warm-up", "RAdam", "Lookahead(Adam)", "Lookahead(RAdam)")
AVERAGED = "Adam, averaged"
"""The control: Adam's own run, judged at the running average of its weights."""


@dataclass(frozen=True)
class Config:
    """One arm."""

    arm: str
    rates: tuple[float, ...]
    """Each twice the one before: with alpha = 1/2, half the rate is the neighbour."""
    steps: int
    seeds: tuple[int, ...]
    """The first half chooses the rate, the second judges it."""
    batch: int
    width: int
    """Units of the hidden layer."""
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


Batch = tuple[Tensor, Tensor]


def train(config: Config) -> xr.Dataset:
    """Train all rates and seeds of an arm; the learning rate falls linearly to zero."""
    rates = len(config.rates)
    lr = torch.tensor(config.rates).repeat_interleave(len(config.seeds))
    problem = Digits(config, rates)
    params = [w.repeat(rates, 1, 1) for w in problem.start()]
    slow, mean = ([w.clone() for w in params] for _ in range(2))
    first, second = ([torch.zeros_like(w) for w in params] for _ in range(2))
    betas, lookahead = (0.9, 0.999), config.arm.startswith("Lookahead")
    for t, batch in enumerate(problem.batches(), start=1):
        rate = lr * (1 - (t - 1) / config.steps)
        if config.arm == "warm-up":
            rate = rate * linear_warmup(t, round(config.warmup * config.steps))
        if "RAdam" in config.arm:
            step = radam_coefficients(t, rate, betas, 1e-8, config.weight_decay)
        else:
            step = adam_coefficients(rate, betas, 1e-8, config.weight_decay, t, t)
        leaves = [w.detach().requires_grad_() for w in params]
        grads = list(torch.autograd.grad(problem.losses(leaves, *batch).sum(), leaves))
        adam_step_(params, grads, first, second, betas, step)
        if lookahead and t % config.k == 0:
            lookahead_pull(slow, params, config.alpha)
        torch._foreach_lerp_(mean, params, 1 - config.average if t > 1 else 1.0)
    judged = slow if lookahead else params
    arms = {config.arm: judged} | ({AVERAGED: mean} if config.arm == "Adam" else {})
    found = {
        arm: [part.view(rates, -1).double().numpy() for part in problem.test(weights)]
        for arm, weights in arms.items()
    }
    axes = ("arm", "lr", "seed")
    return xr.Dataset(
        {
            "loss": (
                axes,
                np.stack([np.nan_to_num(each[0], nan=np.inf) for each in found.values()]),
                {"long_name": "loss on held-out data", "units": "nats"},
            ),
            "accuracy": (
                axes,
                np.stack([100 * each[1] for each in found.values()]),
                {"long_name": "right answers on held-out data", "units": "%"},
            ),
        },
        coords={
            "arm": list(found),
            "lr": ("lr", list(config.rates), {"long_name": "learning rate"}),
            "seed": list(config.seeds),
        },
    )


class Digits:
    """One hidden layer of ReLU units on 1280 digits, tested on the other 517."""

    def __init__(self, config: Config, rates: int) -> None:
        self.config, self.rates = config, rates
        self.images = data.digits()
        parts = [data.split(len(self.images.targets), (1280, 517), s) for s in config.seeds]
        self.train_set, self.test_set = (torch.stack(part) for part in zip(*parts, strict=True))

    def start(self) -> list[Tensor]:
        """One network for each seed."""
        sizes = (64, self.config.width, 10)
        each = [mlp.init(sizes, 1, generator(s, "init")) for s in self.config.seeds]
        return [torch.cat(same) for same in zip(*each, strict=True)]

    def batches(self) -> Iterator[Batch]:
        """Each epoch in a new order, its own for each seed."""
        sources = [generator(s, "batches") for s in self.config.seeds]
        left = self.config.steps
        while left:
            orders = torch.stack([torch.randperm(1280, generator=source) for source in sources])
            for order in orders.split(self.config.batch, dim=1)[:left]:
                index = self.train_set.gather(1, order)
                left -= 1
                yield (
                    self.images.inputs[index].repeat(self.rates, 1, 1),
                    self.images.targets[index].repeat(self.rates, 1),
                )

    def losses(self, params: list[Tensor], inputs: Tensor, targets: Tensor) -> Tensor:
        """One for each model."""
        return mlp.losses(params, inputs, targets)

    @torch.no_grad()
    def test(self, params: list[Tensor]) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
        """Loss and share of right answers of each model."""
        inputs = self.images.inputs[self.test_set].repeat(self.rates, 1, 1)
        targets = self.images.targets[self.test_set].repeat(self.rates, 1)
        return mlp.losses(params, inputs, targets), mlp.accuracy(params, inputs, targets)


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
    """The arms with the highest and the lowest mean of the judged seeds."""
    mean = {arm: float(judged(result, arm, what).mean()) for arm in ARMS}
    return max(mean, key=mean.__getitem__), min(mean, key=mean.__getitem__)


@quantity
def halved(result: xr.Dataset, what: str) -> tuple[xr.DataArray, xr.DataArray]:
    """Lookahead(Adam) at its best rate, and Adam at half that rate, on the judged seeds."""
    rate = best_rate(result, "Lookahead(Adam)")
    seeds = result["seed"].values[result.sizes["seed"] // 2 :]
    adam = result[what].sel(arm="Adam", lr=rate / 2, seed=seeds)
    return judged(result, "Lookahead(Adam)", what), adam
