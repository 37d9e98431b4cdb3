"""Figure 5 on the paper's own data: a decay for each weight, tuned on 50 digits of MNIST.

Not run for this book: no number of it stands in any chapter. The small relative on 8x8 digits is
`overfit`. One config is one network and one draw of the 100 digits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from replications.core.experiment import experiment
from replications.core.seeds import generator
from replications.methods.implicit import hypergradient
from replications.methods.neumann import Neumann
from replications.problems import mlp, standard_files
from replications.problems.data import split


@dataclass(frozen=True)
class Config:
    """The authors' repository, as far as a place says so (read there: setup_overfit_validation)."""

    model: str = "linear"
    hidden: tuple[int, ...] = ()
    """Units of the hidden layers; the repository names a linear and a one-layer network."""
    train: int = 50
    """The repository's datasize."""
    val: int = 50
    """The repository's valsize."""
    inner: int = 5
    """The repository's steps of Adam between two steps on the decays."""
    inner_rate: float = 1e-4
    """The repository's, of Adam."""
    rate: float = 0.1
    """The repository's for MNIST; RMSprop, as in our small relative."""
    start: float = -4.0
    """The repository's initial log decay."""
    terms: int = 0
    """Of the Neumann series; the repository's "identity"."""
    outer: int = 20_000
    """Steps on the decays; ours."""
    looks: int = 200
    """How often accuracy is measured; ours."""
    seed: int = 0
    folder: str = ""
    """Of MNIST's files: given on the command line."""
    device: str = "cuda"


MODELS: dict[str, tuple[int, ...]] = {"linear": (), "one hidden layer": (100,)}
PAPER = tuple(
    Config(model, hidden, seed=seed) for model, hidden in MODELS.items() for seed in range(5)
)


@experiment(paper=PAPER, along="run")
def mnist(config: Config) -> xr.Dataset:
    """Tune the decays of one network."""
    device = standard_files.usable(config.device)
    images, classes = _flat(config.folder, "train", device)
    xt, yt = _flat(config.folder, "test", device)
    chosen = split(len(images), (config.train, config.val), config.seed)
    (x, y), (xv, yv) = ((images[i], classes[i]) for i in (part.to(device) for part in chosen))
    sizes = (images.shape[1], *config.hidden, 10)
    drawn = mlp.init(sizes, 1, generator(config.seed, "mnist"))
    params = [p.to(device).requires_grad_() for p in drawn]
    logs = [torch.full_like(p, config.start, requires_grad=False) for p in params]

    def train(params: list[Tensor], logs: list[Tensor]) -> Tensor:
        terms = [(d.exp() * w**2).sum() for d, w in zip(logs, params, strict=True)]
        return mlp.losses(params, x, y)[0] + torch.stack(terms).sum()

    def val(params: list[Tensor], _: list[Tensor]) -> Tensor:
        return mlp.losses(params, xv, yv)[0]

    inner = torch.optim.Adam(params, lr=config.inner_rate)
    # eps far below the hypergradient's entries, which scale with the decays
    outer = torch.optim.RMSprop(logs, lr=config.rate, eps=1e-12)
    solver = Neumann(config.terms, 0.1, probes=0)
    every = max(1, config.outer // config.looks)
    looks, rows = range(0, config.outer + 1, every), []
    for step in range(config.outer + 1):
        if step in looks:
            pairs = ((x, y), (xv, yv), (xt, yt))
            rows.append([float(mlp.accuracy(params, *pair)[0]) for pair in pairs])
        for _ in range(config.inner):
            grads = torch.autograd.grad(train(params, logs), params)
            for p, g in zip(params, grads, strict=True):
                p.grad = g
            inner.step()
        found = hypergradient(train, val, params, logs, solver, tolerance=math.inf)
        for d, g in zip(logs, found.total, strict=True):
            d.grad = g
        outer.step()
    return xr.Dataset(
        {
            "accuracy": (
                ("run", "outer", "set"),
                [rows],
                {"long_name": "share of right answers before a step on the decays"},
            ),
            "decays": ("run", [sum(d.numel() for d in logs)], {"long_name": "number of decays"}),
        },
        coords={
            "run": [f"{config.model}, seed {config.seed}"],
            "model": ("run", [config.model]),
            "seed": ("run", [config.seed]),
            "outer": np.array(looks),
            "set": ["train", "val", "test"],
        },
    )


def _flat(folder: str, part: str, device: torch.device) -> tuple[Tensor, Tensor]:
    """Images as rows in [0, 1], and their classes."""
    images, classes = standard_files.mnist(folder, part)
    return images.flatten(1).to(device) / 255, classes.to(device)
