"""Claims about training: the Transformer with and without warm-up, and the controls.

The bands come from a study made before these runs, on other code, with four seeds and 400 steps.
They were committed after the records of these runs.
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
from replications.core.estimates import Estimate, mean, paired, proportion, ratio
from replications.core.planted import swap
from replications.papers.radam.experiments.translation import (
    TRAINED,
    controls,
    distance,
    final,
    shift,
    trained,
    translation,
)

AUDIT = "radam-audit"
_claim = partial(claim, on=translation, kind=Kind.PAPER, place="Figure 1", cell="fig-loss-curves")
_histogram = partial(claim, on=translation, kind=Kind.PAPER, cell="fig-distortion")
_control = partial(
    claim, on=controls, kind=Kind.CONTROL, place="our control", cell="fig-controls", page=AUDIT
)
_against_paper = partial(_control, on=(controls, translation))

STUCK = at_least(2.7, "knowing the frequencies only costs 2.876; the earlier study: 2.86 to 2.89")
LEARNS = Band(0.0, TRAINED, "0.9 nats below knowing the frequencies only")
SAME = Band(-0.1, 0.1, "0.1 nats: the paper's curves lie on one another")
A_TENTH = "0.3 nats: a tenth of what there is to learn"


def _final(result: xr.Dataset, arm: str) -> Estimate:
    return mean(final(result, arm).values, "mean of the last 50 losses, t over seeds")


def _gap(a: xr.DataArray, b: xr.DataArray) -> Estimate:
    names = f"{a['arm'].item()} - {b['arm'].item()}"
    return paired(a.values, b.values, f"{names}, paired t over seeds")


def _shift(result: xr.Dataset, arm: str) -> Estimate:
    return mean(shift(result, arm).values, "decades, t over seeds")


def _distance_ratio(result: xr.Dataset, a: str, b: str) -> Estimate:
    at_10 = [distance(result, arm).sel(look=10).values for arm in (a, b)]
    return ratio(at_10[0], at_10[1], f"{a} / {b}, paired t over seeds of the logarithm")


@_claim(expect=STUCK, verdict=REPRODUCED, planted=swap("arm", "Adam", "warm-up"))
def radam_adam_stuck(result: xr.Dataset) -> Estimate:
    """Without warm-up Adam leaves the Transformer at a loss of having learned nothing."""
    return _final(result, "Adam")


@_claim(expect=LEARNS, verdict=REPRODUCED, planted=swap("arm", "Adam", "warm-up"))
def radam_warmup_trains(result: xr.Dataset) -> Estimate:
    """With warm-up the Transformer trains."""
    return _final(result, "warm-up")


@_claim(expect=LEARNS, verdict=REPRODUCED, planted=swap("arm", "Adam", "RAdam"))
def radam_radam_trains(result: xr.Dataset) -> Estimate:
    """With RAdam the Transformer trains without warm-up."""
    return _final(result, "RAdam")


@_claim(expect=SAME, verdict=INCONCLUSIVE)
def radam_like_warmup(result: xr.Dataset) -> Estimate:
    """RAdam ends where Adam with warm-up does."""
    return _gap(final(result, "RAdam"), final(result, "warm-up"))


@_claim(
    expect=at_least(0.5, "most seeds; a mean loss until a first look, see How we judge"),
    verdict=INCONCLUSIVE,
)
def radam_2k_trains(result: xr.Dataset) -> Estimate:
    """Adam-2k (as the authors coded it) trains without warm-up (share of the seeds)."""
    found = trained(result, "Adam-2k")
    how = f"seeds with a final loss below {TRAINED:g} nats, Clopper-Pearson"
    return proportion(int(found.sum()), found.size, how)


@_claim(expect=at_least(0.3, A_TENTH), verdict=REPRODUCED, planted=swap("arm", "Adam", "Adam-eps"))
def radam_eps_between(result: xr.Dataset) -> Estimate:
    """Adam-eps is better than Adam."""
    return _gap(final(result, "Adam"), final(result, "Adam-eps"))


@_claim(
    expect=at_least(0.3, A_TENTH), verdict=REPRODUCED, planted=swap("arm", "warm-up", "Adam-eps")
)
def radam_eps_worse(result: xr.Dataset) -> Estimate:
    """Adam-eps is worse than warm-up."""
    return _gap(final(result, "Adam-eps"), final(result, "warm-up"))


@_histogram(
    place="Figure 2",
    expect=at_most(-3.0, "three decades; the earlier study: 3.4 to 3.8"),
    verdict=REPRODUCED,
    planted=swap("arm", "Adam", "warm-up"),
)
def radam_collapse(result: xr.Dataset) -> Estimate:
    """Without warm-up the gradients collapse within 10 updates: their median falls by decades."""
    return _shift(result, "Adam")


@_histogram(
    place="Figure 2",
    expect=at_least(3.0, "'several': 3; the earlier study: 3.7 to 6.1"),
    verdict=REPRODUCED,
    planted=swap("arm", "Adam", "warm-up"),
)
def radam_distortion_warmup(result: xr.Dataset) -> Estimate:
    """At iteration 10 the histogram is distorted several times more without warm-up than with
    (Wasserstein distance to iteration 1).
    """
    return _distance_ratio(result, "Adam", "warm-up")


@_histogram(
    place="Figure 3",
    expect=at_least(3.0, "'several': 3; the earlier study: 3.7 to 6.1"),
    verdict=REPRODUCED,
    planted=swap("arm", "Adam", "RAdam"),
)
def radam_distortion_radam(result: xr.Dataset) -> Estimate:
    """At iteration 10 the histogram is distorted several times more under Adam than under RAdam."""
    return _distance_ratio(result, "Adam", "RAdam")


@_control(expect=LEARNS, verdict=NOT_REPRODUCED)
def radam_2k_restarted(controls: xr.Dataset) -> Estimate:
    """A second moment that has seen many gradients is what Adam lacks: with 200 extra ones and the
    counter of m restarted the model trains.
    """
    return _final(controls, "Adam-2k restarted")


@_control(
    expect=LEARNS, verdict=REPRODUCED, planted=swap("arm", "uncorrected", "Adam-2k restarted")
)
def radam_uncorrected_trains(controls: xr.Dataset) -> Estimate:
    """Adam with its noisy second moment trains, if only the bias of m is left uncorrected."""
    return _final(controls, "uncorrected")


@_against_paper(expect=at_most(0.0, "any gain confirms it"), verdict=INCONCLUSIVE)
def radam_2k_adds(controls: xr.Dataset, translation: xr.Dataset) -> Estimate:
    """The 200 extra gradients of Adam-2k add something to small first steps (its loss minus that
    of uncorrected Adam is negative).
    """
    return _gap(final(translation, "Adam-2k"), final(controls, "uncorrected"))


@_control(expect=LEARNS, verdict=INCONCLUSIVE)
def radam_warmup_10(controls: xr.Dataset) -> Estimate:
    """Ten steps of warm-up are enough to train."""
    return _final(controls, "warm-up 10")


@_against_paper(expect=Band(-0.3, 0.3, A_TENTH), verdict=NOT_REPRODUCED)
def radam_untuned_warmup(controls: xr.Dataset, translation: xr.Dataset) -> Estimate:
    """The untuned warm-up over 2/(1-beta2) steps ends where RAdam does."""
    return _gap(final(controls, "warm-up 2000"), final(translation, "RAdam"))


@_control(
    expect=LEARNS, verdict=REPRODUCED, planted=swap("arm", "pre-LN Adam", "Adam-2k restarted")
)
def radam_pre_ln(controls: xr.Dataset) -> Estimate:
    """With the norms inside the branches (pre-LN) Adam needs no warm-up."""
    return _final(controls, "pre-LN Adam")
