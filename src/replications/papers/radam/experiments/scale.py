"""The scale of the loss: RAdam's first five steps are as long as the gradient, so a loss that is
summed, or scaled for half precision, changes them. Trained to the end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr

from replications.core.experiment import experiment, quantity
from replications.methods.radam import Below, RAdam
from replications.papers.radam.experiments.translation import PEAK
from replications.problems.reversal import Reversal
from replications.problems.transformer import Transformer


@dataclass(frozen=True)
class Config:
    """RAdam with one rule for the first five steps and one factor of the loss."""

    below: Below
    """ "momentum" is the paper's Algorithm 2, "skip" the default of the authors' general class."""
    scale: float
    """Factor of the loss."""
    learning_rate: float = PEAK
    batch: int = 16
    steps: int = 400
    """Batch and steps as in the matched trial; the learning rate falls linearly to 0."""
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)

    @property
    def arm(self) -> str:
        """Its name in the book."""
        return f"{self.below} x {self.scale:g}"


@experiment(
    quick=(Config("momentum", 100.0, steps=2, seeds=(0,)),),
    full=(
        Config("momentum", 1.0),
        Config("momentum", 100.0),
        Config("skip", 100.0),
        Config("skip", 1.0),
        Config("momentum", 0.01),
        Config("skip", 0.01),
    ),
    along="arm",
)
def scale(config: Config) -> xr.Dataset:
    """Train one arm on all its seeds; the losses are given unscaled."""
    net, task = Transformer(), Reversal(config.seeds)
    params = [p.requires_grad_() for p in net.init(config.seeds)]
    optimizer = RAdam(
        params, config.learning_rate, weight_decay=1e-4, threshold=5.0, below=config.below
    )
    loss, length = [], []
    for t, source in enumerate(task.batches(config.steps, config.batch), start=1):
        optimizer.param_groups[0]["lr"] = config.learning_rate * (1 - (t - 1) / config.steps)
        losses, grads = net.gradients(params, source, task.translate(source))
        loss.append(losses)
        before = [p.detach().clone() for p in params] if t <= 10 else []
        for p, g in zip(params, grads, strict=True):
            p.grad = config.scale * g
        optimizer.step()
        if before:
            moved = [(p.detach() - q).flatten(1) for p, q in zip(params, before, strict=True)]
            length.append(torch.cat(moved, 1).square().mean(1).sqrt())
    return xr.Dataset(
        {
            "loss": (
                ("arm", "seed", "step"),
                torch.stack(loss, 1).numpy()[None],
                {"long_name": "training loss of a word, unscaled", "units": "nats"},
            ),
            "length": (
                ("arm", "seed", "early"),
                torch.stack(length, 1).numpy()[None],
                {"long_name": "update, root mean square over the weights"},
            ),
        },
        coords={
            "arm": [config.arm],
            "seed": list(config.seeds),
            "step": np.arange(1, config.steps + 1),
            "early": np.arange(1, len(length) + 1),
        },
    )


@quantity
def five_updates(result: xr.Dataset, arm: str) -> xr.DataArray:
    """The first five updates added up, in learning rates, mean over the seeds."""
    first = result["length"].sel(arm=arm, early=slice(1, 5))
    return first.mean("seed").sum("early") / PEAK
