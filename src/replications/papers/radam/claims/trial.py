"""Claims of the deciding experiments: the matched trial, tuned runs, the scale of the loss, and
the learning rate's range on a network with norms and skips.

Sentences, bands and reasons were written down before the first run.
"""

from __future__ import annotations

from functools import partial

import xarray as xr

from replications.core.claims import (
    INCONCLUSIVE,
    NOT_REPRODUCED,
    REPRODUCED,
    Kind,
    at_least,
    claim,
)
from replications.core.estimates import Estimate, paired
from replications.core.planted import swap
from replications.papers.radam.experiments.matched import last, matched, success

_matched = partial(
    claim, on=matched, kind=Kind.CONTROL, place="our control", cell="fig-matched-trial"
)

MOST = at_least(0.5, "most seeds")
A_TENTH = at_least(0.3, "0.3 nats: a tenth of what there is to learn")


def _gain(result: xr.Dataset, worse: str, better: str) -> Estimate:
    how = f"final loss, {worse} - {better}, paired t over seeds"
    return paired(last(result, worse).values, last(result, better).values, how)


@_matched(kind=Kind.PAPER, place="section 3, the hypothesis", expect=MOST, verdict=NOT_REPRODUCED)
def radam_matched_low_variance(result: xr.Dataset) -> Estimate:
    """Too few gradients behind the second moment are what makes warm-up necessary: with 200 behind
    it, and steps of Adam's own lengths, most seeds train.
    """
    return success(result, "full 200")


@_matched(expect=MOST, verdict=REPRODUCED, planted=swap("arm", "short 1", "full 1"))
def radam_matched_short_steps(result: xr.Dataset) -> Estimate:
    """Short first steps are enough: with a single gradient behind the second moment, most seeds
    train.
    """
    return success(result, "short 1")


@_matched(
    kind=Kind.PAPER, place="section 3, the hypothesis", expect=A_TENTH, verdict=NOT_REPRODUCED
)
def radam_matched_dose(result: xr.Dataset) -> Estimate:
    """At Adam's own lengths of the steps, 200 gradients behind the second moment lower the final
    loss against one.
    """
    return _gain(result, "full 1", "full 200")


@_matched(expect=A_TENTH, verdict=NOT_REPRODUCED)
def radam_matched_dose_short(result: xr.Dataset) -> Estimate:
    """At the lengths of warm-up's steps, 200 gradients behind the second moment lower the final
    loss against one.
    """
    return _gain(result, "short 1", "short 200")


@_matched(
    expect=MOST,
    verdict=REPRODUCED,
    planted=swap("arm", "restart, usual steps", "full 1"),
)
def radam_reset_usual(result: xr.Dataset) -> Estimate:
    """A healthy run does not need its second moment: thrown away at step 100, with steps as long
    as before, most seeds train.
    """
    return success(result, "restart, usual steps")


@_matched(expect=MOST, verdict=INCONCLUSIVE)
def radam_reset_full(result: xr.Dataset) -> Estimate:
    """A healthy run survives a restart of Adam with full steps at step 100 (most seeds)."""
    return success(result, "restart")
