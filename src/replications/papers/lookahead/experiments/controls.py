"""The best of each method in 1000 steps: Lookahead against decay and averaging, and in a decay.

Losses are exact; each is sought over the learning rates, first on a grid, then closer and closer
to its lowest point.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
import xarray as xr
from torch import Tensor

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
    schedules: tuple[str, ...] = ("SGD, step decay", "SGD, cosine decay", "SGD, linear decay")
    """Of SGD, beside a constant learning rate."""
    rates: int = 40
    """Learning rates of the first grid, evenly spaced in log."""
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


ZOOMS, CLOSER = 2, 8
"""How often the grid closes in on the lowest point, and by which factor each time."""


class Lowest(NamedTuple):
    """The lowest loss over the learning rates, for each knob [knobs]."""

    loss: Tensor
    lr: Tensor
    error: Tensor
    """How far the loss may still be above the lowest: at most what it rises to the next rate, if it
    is convex there; as a share of it."""
    edge: Tensor
    """Whether the best rate of the first grid is its first or last."""


def lowest(loss: Callable[[Tensor], Tensor], lr: Tensor) -> Lowest:
    """Seek the lowest loss on a log grid, then on finer ones around its best rate.

    Args:
        loss: from rates [rates, knobs] to losses [rates, knobs].
        lr: a grid, evenly spaced in log.
    """
    middle, step = lr.log()[:, None], math.log(lr[1] / lr[0])
    around = torch.linspace(-1, 1, 2 * CLOSER + 1, dtype=lr.dtype)[:, None]
    for zoom in range(ZOOMS + 1):
        grid = middle if zoom == 0 else middle + step * around
        found = loss(grid.exp()).nan_to_num(torch.inf)  # inf - inf
        best = found.argmin(0, keepdim=True)
        if zoom == 0:
            edge = (best == 0) | (best == len(lr) - 1)
        else:
            step /= CLOSER
        middle = grid.expand_as(found).gather(0, best)
    inside = best.clamp(1, len(found) - 2)
    beside = torch.maximum(found.gather(0, inside - 1), found.gather(0, inside + 1))
    least = found.gather(0, best)
    return Lowest(least[0], middle.exp()[0], (beside / least - 1)[0], edge[0])


@experiment(quick=Config())
def controls(config: Config) -> xr.Dataset:
    """All by exact moments; nothing is simulated."""
    curvature = torch.arange(1, config.dimension + 1, dtype=torch.float64) ** -config.power
    problem = NoisyQuadratic(curvature, config.noise / curvature)
    lr = torch.logspace(
        math.log10(config.lowest), math.log10(config.highest), config.rates, dtype=torch.float64
    )
    time = torch.arange(config.steps, dtype=torch.float64)[:, None, None] / config.steps
    shapes = {
        # by 5, the paper's factor on CIFAR as we remember it, at each third
        "SGD, step decay": 0.2 ** (3 * time).floor(),
        "SGD, cosine decay": (1 + (math.pi * time).cos()) / 2,
        "SGD, linear decay": 1 - time,
    }
    decays = torch.tensor(config.decays, dtype=torch.float64)
    alphas = torch.tensor(config.alpha, dtype=torch.float64)

    def scheduled(shape: Tensor) -> Callable[[Tensor], Tensor]:
        return lambda rates: scheduled_loss(problem, shape * rates, 1.0)

    def constant(alpha: Tensor, k: int) -> Callable[[Tensor], Tensor]:
        return lambda rates: problem.expected_loss(
            rates, alpha, k, steps=config.steps, start_variance=1.0
        )

    def decayed(k: int) -> Callable[[Tensor], Tensor]:
        return lambda rates: scheduled_loss(problem, (1 - time) * rates, 1.0, alphas, k)

    alone = {"SGD": lowest(constant(torch.ones(1).double(), 1), lr)}
    alone |= {name: lowest(scheduled(shapes[name]), lr) for name in config.schedules} | {
        "SGD, averaged": lowest(
            lambda rates: averaged_loss(problem, rates, decays, config.steps, 1.0), lr
        )
    }
    lookahead = {f"Lookahead, k = {k}": lowest(constant(alphas, k), lr) for k in config.k} | {
        f"Lookahead, k = {k}, linear decay": lowest(decayed(k), lr) for k in config.decayed_k
    }
    arms = alone | lookahead
    best = {arm: int(found.loss.argmin()) for arm, found in arms.items()}

    def of_best(name: str, long_name: str) -> tuple[str, list[float], dict[str, str]]:
        values = [getattr(found, name)[best[arm]].item() for arm, found in arms.items()]
        return "arm", values, {"long_name": long_name}

    return xr.Dataset(
        {
            "loss": of_best("loss", "lowest expected loss after the steps, at the best knob"),
            "lr": of_best("lr", "(initial) learning rate of the lowest loss"),
            "error": of_best("error", "bound of the grid's share in the lowest loss"),
            "edge": of_best("edge", "whether the best learning rate lies at the grid's edge"),
            "by_alpha": (
                ("lookahead", "alpha"),
                torch.stack([found.loss for found in lookahead.values()]).numpy(),
                {"long_name": "lowest expected loss of Lookahead"},
            ),
            "by_alpha_error": (
                ("lookahead", "alpha"),
                torch.stack([found.error for found in lookahead.values()]).numpy(),
                {"long_name": "bound of the grid's share in it"},
            ),
        },
        coords={"arm": list(arms), "lookahead": list(lookahead), "alpha": list(config.alpha)},
    )


@dataclass(frozen=True)
class Variation(Config):
    """A coarser first grid of rates, for many problems."""

    schedules: tuple[str, ...] = ("SGD, linear decay",)

    rates: int = 30
    lowest: float = 3e-4
    highest: float = 8.0
    decays: tuple[float, ...] = (0.9, 0.98, 0.995, 0.999)
    alpha: tuple[float, ...] = tuple(i / 100 for i in range(1, 101))
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
RIVALS = ["SGD, linear decay", "SGD, averaged"]
ARMS = ("SGD", "SGD, linear decay", "SGD, averaged", "Lookahead", "α = 0.5", "α = 0.8")


@experiment(quick=VARIATIONS, along="variation")
def sensitivity(config: Variation) -> xr.Dataset:
    """Each method's lowest loss on one variation of the problem."""
    found = controls(config)
    losses = [found["loss"].sel(arm=arm).item() for arm in ARMS[:3]]
    errors = [found["error"].sel(arm=arm).item() for arm in ARMS[:3]]
    first = {"lookahead": "Lookahead, k = 5"}
    at = found["by_alpha"].argmin(...)
    for where in (found.isel(at), *(found.sel({**first, "alpha": a}) for a in (0.5, 0.8))):
        losses.append(where["by_alpha"].item())
        errors.append(where["by_alpha_error"].item())
    name = f"{config.power:g}, {config.dimension}, {config.steps}, {config.noise:g}"
    return xr.Dataset(
        {
            "loss": (
                ("variation", "arm"),
                [losses],
                {"long_name": "lowest expected loss after the steps"},
            ),
            "error": (
                ("variation", "arm"),
                [errors],
                {"long_name": "bound of the grid's share in it"},
            ),
            "edge": (
                "variation",
                [bool(found["edge"].any())],
                {"long_name": "whether a method's best learning rate lies at the grid's edge"},
            ),
        },
        coords={
            "variation": ("variation", [name], {"long_name": "power, size, steps, noise"}),
            "arm": list(ARMS),
        },
    )


@quantity
def best_alpha(result: xr.Dataset, arm: str) -> float:
    """The slow step of a Lookahead arm's lowest loss."""
    return float(result["by_alpha"].sel(lookahead=arm).idxmin("alpha"))


@quantity
def share(result: xr.Dataset, arm: str, of: str) -> xr.DataArray:
    """An arm's lowest loss over another's."""
    return result["loss"].sel(arm=arm) / result["loss"].sel(arm=of)


@quantity
def saved(result: xr.Dataset, arm: str, against: str = "SGD") -> xr.DataArray:
    """Percent by which an arm's lowest loss is below another's."""
    return 100 * (1 - share(result, arm, against))


@quantity
def saved_with(result: xr.Dataset, arm: str, alpha: float) -> xr.DataArray:
    """Percent by which Lookahead with this alpha, at its best learning rate, is below SGD."""
    loss = result["by_alpha"].sel(lookahead=arm).sel(alpha=alpha, method="nearest")
    return 100 * (1 - loss / result["loss"].sel(arm="SGD"))


@quantity
def of_sgd(result: xr.Dataset) -> xr.DataArray:
    """Each arm's lowest loss over that of SGD at a constant rate, by variation."""
    return result["loss"] / result["loss"].sel(arm="SGD")


@quantity
def of_lookahead(result: xr.Dataset) -> xr.DataArray:
    """The loss of decay and of averaging over that of the best Lookahead, by variation."""
    return result["loss"].sel(arm=RIVALS) / result["loss"].sel(arm="Lookahead")


@quantity
def of_lookahead_error(result: xr.Dataset) -> xr.DataArray:
    """The grid's share in these ratios."""
    error = result["error"].sel(arm=RIVALS) + result["error"].sel(arm="Lookahead")
    return of_lookahead(result) * error
