"""Learning rate times momentum on the digits: SGD, Lookahead, and Lookahead's two rivals.

Neighbouring learning rates differ by a factor of 2 = 1 / alpha, so that the first rival, SGD at
alpha times the learning rate, is the next row of SGD's own map. The second is an exponential moving
average of SGD's weights, which watches the run and never touches it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from replications.core.experiment import experiment, quantity
from replications.papers.lookahead.training import Digits, Ensemble, epochs


@dataclass(frozen=True)
class Config:
    """The grid of figure 8, widened until SGD fails at one end."""

    lr: tuple[float, ...] = (0.00625, 0.0125, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
    """Figure 8 has 0.1, 0.2, 0.3 for a ResNet. The first is only there as the next one's half."""
    momentum: tuple[float, ...] = (0.0, 0.5, 0.9, 0.95, 0.98)
    """Figure 8 has 0.9, 0.95, 0.98."""
    alpha: float = 0.5
    """As in figure 8."""
    k: int = 5
    """As in figure 8."""
    averages: tuple[float, ...] = (0.9, 0.97, 0.99)
    """Ours: shares of the old average that a step keeps; it remembers 10, 33 and 100 steps."""
    batch: int = 32
    """Ours: 40 steps in an epoch."""
    epochs: int = 20
    """Ours: the loss no longer falls after it at good settings."""
    label_noise: float = 0.0
    """Share of training labels drawn at random; the paper has none."""
    seeds: int = 3
    """Seeds 0, 1, ...: split, initial weights and batches, common to all settings."""


SGD, HALF, LOOKAHEAD = "SGD", "SGD at half the lr", "Lookahead"


def averaged(keep: float, arm: str = HALF) -> str:
    """The name of an arm's average."""
    return f"{arm}, average {keep:g}"


class Averaged(Ensemble):
    """An ensemble with averages of its weights, which start at the initial ones.

    Args:
        averages: shares of the old average that a step keeps.
    """

    def __init__(self, averages: Sequence[float], params: list[Tensor], *settings: Any) -> None:
        super().__init__(params, *settings)
        self.averages = {keep: [p.clone() for p in params] for keep in averages}

    def step(self, grads: list[Tensor]) -> None:
        """One step, then one of every average."""
        super().step(grads)
        for keep, average in self.averages.items():
            torch._foreach_lerp_(average, self.params, 1 - keep)


def train_maps(config: Config) -> xr.Dataset:
    """Train all settings and seeds of a method at once."""
    if any(b != a / config.alpha for a, b in zip(config.lr, config.lr[1:], strict=False)):
        raise ValueError(f"lr must grow by 1/alpha = {1 / config.alpha:g}, got {config.lr}")
    if config.epochs % 10:
        raise ValueError(f"epochs must be a multiple of 10, got {config.epochs}")
    rates, momentum = np.array(config.lr), np.array(config.momentum)
    decays = [tenths * config.epochs // 10 for tenths in (3, 6, 8)]

    def maps(lr: np.ndarray, k: int | None, averages: Sequence[float] = ()) -> list[np.ndarray]:
        """Loss before the first decay and accuracy at the end, then those of each average."""
        shape = (len(lr), len(momentum), config.seeds)
        data = Digits(config.seeds, config.batch, config.label_noise)
        ensemble = Averaged(
            averages,
            data.start(len(lr) * len(momentum)),
            np.broadcast_to(lr[:, None, None], shape).ravel(),
            np.broadcast_to(momentum[:, None], shape).ravel(),
            k,
            config.alpha,
        )
        weights = [ensemble.slow, *ensemble.averages.values()]
        for epoch in epochs(data, ensemble, config.epochs, decays):
            if epoch == decays[0]:
                early = [data.train_loss(w).reshape(shape) for w in weights]
        final = [data.test_accuracy(w).reshape(shape) for w in weights]
        return [np.stack(both) for both in zip(early, final, strict=True)]

    alone = dict(zip((None, *config.averages), maps(rates, None, config.averages), strict=True))
    arms = {SGD: alone[None][:, 1:], HALF: alone[None][:, :-1]}
    (arms[LOOKAHEAD],) = maps(rates[1:], config.k)
    for keep in config.averages:
        arms[averaged(keep, SGD)] = alone[keep][:, 1:]
        arms[averaged(keep)] = alone[keep][:, :-1]
    loss, accuracy = np.stack(list(arms.values()), axis=1)
    dims = ("arm", "lr", "momentum", "seed")
    return xr.Dataset(
        {
            "loss": (
                dims,
                loss,
                {"long_name": "training loss before the first decay", "units": "nats"},
            ),
            "accuracy": (dims, accuracy, {"long_name": "test accuracy at the end", "units": "%"}),
        },
        coords={
            "arm": list(arms),
            "lr": ("lr", rates[1:], {"long_name": "learning rate"}),
            "momentum": momentum,
            "seed": np.arange(config.seeds),
        },
    )


LIVE = Config(lr=(0.0125, 0.025, 0.05, 0.1), momentum=(0.0, 0.9), seeds=2)
"""The gentle part of the map, where rounding does not grow: the record must come out again."""
STRESS = Config(
    lr=(0.025, 0.05, 0.1, 0.2, 0.4, 0.8),
    momentum=(0.0, 0.9),
    batch=8,
    epochs=10,
    label_noise=0.2,
    seeds=2,
)
"""Where noise rules: batches of 8, and a fifth of the labels drawn at random."""

digits = experiment("digits", quick=LIVE, full=Config(seeds=40))(train_maps)
stress = experiment("stress", quick=STRESS, full=replace(STRESS, seeds=20))(train_maps)


@quantity
def gain(result: xr.Dataset, over: str = "SGD", arm: str = "Lookahead") -> xr.DataArray:
    """Percentage points that an arm gets more right than another, by lr, momentum and seed."""
    return result["accuracy"].sel(arm=arm) - result["accuracy"].sel(arm=over)


@quantity
def figure_8(array: xr.DataArray) -> xr.DataArray:
    """The part of a map that stands for figure 8: lr 0.1, 0.2, 0.4; momentum 0.9, 0.95, 0.98."""
    return array.sel(lr=[0.1, 0.2, 0.4], momentum=[0.9, 0.95, 0.98])


@quantity
def gain_8(result: xr.Dataset, arm: str = "Lookahead") -> xr.DataArray:
    """Percentage points over SGD at the same rate, mean of figure 8's settings and seeds."""
    return figure_8(gain(result, arm=arm)).mean()


@quantity
def capped_loss(result: xr.Dataset) -> xr.DataArray:
    """Training loss before the first decay; one that has diverged counts as guessing, log 10."""
    return result["loss"].clip(max=math.log(10))


@quantity
def log_loss(result: xr.Dataset) -> xr.DataArray:
    """log10 of the capped loss."""
    loss = capped_loss(result)
    return loss.copy(data=np.log10(loss.values))


@quantity
def log_loss_gap(result: xr.Dataset, over: str = "SGD", arm: str = "Lookahead") -> xr.DataArray:
    """log10 of the training loss, one arm - another, at figure 8's settings, by seed."""
    loss = figure_8(log_loss(result))
    return loss.sel(arm=arm) - loss.sel(arm=over)


@quantity
def times_lower(
    result: xr.Dataset, than: str, arm: str = LOOKAHEAD, momentum: float | None = None
) -> float:
    """Geometric mean of one arm's training loss over another's, at figure 8's settings."""
    gap = log_loss_gap(result, over=than, arm=arm)
    return float(10 ** -(gap if momentum is None else gap.sel(momentum=momentum)).mean())


@quantity
def loss_of_seed(result: xr.Dataset, arm: str) -> xr.DataArray:
    """Geometric mean of an arm's training losses at figure 8's settings, by seed."""
    return 10 ** figure_8(log_loss(result)).sel(arm=arm).mean(("lr", "momentum"))


@quantity
def explained(result: xr.Dataset, arm: str) -> xr.DataArray:
    """The share of Lookahead's log loss gap to SGD that another arm has, too, by seed."""
    ours, theirs = (
        log_loss_gap(result, arm=one).mean(("lr", "momentum")) for one in (LOOKAHEAD, arm)
    )
    return theirs / ours


@quantity
def explained_without_one(result: xr.Dataset, arm: str) -> tuple[float, float]:
    """The least and the largest such share if any one of the nine settings is left out."""
    ours, theirs = (
        log_loss_gap(result, arm=one).mean("seed").stack(cell=("lr", "momentum"))
        for one in (LOOKAHEAD, arm)
    )
    shares = (theirs.sum() - theirs) / (ours.sum() - ours)
    return float(shares.min()), float(shares.max())


@quantity
def explained_by_averages(result: xr.Dataset) -> tuple[float, float]:
    """The least and the largest share that half the rate has with any of the averages."""
    arms = [a for a in result["arm"].values.tolist() if a.startswith(f"{HALF}, average")]
    shares = [float(explained(result, arm).mean()) for arm in arms]
    return min(shares), max(shares)


@quantity
def too_high(result: xr.Dataset) -> int:
    """At how many of figure 8's settings half the rate reaches a lower training loss."""
    return int((log_loss_gap(result, arm=HALF).mean("seed") < 0).sum())


@quantity
def at_good_rate(result: xr.Dataset, arm: str) -> xr.DataArray:
    """Percentage points over SGD where its rate is good, lr 0.1 with momentum 0.9, by seed."""
    return gain(result, arm=arm).sel(lr=0.1, momentum=0.9)


@quantity
def losing_settings(result: xr.Dataset) -> int:
    """At how many settings Lookahead's mean accuracy is below SGD's at the same rate."""
    return int((gain(result).mean("seed") < 0).sum())


@quantity
def without_setting(points: xr.DataArray, lr: float, momentum: float) -> xr.DataArray:
    """A map of points without one setting, by seed, mean of the others."""
    rest = (points["lr"] != lr) | (points["momentum"] != momentum)
    return points.where(rest).mean(("lr", "momentum"))


@quantity
def spread(result: xr.Dataset, arm: str) -> xr.DataArray:
    """Decades between the largest and the smallest loss of figure 8's settings, by seed."""
    loss = figure_8(log_loss(result)).sel(arm=arm)
    return loss.max(("lr", "momentum")) - loss.min(("lr", "momentum"))


@quantity
def doublings(result: xr.Dataset, good: float = 90.0, arm: str = LOOKAHEAD) -> xr.DataArray:
    """How many times the rate doubles from SGD's largest good one to another arm's.

    Args:
        result: maps whose learning rates double from row to row.
        good: test accuracy in percent from which a run counts as one that worked.
        arm: the other.

    Returns:
        By momentum and seed.
    """
    works = result["accuracy"] >= good
    row = xr.DataArray(np.arange(1, result.sizes["lr"] + 1), dims="lr")
    largest = (works * row).max("lr")
    return largest.sel(arm=arm) - largest.sel(arm=SGD)


@quantity
def good_share(result: xr.Dataset, arm: str) -> xr.DataArray:
    """Percent of the map within one point of the arm's own best there, by seed."""
    accuracy = result["accuracy"].sel(arm=arm)
    best = accuracy.max(("lr", "momentum"))
    return 100 * (accuracy >= best - 1).mean(("lr", "momentum"))


@quantity
def apart_from_record(live: xr.Dataset, record: xr.Dataset) -> xr.DataArray:
    """Largest difference in accuracy of the same run, live and recorded, in points."""
    settings = {name: live[name] for name in ("arm", "lr", "momentum", "seed")}
    return abs(live["accuracy"] - record["accuracy"].sel(settings)).max()
