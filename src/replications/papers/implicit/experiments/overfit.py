"""One decay a weight, tuned on 50 validation digits: how far can validation be overfitted?

The paper's Figure 5 does it with 50 training and 50 validation images of MNIST and CIFAR-10; here
8x8 digits. Joint training as in Algorithm 1: a few steps of Adam, then one step on the decays.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from replications.core.experiment import experiment, quantity
from replications.core.seeds import generator
from replications.methods.implicit import hypergradient
from replications.methods.neumann import Neumann
from replications.problems import mlp
from replications.problems.data import digits, split

ARMS = ("fixed decay", "one decay a weight")
TUNED = "one decay a weight"
MODELS: dict[str, tuple[int, ...]] = {"linear": (64, 10), "network": (64, 64, 10)}


@dataclass(frozen=True)
class Config:
    """The setting of the authors' repository, on smaller images."""

    splits: int = 6
    """Independent draws of the 100 digits and of the initial weights."""
    outer: int = 400
    """Steps on the decays; our choice."""
    inner: int = 5
    """Steps of Adam between them; the repository's."""
    inner_rate: float = 1e-2
    """Ours; the repository has 1e-4, for far more steps."""
    rate: float = 0.1
    """RMSprop on log decays; the repository's value for MNIST."""
    start: float = -4.0
    """Initial log decay; the repository's."""
    ceiling: float = 1.0
    """Largest log decay: unclamped, decays grow until no fixed step of the inner loop is stable."""
    terms: int = 0
    """Order of the series; 0 is the repository's "identity" for this figure."""
    step: float = 0.1
    """Of the series; with terms = 0 only a scale, which RMSprop takes out."""


CURVES = {
    "val": ("accuracy on the 50 validation digits", "1"),
    "test": ("accuracy on the other 1697", "1"),
    "val_loss": ("validation loss", "nats"),
    "test_loss": ("test loss", "nats"),
}
"""Long name and units of each curve."""


@experiment(quick=Config(splits=2, outer=25), full=Config(splits=12, outer=1000))
def overfit(config: Config) -> xr.Dataset:
    """All splits of an arm and model in one batch."""
    data = digits()
    parts = [split(1797, (50, 50, 1697), seed) for seed in range(config.splits)]
    index = [torch.stack(part) for part in zip(*parts, strict=True)]
    (x, xv, xt), (y, yv, yt) = ([array[i] for i in index] for array in (data.inputs, data.targets))
    every = max(1, config.outer // 20)
    curves: dict[str, list[np.ndarray]] = {k: [] for k in CURVES}
    sizes = []
    for arm in ARMS:
        for model, layers in MODELS.items():
            params = mlp.init(layers, config.splits, generator(0, "overfit", model))
            sizes.append(sum(p[0].numel() for p in params))
            logs = [torch.full_like(p, config.start) for p in params]
            rows: dict[str, list[Tensor]] = {k: [] for k in curves}

            def train(params: list[Tensor], logs: list[Tensor]) -> Tensor:
                terms = [
                    (d.exp() * w**2).flatten(1).sum(1) for d, w in zip(logs, params, strict=True)
                ]
                return mlp.losses(params, x, y) + torch.stack(terms).sum(0)

            def val(params: list[Tensor], _: list[Tensor]) -> Tensor:
                return mlp.losses(params, xv, yv)

            leaves = [p.requires_grad_() for p in params]
            adam = torch.optim.Adam(leaves, lr=config.inner_rate, foreach=True)
            # eps far below the hypergradient's entries, which scale with the decays
            outer = torch.optim.RMSprop(logs, lr=config.rate, eps=1e-12, foreach=True)
            for k in range(config.outer + 1):
                if k % every == 0:
                    with torch.no_grad():
                        rows["val"].append(mlp.accuracy(params, xv, yv))
                        rows["test"].append(mlp.accuracy(params, xt, yt))
                        rows["val_loss"].append(mlp.losses(params, xv, yv))
                        rows["test_loss"].append(mlp.losses(params, xt, yt))
                for _ in range(config.inner):
                    loss = train(leaves, logs).sum()
                    for leaf, g in zip(leaves, torch.autograd.grad(loss, leaves), strict=True):
                        leaf.grad = g
                    adam.step()
                if arm == TUNED:
                    solver = Neumann(config.terms, config.step, probes=0)
                    found = hypergradient(train, val, leaves, logs, solver, tolerance=math.inf)
                    for leaf, g in zip(logs, found.total, strict=True):
                        leaf.grad = g
                    outer.step()
                    for leaf in logs:
                        leaf.clamp_(max=config.ceiling)
            for key, row in rows.items():
                curves[key].append(torch.stack(row, dim=1).numpy())
    shape = (len(ARMS), len(MODELS), config.splits, -1)
    dims = ("arm", "model", "split", "outer")
    return xr.Dataset(
        {
            name: (dims, np.stack(curves[name]).reshape(shape), {"long_name": long, "units": units})
            for name, (long, units) in CURVES.items()
        }
        | {"hyperparameters": ("model", sizes[: len(MODELS)], {"long_name": "number of decays"})},
        coords={
            "arm": list(ARMS),
            "model": list(MODELS),
            "split": np.arange(config.splits),
            "outer": np.arange(0, config.outer + 1, every),
        },
    )


@quantity
def at_end(
    result: xr.Dataset, variable: str, arm: str = TUNED, model: str = "network"
) -> xr.DataArray:
    """A curve's last value, by split."""
    curve = result[variable].sel(arm=arm, model=model)
    return curve.sel(outer=curve.outer.max(), drop=True)


@quantity
def peak(result: xr.Dataset, model: str = "network") -> int:
    """Steps on the decays after which the tuned arm's mean test accuracy is highest."""
    return int(result["test"].sel(arm=TUNED, model=model).mean("split").idxmax("outer"))


@quantity
def gain(result: xr.Dataset, model: str) -> xr.DataArray:
    """Final test accuracy of tuned minus that of fixed decays, by split."""
    tuned, fixed = (at_end(result, "test", arm, model) for arm in (TUNED, "fixed decay"))
    return tuned.drop_vars("arm") - fixed.drop_vars("arm")


@quantity
def fall(result: xr.Dataset, variable: str = "test") -> xr.DataArray:
    """The network's final value minus that at the peak of its test accuracy, by split."""
    curve = result[variable].sel(arm=TUNED, model="network")
    return at_end(result, variable) - curve.sel(outer=peak(result), drop=True)
