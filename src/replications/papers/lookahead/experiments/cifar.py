"""Figure 5 and Table 1 at the paper's size: ResNet-18 on CIFAR-10, for a GPU and a night.

Not run for this book: no number of it stands in any chapter. One config is one arm and one seed. A
seed has the same first weights, batches and crops in every arm.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
import xarray as xr
from torch import Tensor, nn

from replications.core.experiment import experiment
from replications.core.seeds import generator
from replications.methods.lookahead import Lookahead
from replications.problems.resnet18 import resnet18
from replications.problems.standard_files import cifar10, usable


@dataclass(frozen=True)
class Config:
    """One training run. What is not marked as read is ours."""

    arm: str
    k: int = 0
    """Synchronisation period; 0 is no Lookahead."""
    alpha: float = 1.0
    """Slow step."""
    lr: float = 0.1
    """Read, in a student's report: the paper chose 0.1 for Lookahead, with k = 5, alpha = 0.8."""
    momentum: float = 0.9
    weight_decay: float = 5e-4
    batch: int = 128
    epochs: int = 200
    drops: tuple[int, ...] = (60, 120, 160)
    """Epochs after which the rate falls to 0.2 of itself."""
    width: int = 64
    """Of ResNet-18, which the paper's figures name."""
    seed: int = 0
    folder: str = ""
    """Of CIFAR-10's files: given on the command line."""
    device: str = "cuda"


SEEDS = range(3)
PAPER = tuple(
    Config(arm, k, alpha, lr, seed=seed)
    for arm, k, alpha, lr in (
        ("SGD", 0, 1.0, 0.1),
        ("Lookahead", 5, 0.8, 0.1),
        ("SGD at alpha times the lr", 0, 1.0, 0.08),  # the control of the small experiments
    )
    for seed in SEEDS
)


@experiment(paper=PAPER, along="run")
def cifar(config: Config) -> xr.Dataset:
    """Train one arm on one seed."""
    device = usable(config.device)
    x, y = (part.to(device) for part in cifar10(config.folder))
    test_x, test_y = (part.to(device) for part in cifar10(config.folder, "test"))
    pixels = x.float()
    mean, spread = pixels.mean((0, 2, 3), keepdim=True), pixels.std((0, 2, 3), keepdim=True)
    del pixels

    def ready(images: Tensor) -> Tensor:
        return (images - mean) / spread

    with torch.random.fork_rng():
        torch.manual_seed(generator(config.seed, "cifar", "init").initial_seed())
        net = resnet18(width=config.width).to(device)
    optimizer: torch.optim.Optimizer = torch.optim.SGD(
        net.parameters(), config.lr, config.momentum, weight_decay=config.weight_decay
    )
    slow: Callable[[], AbstractContextManager[None]] = nullcontext
    if config.k:
        optimizer = Lookahead(optimizer, config.k, config.alpha)
        slow = optimizer.slow_weights
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, list(config.drops), gamma=0.2)
    source = generator(config.seed, "cifar", "batches")
    losses, accuracies = [], []
    for _ in range(config.epochs):
        net.train()
        total = torch.zeros((), device=device)
        order = torch.randperm(len(x), generator=source)
        for chosen in order.split(config.batch):
            images = ready(crop_and_flip(x[chosen.to(device)], source))
            loss = F.cross_entropy(net(images), y[chosen.to(device)])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(chosen)
        schedule.step()
        losses.append(float(total) / len(x))
        with slow():
            accuracies.append(_accuracy(net, ready(test_x), test_y))
    return xr.Dataset(
        {
            "loss": (
                ("run", "epoch"),
                [losses],
                {"long_name": "mean training loss of an epoch's steps", "units": "nats"},
            ),
            "accuracy": (
                ("run", "epoch"),
                [accuracies],
                {"long_name": "test accuracy, of the slow weights if there are any", "units": "%"},
            ),
        },
        coords={
            "run": [f"{config.arm}, seed {config.seed}"],
            "arm": ("run", [config.arm]),
            "seed": ("run", [config.seed]),
            "epoch": np.arange(1, config.epochs + 1),
        },
    )


def crop_and_flip(images: Tensor, source: torch.Generator) -> Tensor:
    """Shift each image by up to 4 pixels, black beyond the edge, and mirror half of them."""
    n, _, height, width = images.shape
    down, right = torch.randint(9, (2, n), generator=source).to(images.device)
    mirrored = torch.rand(n, generator=source).to(images.device) < 0.5
    padded = F.pad(images, (4, 4, 4, 4))
    rows = down[:, None] + torch.arange(height, device=images.device)
    columns = right[:, None] + torch.arange(width, device=images.device)
    columns = torch.where(mirrored[:, None], columns.flip(1), columns)
    which = torch.arange(n, device=images.device)[:, None, None]
    return padded.movedim(1, -1)[which, rows[:, :, None], columns[:, None]].movedim(-1, 1)


@torch.no_grad()
def _accuracy(net: nn.Module, images: Tensor, classes: Tensor) -> float:
    net.eval()
    right = sum(
        int((net(part).argmax(1) == answer).sum())
        for part, answer in zip(images.split(500), classes.split(500), strict=True)
    )
    return 100 * right / len(classes)
