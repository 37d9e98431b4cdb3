"""The learning rate's range (the paper's Figure 6) on a network like the paper's: residual, with
batch norm. The paper has ResNet-20 and CIFAR-10; here are seven convolutions and the digits.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import xarray as xr

from replications.core.experiment import experiment
from replications.papers.radam.experiments import sensitivity
from replications.problems import data
from replications.problems.resnet import ResNet


@dataclass(frozen=True)
class Config(sensitivity.Config):
    """As on the plain network (whose `hidden` is not used), with the paper's rates and drops."""

    learning_rates: tuple[float, ...] = sensitivity.PAPER_RATES
    epochs: int = 30
    """Of 19 mini-batches: 570 steps, in which r_t reaches 0.51. The paper: 73000 steps."""
    drops: tuple[float, ...] = (81 / 186, 122 / 186)
    """The paper's."""
    channels: int = 8
    """16, 32 and 64 in ResNet-20, of 19 convolutions."""
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)


FULL = tuple(Config(arm) for arm in ("SGD", "Adam", "RAdam"))
QUICK = (Config("RAdam", learning_rates=(0.01,), epochs=1, seeds=(0,)),)
"""A few steps; the chapter shows the recorded runs."""


@experiment(quick=QUICK, full=FULL, along="arm")
def robust(config: Config) -> xr.Dataset:
    """Train one arm at every learning rate."""
    digits = data.digits()
    count = len(digits.targets)
    train_size = round(config.train_share * count)
    splits = [data.split(count, (train_size, count - train_size), seed) for seed in config.seeds]
    train, test = (torch.stack(parts) for parts in zip(*splits, strict=True))
    net = ResNet(config.channels)
    accuracy = []
    for rate in config.learning_rates:
        params = [p.requires_grad_() for p in net.init(config.seeds)]
        optimizer = sensitivity._optimizer(config, params, rate)
        batches = list(sensitivity._batches(config, train))
        for t, index in enumerate(batches):
            optimizer.param_groups[0]["lr"] = rate * sensitivity._factor(config, t, len(batches))
            losses = net.losses(params, digits.inputs[index], digits.targets[index])
            for p, g in zip(params, torch.autograd.grad(losses.sum(), params), strict=True):
                p.grad = g
            optimizer.step()
        accuracy.append(net.accuracy(params, digits.inputs[test], digits.targets[test]))
    return xr.Dataset(
        {
            "accuracy": (
                ("arm", "lr", "seed"),
                torch.stack(accuracy).double().numpy()[None],
                {"long_name": "share of right answers on the held-out digits"},
            )
        },
        coords={
            "arm": [config.arm],
            "lr": ("lr", list(config.learning_rates), {"long_name": "learning rate"}),
            "seed": list(config.seeds),
        },
        attrs={"steps": len(batches)},
    )
