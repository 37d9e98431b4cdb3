"""The best of each method in 1000 steps: Lookahead against decay and averaging, and in a decay."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import torch
import xarray as xr

from replications.core.experiment import experiment, quantity
from replications.problems.noisy_quadratic import NoisyQuadratic
from replications.problems.schedules import averaged_loss, scheduled_loss


@dataclass(frozen=True)
class Config:
    """Every method gets the same grid of learning rates, and a grid of its own knob."""

    dimension: int = 100
    """Number of curvatures, as in the convergence experiment."""
    power: float = 1.0
    """Curvatures i^-power: 1 / i is our assumption about the paper's model."""
    noise: float = 1.0
    """Noise variances are this over the curvatures."""
    steps: int = 1000
    """As in the convergence experiment."""
    rates: int = 80
    """Learning rates, evenly spaced in log."""
    lowest: float = 0.01
    """Smallest learning rate."""
    highest: float = 8.0
    """Largest, beyond every best one; SGD at a constant rate stands 2."""
    k: tuple[int, ...] = (5, 10, 20)
    """Inner steps of Lookahead, the first the paper's."""
    alpha: tuple[float, ...] = tuple(i / 50 for i in range(1, 51))
    """Slow steps 0.02, ..., 1."""
    decayed_k: tuple[int, ...] = (5, 20)
    """Inner steps of Lookahead inside the linear decay: the extremes of k."""
    decays: tuple[float, ...] = (0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999)
    """Weights of the average."""


@experiment(quick=Config())
def controls(config: Config) -> xr.Dataset:
    """All by exact moments; nothing is simulated."""
    curvature = torch.arange(1, config.dimension + 1, dtype=torch.float64) ** -config.power
    problem = NoisyQuadratic(curvature, config.noise / curvature)
    lr = torch.logspace(
        math.log10(config.lowest), math.log10(config.highest), config.rates, dtype=torch.float64
    )
    time = torch.arange(config.steps, dtype=torch.float64)[:, None] / config.steps
    schedules = {
        "SGD": torch.ones_like(time),
        # by 5, the paper's factor on CIFAR, at each third
        "SGD, step decay": 0.2 ** (3 * time).floor(),
        "SGD, cosine decay": (1 + (math.pi * time).cos()) / 2,
        "SGD, linear decay": 1 - time,
    }
    rows = {name: scheduled_loss(problem, shape * lr, 1.0) for name, shape in schedules.items()}
    decays = torch.tensor(config.decays, dtype=torch.float64)
    averaged = averaged_loss(problem, lr, decays[:, None], config.steps, 1.0)
    rows["SGD, averaged"] = averaged.nan_to_num(torch.inf).amin(0)  # nan: inf - inf
    alphas = torch.tensor(config.alpha, dtype=torch.float64)
    lookahead = {
        f"Lookahead, k = {k}": problem.expected_loss(
            lr, alphas[:, None], k, steps=config.steps, start_variance=1.0
        )
        for k in config.k
    } | {
        f"Lookahead, k = {k}, linear decay": scheduled_loss(
            problem, (1 - time) * lr, 1.0, alphas[:, None], k
        )
        for k in config.decayed_k
    }
    by_alpha = torch.stack(list(lookahead.values())).nan_to_num(torch.inf)
    rows |= dict(zip(lookahead, by_alpha.amin(1), strict=True))
    return xr.Dataset(
        {
            "loss": (
                ("arm", "lr"),
                torch.stack(list(rows.values())).numpy(),
                {"long_name": "expected loss after the steps, best over the arm's own knob"},
            ),
            "by_alpha": (
                ("lookahead", "alpha", "lr"),
                by_alpha.numpy(),
                {"long_name": "expected loss of Lookahead"},
            ),
        },
        coords={
            "arm": list(rows),
            "lookahead": list(lookahead),
            "lr": ("lr", lr.numpy(), {"long_name": "(initial) learning rate"}),
            "alpha": list(config.alpha),
        },
    )


@dataclass(frozen=True)
class Variation(Config):
    """Coarser grids, for many problems."""

    rates: int = 43
    lowest: float = 3e-4
    highest: float = 8.0
    decays: tuple[float, ...] = (0.9, 0.98, 0.995, 0.999)
    alpha: tuple[float, ...] = (
        0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.14, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0
    )  # fmt: skip
    k: tuple[int, ...] = (5, 20)
    decayed_k: tuple[int, ...] = ()


VARIATIONS = tuple(
    Variation(dimension=d, power=power, noise=noise, steps=steps)
    for power, d, steps, noise in itertools.product(
        (0.5, 1.0, 2.0), (10, 100), (200, 2000), (0.1, 10.0)
    )
)
"""Flatter and steeper spectra, a tenth of the size, a fifth and twice the length, a tenth and ten
times the noise: all 24 combinations, none of which is the problem of `controls`."""
ARMS = ("SGD", "SGD, linear decay", "SGD, averaged", "Lookahead", "α = 0.5", "α = 0.8")


@experiment(quick=VARIATIONS, along="variation")
def sensitivity(config: Variation) -> xr.Dataset:
    """Each method's lowest loss on one variation of the problem."""
    found = controls(config)
    alone, lookahead = found["loss"].min("lr"), found["by_alpha"].min("lr")
    losses = [alone.sel(arm=arm).item() for arm in ARMS[:3]]
    losses.append(lookahead.min().item())
    first = lookahead.sel(lookahead="Lookahead, k = 5")
    losses += [first.sel(alpha=a).item() for a in (0.5, 0.8)]
    name = f"{config.power:g}, {config.dimension}, {config.steps}, {config.noise:g}"
    return xr.Dataset(
        {
            "loss": (
                ("variation", "arm"),
                [losses],
                {"long_name": "lowest expected loss after the steps"},
            ),
            "edge": (
                "variation",
                [bool(found["loss"].idxmin("lr").isin(found["lr"][[0, -1]]).any())],
                {"long_name": "whether a method's best learning rate lies at the grid's edge"},
            ),
        },
        coords={
            "variation": ("variation", [name], {"long_name": "power, size, steps, noise"}),
            "arm": list(ARMS),
        },
    )


@quantity
def lowest_loss(result: xr.Dataset) -> xr.DataArray:
    """Of each arm, over the learning rates."""
    return result["loss"].min("lr")


@quantity
def best_alpha(result: xr.Dataset, arm: str) -> float:
    """The slow step of a Lookahead arm's lowest loss."""
    return float(result["by_alpha"].sel(lookahead=arm).min("lr").idxmin("alpha"))


@quantity
def share(result: xr.Dataset, arm: str, of: str) -> xr.DataArray:
    """An arm's lowest loss over another's."""
    return lowest_loss(result).sel(arm=arm) / lowest_loss(result).sel(arm=of)


@quantity
def saved(result: xr.Dataset, arm: str, against: str = "SGD") -> xr.DataArray:
    """Percent by which an arm's lowest loss is below another's."""
    return 100 * (1 - share(result, arm, against))


@quantity
def saved_with(result: xr.Dataset, arm: str, alpha: float) -> xr.DataArray:
    """Percent by which Lookahead with this alpha, at its best learning rate, is below SGD."""
    losses = result["by_alpha"].sel(lookahead=arm).sel(alpha=alpha, method="nearest")
    return 100 * (1 - losses.min("lr") / lowest_loss(result).sel(arm="SGD"))


@quantity
def of_sgd(result: xr.Dataset) -> xr.DataArray:
    """Each arm's lowest loss over that of SGD at a constant rate, by variation."""
    return result["loss"] / result["loss"].sel(arm="SGD")


@quantity
def of_lookahead(result: xr.Dataset) -> xr.DataArray:
    """The loss of decay and of averaging over that of the best Lookahead, by variation."""
    rivals = result["loss"].sel(arm=["SGD, linear decay", "SGD, averaged"])
    return rivals / result["loss"].sel(arm="Lookahead")
