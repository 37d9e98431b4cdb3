"""Claims about the schedules alone."""

from __future__ import annotations

import xarray as xr

from replications.core.claims import REPRODUCED, Band, Kind, claim
from replications.core.estimates import Estimate, exact
from replications.core.planted import scaled, shifted
from replications.papers.untuned.experiments.schedule import schedule


@claim(
    on=schedule,
    kind=Kind.PAPER,
    place="quoted in RAdam's issue 62",
    expect=Band(4, 4, "a count"),
    verdict=REPRODUCED,
    cell="fig-rule",
    planted=shifted("momentum", 1),
)
def untuned_four_steps(result: xr.Dataset) -> Estimate:
    """RAdam is four steps of momentum, then Adam with a fixed warm-up: four at every beta2."""
    steps = result["momentum"]
    return exact(float(steps[abs(steps - 4).argmax()]), "the beta2 that is farthest from 4")


@claim(
    on=schedule,
    kind=Kind.CONTROL,
    place="our question",
    expect=Band(0.9, 1.1, "within a tenth, for what the documentation calls roughly equivalent"),
    verdict=REPRODUCED,
    cell="fig-rule",
    planted=scaled("lost", 1.5),
)
def untuned_same_period(result: xr.Dataset) -> Estimate:
    """RAdam's own schedule costs as many full steps as the rule's, 1 / (1 - beta2)."""
    period = result["lost"].sel(arm="RAdam")
    return exact(float(period[abs(period - 1).argmax()]), "the beta2 that is farthest from 1")
