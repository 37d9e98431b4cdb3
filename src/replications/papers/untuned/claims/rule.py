"""The claims: about the schedules alone, and about training, predicted before the run."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import xarray as xr

from replications.core.claims import (
    INCONCLUSIVE,
    REPRODUCED,
    Band,
    Kind,
    at_least,
    claim,
)
from replications.core.estimates import Estimate, exact, paired
from replications.core.planted import scaled, shifted
from replications.papers.untuned.experiments.schedule import schedule
from replications.papers.untuned.experiments.trial import final, on_digits, on_translation

ALIKE = Band(-0.3, 0.3, "nats; a tenth of the 2.9 that there are to learn")
WORSE = at_least(0.3, "nats; more than what we call alike")
ALIKE_DIGITS = Band(-0.5, 0.5, "percentage points; 3 of the 597 new images")


def untrained(arm: str) -> Callable[[xr.Dataset], xr.Dataset]:
    """The mistake: an arm that stays where ignorance is, 2.9 nats or 90 % of errors."""
    return lambda r: r.assign(
        loss=r["loss"].where(r.arm != arm, 2.9), error=r["error"].where(r.arm != arm, 90.0)
    )


def trained(arm: str) -> Callable[[xr.Dataset], xr.Dataset]:
    """The mistake: an arm that has learned all there is."""
    return lambda r: r.assign(loss=r["loss"].where(r.arm != arm, 0.0))


_paper = partial(claim, kind=Kind.PAPER, place="abstract", cell="fig-rule")
_control = partial(claim, kind=Kind.CONTROL, place="not in the abstract", cell="fig-rule")


def _gap(result: xr.Dataset, arm: str, other: str, what: str = "loss") -> Estimate:
    how = f"{arm} - {other}, paired t over judging seeds"
    return paired(final(result, arm, what).values, final(result, other, what).values, how)


@_paper(on=on_translation, expect=ALIKE, verdict=INCONCLUSIVE, planted=untrained("linear"))
def untuned_linear(result: xr.Dataset) -> Estimate:
    """On the Transformer linear warm-up over 2/(1 - beta2) steps ends where RAdam does."""
    return _gap(result, "linear", "RAdam")


@_paper(on=on_translation, expect=ALIKE, verdict=INCONCLUSIVE, planted=untrained("exponential"))
def untuned_exponential(result: xr.Dataset) -> Estimate:
    """On the Transformer the exponential rule of thumb ends where RAdam does."""
    return _gap(result, "exponential", "RAdam")


@_control(on=on_translation, expect=WORSE, verdict=REPRODUCED, planted=trained("Adam"))
def untuned_none(result: xr.Dataset) -> Estimate:
    """On the Transformer no warm-up at all is worse than the rule: there is something to win."""
    return _gap(result, "Adam", "linear")


@_control(on=on_translation, expect=WORSE, verdict=REPRODUCED, planted=trained("short"))
def untuned_short(result: xr.Dataset) -> Estimate:
    """On the Transformer a warm-up ten times shorter is worse than the rule."""
    return _gap(result, "short", "linear")


@_control(on=on_translation, expect=WORSE, verdict=REPRODUCED, planted=trained("long"))
def untuned_long(result: xr.Dataset) -> Estimate:
    """On the Transformer a warm-up ten times longer, never finished, is worse than the rule."""
    return _gap(result, "long", "linear")


@_paper(on=on_digits, expect=ALIKE_DIGITS, verdict=REPRODUCED, planted=untrained("linear"))
def untuned_digits(result: xr.Dataset) -> Estimate:
    """On digits linear warm-up over 2/(1 - beta2) steps errs as often as RAdam."""
    return _gap(result, "linear", "RAdam", "error")


@_control(on=on_digits, expect=ALIKE_DIGITS, verdict=INCONCLUSIVE, planted=untrained("Adam"))
def untuned_digits_none(result: xr.Dataset) -> Estimate:
    """On digits Adam without warm-up errs as often as with the rule: it cannot tell them apart."""
    return _gap(result, "Adam", "linear", "error")


_exact = partial(claim, on=schedule, verdict=REPRODUCED, cell="fig-rule")
NEAR = Band(0.9, 1.1, "within a tenth, for what the documentation calls roughly equivalent")


@_exact(
    kind=Kind.PAPER,
    place="quoted in RAdam's issue 62",
    expect=Band(4, 4, "a count"),
    planted=shifted("momentum", 1),
)
def untuned_four_steps(result: xr.Dataset) -> Estimate:
    """RAdam is four steps of momentum, then Adam with a fixed warm-up: four at every beta2."""
    steps = result["momentum"].values
    return exact(steps[abs(steps - 4).argmax()], "the beta2 that is farthest from 4")


@_exact(kind=Kind.CONTROL, place="our question", expect=NEAR, planted=scaled("lost", 1.5))
def untuned_same_period(result: xr.Dataset) -> Estimate:
    """RAdam's own schedule costs as many full steps as the rule's, 1 / (1 - beta2)."""
    period = result["lost"].sel(arm="RAdam").values
    return exact(period[abs(period - 1).argmax()], "the beta2 that is farthest from 1")
