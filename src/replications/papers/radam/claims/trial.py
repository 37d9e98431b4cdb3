"""Claims of the deciding experiments: the matched trial, tuned runs, the scale of the loss, and
the learning rate's range on a network with norms and skips.

Bands, reasons and sentences were written down before the first run; the sentences on resets and
on scaled losses were made more exact after it, with the same measures.
"""

from __future__ import annotations

from functools import partial

import xarray as xr

from replications.core.claims import (
    INCONCLUSIVE,
    NOT_REPRODUCED,
    REPRODUCED,
    Band,
    Kind,
    at_least,
    at_most,
    claim,
)
from replications.core.estimates import Estimate, mean, paired
from replications.core.planted import swap
from replications.papers.radam.experiments.matched import last, matched, success
from replications.papers.radam.experiments.robust import robust
from replications.papers.radam.experiments.scale import scale
from replications.papers.radam.experiments.sensitivity import spread
from replications.papers.radam.experiments.translation import final
from replications.papers.radam.experiments.tuned import at_best, best_warmup, tuned

_matched = partial(
    claim, on=matched, kind=Kind.CONTROL, place="our control", cell="fig-matched-trial"
)
_tuned = partial(claim, on=tuned, cell="fig-tuned")
_scale = partial(
    claim, on=scale, kind=Kind.CONTROL, place="our control", cell="fig-scale-of-the-loss"
)
_robust = partial(claim, on=robust, kind=Kind.PAPER, place="Figure 6", cell="fig-robust")

MOST = at_least(0.5, "most seeds")
A_TENTH = at_least(0.3, "0.3 nats: a tenth of what there is to learn")
SAME = Band(-0.3, 0.3, "0.3 nats: a tenth of what there is to learn")


def _gain(result: xr.Dataset, worse: str, better: str) -> Estimate:
    how = f"final loss, {worse} - {better}, paired t over seeds"
    return paired(last(result, worse).values, last(result, better).values, how)


@_matched(kind=Kind.PAPER, place="section 3, the hypothesis", expect=MOST, verdict=NOT_REPRODUCED)
def radam_matched_low_variance(result: xr.Dataset) -> Estimate:
    """Too few gradients behind the second moment are what makes warm-up necessary: with 200 behind
    it, and steps of Adam's own lengths, most seeds train.
    """
    return success(result, "full 200")


@_matched(expect=MOST, verdict=NOT_REPRODUCED)
def radam_matched_tensors(result: xr.Dataset) -> Estimate:
    """With 200 gradients behind the second moment, and steps of Adam's own lengths in every tensor
    of weights, most seeds train.
    """
    return success(result, "full 200, by tensor")


@_matched(expect=MOST, verdict=REPRODUCED, planted=swap("arm", "short 1", "full 1"))
def radam_matched_short_steps(result: xr.Dataset) -> Estimate:
    """Short first steps are enough: with a single gradient behind the second moment, most seeds
    train.
    """
    return success(result, "short 1")


@_matched(expect=A_TENTH, verdict=NOT_REPRODUCED)
def radam_matched_dose(result: xr.Dataset) -> Estimate:
    """At Adam's own lengths of the steps, 200 gradients behind the second moment lower the final
    loss against one.
    """
    return _gain(result, "full 1", "full 200")


@_matched(expect=A_TENTH, verdict=INCONCLUSIVE)
def radam_matched_dose_short(result: xr.Dataset) -> Estimate:
    """At the lengths of warm-up's steps, 200 gradients behind the second moment lower the final
    loss against one.
    """
    return _gain(result, "short 1", "short 200")


@_matched(expect=MOST, verdict=REPRODUCED, planted=swap("arm", "restart, usual steps", "full 1"))
def radam_reset_usual(result: xr.Dataset) -> Estimate:
    """With both moments thrown away at step 100 of warm-up's run, and steps as long as before, most
    seeds still end below 2 nats.
    """
    return success(result, "restart, usual steps")


@_matched(expect=MOST, verdict=INCONCLUSIVE)
def radam_reset_full(result: xr.Dataset) -> Estimate:
    """With both moments thrown away at step 100 of warm-up's run, and Adam's full restarting steps,
    most seeds still end below 2 nats.
    """
    return success(result, "restart")


def _tuned_gap(result: xr.Dataset, a: str, b: str) -> Estimate:
    how = f"{a} - {b}, each at the rate chosen on another seed, paired t over seeds"
    return paired(at_best(result, a).values, at_best(result, b).values, how)


@_tuned(
    kind=Kind.PAPER,
    place="Figure 4, Table 1",
    expect=at_most(0.0, "any gain confirms it"),
    verdict=INCONCLUSIVE,
)
def radam_tuned_adam(result: xr.Dataset) -> Estimate:
    """RAdam beats Adam, also where each has its own best learning rate (post-LN Transformer)."""
    return _tuned_gap(result, "RAdam", "Adam")


@_tuned(
    kind=Kind.PAPER,
    place="Table 2",
    expect=Band(-0.1, 0.1, "0.1 nats, as where both have the same rate"),
    verdict=INCONCLUSIVE,
)
def radam_tuned_warmup(result: xr.Dataset) -> Estimate:
    """RAdam ends where the best of three warm-ups does, each at its own best learning rate."""
    return _tuned_gap(result, "RAdam", best_warmup(result))


@_tuned(
    kind=Kind.CONTROL,
    place="our control",
    expect=at_most(0.0, "any gain confirms it"),
    verdict=INCONCLUSIVE,
)
def radam_tuned_pre_ln(result: xr.Dataset) -> Estimate:
    """On the pre-LN Transformer, too, RAdam beats Adam, each at its own best learning rate."""
    return _tuned_gap(result, "pre-LN RAdam", "pre-LN Adam")


def _scale_gap(result: xr.Dataset, below: str, factor: str) -> Estimate:
    a, b = f"{below} x {factor}", f"{below} x 1"
    how = f"final loss, {a} - {b}, paired t over seeds"
    return paired(final(result, a).values, final(result, b).values, how)


@_scale(expect=SAME, verdict=NOT_REPRODUCED)
def radam_scale_hundred(result: xr.Dataset) -> Estimate:
    """RAdam with momentum steps first (five, as in the public codes) trains as well on a loss times
    100.
    """
    return _scale_gap(result, "momentum", "100")


@_scale(expect=SAME, verdict=REPRODUCED, planted=swap("arm", "momentum x 0.01", "momentum x 100"))
def radam_scale_hundredth(result: xr.Dataset) -> Estimate:
    """RAdam with momentum steps first (five, as in the public codes) trains as well on a loss times
    0.01.
    """
    return _scale_gap(result, "momentum", "0.01")


@_scale(expect=SAME, verdict=REPRODUCED, planted=swap("arm", "skip x 100", "momentum x 100"))
def radam_scale_skip(result: xr.Dataset) -> Estimate:
    """RAdam that skips its first five steps trains as well on a loss times 100."""
    return _scale_gap(result, "skip", "100")


@_robust(
    expect=Band(0.0, 0.02, "2 points: the paper's curves 'highly overlap'"), verdict=NOT_REPRODUCED
)
def radam_robust_resnet(result: xr.Dataset) -> Estimate:
    """RAdam reaches the same accuracy from learning rates 0.1 to 0.003 (a residual network with
    batch norm, 570 steps).
    """
    return mean(spread(result, "RAdam").values, "best - worst rate of a seed, t over seeds")


@_robust(expect=at_least(0.0, "any difference confirms it"), verdict=NOT_REPRODUCED)
def radam_robust_against_adam(result: xr.Dataset) -> Estimate:
    """From 0.1 to 0.003 Adam's accuracy depends on the learning rate more than RAdam's (the same
    network).
    """
    how = "best - worst rate, Adam - RAdam, paired t over seeds"
    return paired(spread(result, "Adam").values, spread(result, "RAdam").values, how)
