"""Is the estimate unbiased, and for which gradient? Monte Carlo against exact means.

A random linear system, so that every expectation is known in closed form, under three losses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
import xarray as xr

from replications.core.experiment import experiment, quantity
from replications.core.seeds import generator
from replications.methods.es_variance import (
    episode_es_variance,
    pes_variance,
    truncated_es_variance,
)
from replications.methods.evolution import NRES, PES, TruncatedES
from replications.papers.pes.outer import episode
from replications.problems.linear_unroll import LinearUnroll, Noise, later_losses, random_system

if TYPE_CHECKING:
    pass

LOSSES = ("linear", "quadratic", "cubic")
NOISE: dict[str, Noise] = {"PES": "per window", "NRES": "per episode", "truncated ES": "truncated"}


@dataclass(frozen=True)
class Config:
    """Sizes of the check; the paper has no such table, so all are ours."""

    units: int = 6
    """Small enough to see every coordinate."""
    dim: int = 3
    horizon: int = 24
    """Divisible by both windows."""
    windows: tuple[int, ...] = (1, 4)
    sigma: float = 0.3
    """Large enough for the cubic loss to feel the smoothing."""
    pairs: int = 40_000
    """Relative standard error of about one per cent at K = 1."""
    batches: int = 40
    """Independent groups of pairs, whose means give the intervals."""
    seed: int = 0


@experiment(quick=Config())
def bias(config: Config) -> xr.Dataset:
    """Estimate every loss's gradient by every arm, each with noise of its own."""
    shape = (len(LOSSES), len(NOISE), len(config.windows))
    estimate = np.zeros((*shape, config.batches, config.dim))
    own = np.zeros((*shape, config.dim))
    exact = np.zeros((len(LOSSES), config.dim))
    truncated = np.zeros((len(LOSSES), len(config.windows), config.dim))
    variance = np.zeros((*shape[1:], config.batches))
    formula = np.zeros(shape[1:])
    for i, loss in enumerate(LOSSES):
        source = generator(config.seed, "system")
        problem = random_system(config.units, config.dim, config.horizon, loss, source)  # type: ignore[arg-type]  # LOSSES holds the literals
        theta = torch.randn(config.dim, generator=source, dtype=torch.float64)
        exact[i] = problem.expected_gradient(theta, 1).numpy()
        for k, window in enumerate(config.windows):
            truncated[i, k] = problem.truncated_gradient(theta, window).numpy()
            for j, (arm, noise) in enumerate(NOISE.items()):
                kind = {"PES": PES, "NRES": NRES, "truncated ES": TruncatedES}[arm]
                estimator = kind(window, config.sigma, config.pairs)
                noise_seed = generator(config.seed, "noise", loss, arm, window).initial_seed()
                samples = episode(estimator, problem, theta, noise_seed)
                groups = samples.view(config.batches, -1, config.dim)
                estimate[i, j, k] = groups.mean(dim=1).numpy()
                if loss == "linear":
                    expected = _formula(problem, theta, window, arm)
                    variance[j, k] = (groups.var(dim=1).sum(dim=1) / expected).numpy()
                    formula[j, k] = expected / (exact[i] @ exact[i])
                smoothed = problem.expected_gradient(theta, window, config.sigma, noise)
                own[i, j, k] = smoothed.numpy()
    axes = ("loss", "arm", "window", "batch", "parameter")
    return xr.Dataset(
        {
            "estimate": (axes, estimate, {"long_name": "mean estimate of an episode's gradient"}),
            "exact": (("loss", "parameter"), exact, {"long_name": "gradient of the loss itself"}),
            "own": (
                ("loss", "arm", "window", "parameter"),
                own,
                {"long_name": "gradient of the loss as the method smooths and truncates it"},
            ),
            "truncated": (
                ("loss", "window", "parameter"),
                truncated,
                {"long_name": "gradient of truncated backpropagation"},
            ),
            "variance": (
                ("arm", "window", "batch"),
                variance,
                {"long_name": "variance of one pair, linear loss, Monte Carlo over formula"},
            ),
            "formula": (
                ("arm", "window"),
                formula,
                {"long_name": "formula over the squared gradient, linear loss"},
            ),
        },
        coords={"loss": list(LOSSES), "arm": list(NOISE), "window": list(config.windows)},
    )


@quantity
def target(result: xr.Dataset, loss: str, arm: str, window: int, of: str) -> xr.DataArray:
    """What the estimate is held against: "exact", "own" or "truncated", by parameter."""
    where = {"loss": loss, "arm": arm, "window": window}
    found = result[of]
    return found.sel({dim: label for dim, label in where.items() if dim in found.dims})


@quantity
def relative_error(
    result: xr.Dataset, loss: str, arm: str, window: int, of: str = "exact"
) -> xr.DataArray:
    """Error along the target, in units of its length, for each batch of pairs."""
    goal = target(result, loss, arm, window, of)
    error = result["estimate"].sel(loss=loss, arm=arm, window=window) - goal
    return (error * goal).sum("parameter") / (goal**2).sum("parameter")


@quantity
def z_score(
    result: xr.Dataset, loss: str, arm: str, window: int, of: str = "exact"
) -> xr.DataArray:
    """z-score of every parameter's error."""
    samples = result["estimate"].sel(loss=loss, arm=arm, window=window)
    error = samples.mean("batch") - target(result, loss, arm, window, of)
    return error / (samples.std("batch", ddof=1) / samples.sizes["batch"] ** 0.5)


@quantity
def largest_z(result: xr.Dataset, losses: tuple[str, ...], arms: tuple[str, ...]) -> xr.DataArray:
    """Largest z-score against the exact gradient over losses, arms, windows and parameters."""
    scores = [
        abs(z_score(result, loss, arm, window)).max()
        for loss in losses
        for arm in arms
        for window in result["window"].values
    ]
    return xr.concat(scores, "look").max()


@quantity
def pes_over_nres(result: xr.Dataset, window: int = 1) -> xr.DataArray:
    """Ratio of the exact variances under the linear loss."""
    formula = result["formula"].sel(window=window)
    return formula.sel(arm="PES") / formula.sel(arm="NRES")


def _formula(problem: LinearUnroll, theta: torch.Tensor, window: int, arm: str) -> float:
    if arm == "PES":
        return float(pes_variance(later_losses(problem.window_jacobian(theta, window))))
    if arm == "NRES":
        return float(episode_es_variance(problem.expected_gradient(theta, window)))
    own = problem.window_jacobian(theta, window, noise="truncated").sum(dim=1)
    return float(truncated_es_variance(own))
