"""Are a run's gradients independent draws of N(0, sigma^2), as the paper's theory assumes?

Gradients of a post-LN Transformer with frozen, freshly drawn weights, over many mini-batches: each
weight gives one series. Then the same question over many random weights, and along a run of RAdam.

What the assumption does to psi is shown by Var[ln psi], which exists after any number of gradients,
trigamma(t / 2) / 4 for normals with mean 0. Predicted before the run: our mean-0 normals follow
that within 5 %, normals with the right mean the real gradients within 10 %, and mean 0 overstates
the real one at every t. (The relative variance of psi is kept for the claims; up to four gradients
its sample says little, since it has itself no finite variance.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
import xarray as xr

from replications.core.experiment import experiment, quantity
from replications.core.seeds import generator, rng
from replications.methods.radam import RAdam
from replications.problems.reversal import Reversal
from replications.problems.transformer import Transformer

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor

CHUNK = 4
"""Models that go through the network together; more do not fit the cache."""


@dataclass(frozen=True)
class Config:
    """One random initialisation."""

    seed: int = 0
    minibatches: int = 360
    """Gradients at frozen weights. Divisible by the periods."""
    batch: int = 32
    """As in the training runs."""
    coordinates: int = 20_000
    """Weights looked at, chosen at random of half a million."""
    periods: tuple[int, ...] = (3, 5, 10, 20)
    """Numbers t of gradients in psi_t; the mini-batches are cut into groups of t."""
    lengths: tuple[int, ...] = (1, 2, 3, 5, 10, 20)
    """The same for ln psi_t, whose variance exists from one gradient on."""
    inits: int = 40
    """Random initialisations of the other question, one mini-batch each."""
    path: int = 30
    """Steps of RAdam along which consecutive gradients are correlated."""
    level: float = 0.05
    """Of the tests."""


QUICK = (Config(minibatches=120, inits=20, path=15),)
FULL = tuple(Config(seed=seed) for seed in range(5))
"""Five initialisations."""

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
LAWS = ("real", "right mean", "mean 0")
"""The gradients themselves; normals with each coordinate's own mean and standard deviation; normals
with its second moment and mean 0, which the theory assumes."""


@experiment(quick=QUICK, full=FULL, along="seed")
def independence(config: Config) -> xr.Dataset:
    """Collect the gradients, then test them, at the weights whose gradient is never exactly 0."""
    from scipy import stats

    net = Transformer()
    task = Reversal((config.seed,))
    pick = torch.randperm(_size(net), generator=generator(config.seed, "coordinates"))
    pick = pick[: config.coordinates]
    batches = task.batches(config.minibatches, config.batch, "frozen weights")
    frozen = net.init((config.seed,))
    g = _collect(net, task, [frozen] * config.minibatches, batches, pick)

    alive = (g != 0).all(axis=0)
    g = g[:, alive]
    mean, sd = g.mean(axis=0), g.std(axis=0, ddof=1)
    noise = g - mean
    z = rng(config.seed, "normals").standard_normal(g.shape)
    laws = (g, mean + sd * z, np.sqrt(mean**2 + sd**2) * z)  # in the order of LAWS

    other = [net.init((1000 + 100 * config.seed + i,)) for i in range(config.inits)]
    over_inits = _collect(net, task, other, batches[: config.inits], pick)[:, alive]
    path = _path(net, config, pick)[:, alive]

    def share(value: float, long_name: str) -> tuple[str, list[float], dict[str, str]]:
        return "seed", [value], {"long_name": long_name}

    shape_rejected = float((stats.normaltest(g, axis=0).pvalue < config.level).mean())
    correlation = float(np.median((noise[1:] * noise[:-1]).sum(0) / (noise**2).sum(0)))
    path_correlation = float(np.median((path[1:] * path[:-1]).sum(0) / (path**2).sum(0)))
    return xr.Dataset(
        {
            "zeros": share(
                float(1 - alive.mean()), "share of weights with an exactly zero gradient"
            ),
            "mean_rejected": share(
                _rejects_zero_mean(g, config.level), "share whose t-test rejects mean 0"
            ),
            "shape_rejected": share(
                shape_rejected, "share whose D'Agostino-Pearson test rejects the normal shape"
            ),
            "init_rejected": share(
                _rejects_zero_mean(over_inits, config.level),
                "share whose t-test rejects mean 0 over random initialisations",
            ),
            "correlation": share(correlation, "median lag-1 correlation of the noise"),
            "path_correlation": share(
                path_correlation, "median of sum g_t g_(t+1) / sum g_t^2 along RAdam"
            ),
            "mean_over_sd": (
                ("seed", "quantile"),
                [np.quantile(np.abs(mean) / sd, QUANTILES)],
                {"long_name": "|mean| / sd of a weight's gradients"},
            ),
            "kurtosis": (
                ("seed", "quantile"),
                [np.quantile(stats.kurtosis(g, axis=0), QUANTILES)],
                {"long_name": "excess kurtosis; 0 for a normal"},
            ),
            "variance": (
                ("seed", "law", "period"),
                [[[_relative_variance(x, t) for t in config.periods] for x in laws]],
                {"long_name": "median over the weights of Var[psi_t] / E[psi_t]^2"},
            ),
            "log_variance": (
                ("seed", "law", "length"),
                [[[_log_variance(x, t) for t in config.lengths] for x in laws]],
                {"long_name": "mean over the weights of Var[ln psi_t]"},
            ),
        },
        coords={
            "seed": [config.seed],
            "quantile": list(QUANTILES),
            "law": list(LAWS),
            "period": list(config.periods),
            "length": list(config.lengths),
        },
        attrs={"inits": config.inits, "minibatches": config.minibatches},
    )


def _collect(
    net: Transformer,
    task: Reversal,
    models: list[list[Tensor]],
    batches: Int[Tensor, "n 1 batch length"],
    pick: Int[Tensor, " coordinates"],
) -> Float[np.ndarray, "n coordinates"]:
    """The picked gradients of each model on its own mini-batch, float64."""
    found = []
    for i in range(0, len(models), CHUNK):
        params = [torch.cat(tensors) for tensors in zip(*models[i : i + CHUNK], strict=True)]
        for p in params:
            p.requires_grad_()
        source = batches[i : i + CHUNK]
        target = torch.cat([task.translate(s[None]) for s in source[:, 0]])
        _, grads = net.gradients(params, source[:, 0], target)
        found.append(torch.cat([x.flatten(1) for x in grads], dim=1)[:, pick])
    return torch.cat(found).double().numpy()


def _path(
    net: Transformer, config: Config, pick: Int[Tensor, " coordinates"]
) -> Float[np.ndarray, "path coordinates"]:
    """The picked gradients along a run of RAdam with the training runs' settings."""
    task = Reversal((config.seed,))
    params = net.init((config.seed,))
    for p in params:
        p.requires_grad_()
    optimizer = RAdam(params, lr=3e-3, weight_decay=1e-4, threshold=5.0)
    found = []
    for source in task.batches(config.path, config.batch):
        _, grads = net.gradients(params, source, task.translate(source))
        for p, gradient in zip(params, grads, strict=True):
            p.grad = gradient
        optimizer.step()
        found.append(torch.cat([x.flatten() for x in grads])[pick])
    return torch.stack(found).double().numpy()


def _rejects_zero_mean(g: Float[np.ndarray, "n coordinates"], level: float) -> float:
    """Share of coordinates in which Student's t-test rejects mean 0."""
    from scipy.special import stdtrit

    moving = g[:, g.std(axis=0) > 0]
    t = moving.mean(axis=0) / (moving.std(axis=0, ddof=1) / math.sqrt(len(g)))
    return float((np.abs(t) > stdtrit(len(g) - 1, 1 - level / 2)).mean())


def _relative_variance(g: Float[np.ndarray, "n coordinates"], t: int) -> float:
    """Median over coordinates of Var[psi] / E[psi]^2 over the groups of t gradients."""
    psi = _psi(g, t)
    return float(np.median(psi.var(axis=0, ddof=1) / psi.mean(axis=0) ** 2))


def _log_variance(g: Float[np.ndarray, "n coordinates"], t: int) -> float:
    """Mean over coordinates of Var[ln psi] over the groups of t gradients."""
    return float(np.log(_psi(g, t)).var(axis=0, ddof=1).mean())


def _psi(g: Float[np.ndarray, "n coordinates"], t: int) -> Float[np.ndarray, "groups coordinates"]:
    groups = g[: len(g) // t * t].reshape(-1, t, g.shape[1])
    return 1 / np.sqrt((groups**2).mean(axis=1))


def _size(net: Transformer) -> int:
    return sum(p.numel() for p in net.init((0,)))


@quantity
def median_mean(result: xr.Dataset) -> xr.DataArray:
    """|mean| / sd of the median weight, by initialisation."""
    return result["mean_over_sd"].sel(quantile=0.5)


@quantity
def log_predicted(result: xr.Dataset, law: str) -> xr.DataArray:
    """Variance of ln psi_t by a law over that of the real gradients."""
    return result["log_variance"].sel(law=law) / result["log_variance"].sel(law="real")


@quantity
def predicted(result: xr.Dataset, law: str) -> xr.DataArray:
    """Relative variance of psi_t by a law over that of the real gradients."""
    return result["variance"].sel(law=law) / result["variance"].sel(law="real")


@quantity
def factor_error(result: xr.Dataset, law: str) -> xr.DataArray:
    """Relative error that a law leaves in r_t, were the longest period the end of the warm-up.

    r_t^2 is the variance in the end over that at t, so that a constant overstatement cancels.
    """
    over = predicted(result, law)
    return (over.sel(period=over["period"].max()) / over) ** 0.5 - 1
