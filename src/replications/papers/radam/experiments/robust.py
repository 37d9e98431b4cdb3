"""The learning rate's range (the paper's Figure 6) on a network like the paper's: residual, with
batch norm. The paper has ResNet-20 and CIFAR-10; here are seven convolutions and the digits.
"""

from __future__ import annotations

from dataclasses import dataclass

import xarray as xr

from replications.core.experiment import experiment
from replications.papers.radam.experiments import sensitivity
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
    """The sweep of the residual network."""
    network = ResNet(config.channels)
    return sensitivity.sweep(config, lambda: network.init(config.seeds), network)
