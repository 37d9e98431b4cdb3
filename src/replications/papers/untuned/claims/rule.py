"""The claims: about the schedules alone, and about training, predicted before the run."""

from __future__ import annotations

from functools import partial

import xarray as xr

from replications.core.claims import INCONCLUSIVE, REPRODUCED, Band, Kind, at_least, claim
from replications.core.estimates import Estimate, exact, paired
from replications.core.planted import same, scaled, shifted
from replications.papers.untuned.experiments.schedule import schedule
from replications.papers.untuned.experiments.trial import on_digits, on_translation

ALIKE = Band(-0.3, 0.3, "nats; a tenth of the 2.9 that there are to learn")
WORSE = at_least(0.3, "nats; more than what we call alike")
ALIKE_DIGITS = Band(-0.5, 0.5, "percentage points; 3 of the 597 new images")
NEAR = Band(0.9, 1.1, "within a tenth, for what the documentation calls roughly equivalent")

_paper = partial(claim, kind=Kind.PAPER, place="abstract", cell="fig-rule")
_control = partial(claim, kind=Kind.CONTROL, place="not in the abstract", cell="fig-rule")
_worse = partial(_control, on=on_translation, expect=WORSE, verdict=REPRODUCED)


def _untrained(result: xr.Dataset) -> xr.Dataset:
    """The mistake: linear warm-up leaves all weights where they are; 90 % of errors."""
    return result.assign(error=result["error"].where(result["arm"] != "linear", 90.0))


def _gap(result: xr.Dataset, arm: str, other: str, what: str = "loss") -> Estimate:
    first, second = (result[what].sel(arm=each).values for each in (arm, other))
    return paired(first, second, f"{arm} - {other}, paired t over judging seeds")


@_paper(on=on_translation, expect=ALIKE, verdict=INCONCLUSIVE)
def untuned_linear(result: xr.Dataset) -> Estimate:
    """On the Transformer linear warm-up over 2/(1 - beta2) steps ends where RAdam does."""
    return _gap(result, "linear", "RAdam")


@_paper(on=on_translation, expect=ALIKE, verdict=INCONCLUSIVE)
def untuned_exponential(result: xr.Dataset) -> Estimate:
    """On the Transformer the exponential rule of thumb ends where RAdam does."""
    return _gap(result, "exponential", "RAdam")


@_worse(planted=same("arm", "Adam", "linear"))
def untuned_none(result: xr.Dataset) -> Estimate:
    """On the Transformer no warm-up at all is worse than the rule: there is something to win."""
    return _gap(result, "Adam", "linear")


@_worse(planted=same("arm", "short", "linear"))
def untuned_short(result: xr.Dataset) -> Estimate:
    """On the Transformer a warm-up ten times shorter is worse than the rule."""
    return _gap(result, "short", "linear")


@_worse(planted=same("arm", "long", "linear"))
def untuned_long(result: xr.Dataset) -> Estimate:
    """On the Transformer a warm-up ten times longer, never finished, is worse than the rule."""
    return _gap(result, "long", "linear")


@_paper(on=on_digits, expect=ALIKE_DIGITS, verdict=REPRODUCED, planted=_untrained)
def untuned_digits(result: xr.Dataset) -> Estimate:
    """On digits linear warm-up over 2/(1 - beta2) steps errs as often as RAdam."""
    return _gap(result, "linear", "RAdam", "error")


@_control(on=on_digits, expect=ALIKE_DIGITS, verdict=INCONCLUSIVE)
def untuned_digits_none(result: xr.Dataset) -> Estimate:
    """On digits Adam without warm-up errs as often as with the rule: it cannot tell them apart."""
    return _gap(result, "Adam", "linear", "error")


_exact = partial(claim, on=schedule, verdict=REPRODUCED, cell="fig-rule")
FOUR = Band(4, 4, "a count")
ISSUE = "quoted in RAdam's issue 62"


@_exact(kind=Kind.PAPER, place=ISSUE, expect=FOUR, planted=shifted("momentum", 1))
def untuned_four_steps(result: xr.Dataset) -> Estimate:
    """RAdam is four steps of momentum, then Adam with a fixed warm-up: four at each beta2 tried."""
    steps = result["momentum"].values
    return exact(steps[abs(steps - 4).argmax()], "the beta2 that is farthest from 4")


@_exact(kind=Kind.CONTROL, place="our question", expect=NEAR, planted=scaled("lost", 1.5))
def untuned_same_period(result: xr.Dataset) -> Estimate:
    """RAdam's own schedule costs as many full steps as the rule's, 1 / (1 - beta2)."""
    period = result["lost"].sel(arm="RAdam").values
    return exact(period[abs(period - 1).argmax()], "the beta2 that is farthest from 1")
