"""Claims about the toy, where training is chaotic for large rates."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import xarray as xr

from replications.core.claims import REPRODUCED, Band, Kind, at_least, at_most, claim
from replications.core.estimates import Estimate, exact
from replications.core.planted import same, swap
from replications.papers.hypergradients.experiments.chaos import chaos, mse

_claim = partial(claim, on=chaos, kind=Kind.CONTROL, place="ours, predicted", cell="fig-chaos")


@_claim(
    expect=at_least(2.0, "an expansion of 5 % a step is enough for a factor of 100 in 100 steps"),
    verdict=REPRODUCED,
    planted=swap("place", 0.0, 0.75),
)
def hypergradients_chaos_explodes(result: xr.Dataset) -> Estimate:
    """Where rates are large (place 0.75) the exact derivative is over 100 times too long."""
    value = math.log10(float(result["explosion"].sel(place=0.75)))
    return exact(value, "log10 of the exact derivative's length over the smoothed slope's")


@_claim(
    expect=at_most(0.5, "3 / 50 where losses are smooth, and some noise of chaos"),
    verdict=REPRODUCED,
    planted=same("setting", "full ES 0.3", "reverse mode"),
)
def hypergradients_chaos_es(result: xr.Dataset) -> Estimate:
    """There, 50 pairs of full ES know the smoothed slope to a relative squared error of a half."""
    value = float(mse(result).sel(setting="full ES 0.3", place=0.75))
    doubt = 2 * float(result["doubt"].sel(place=0.75))
    how = "bias^2 + variance of 256 estimates, and the truth's own error"
    return exact(value, how, value * (0.3 + doubt))


@_claim(
    expect=Band(
        0.4, 0.9, "2/3 if every rate's effect lasts to the end; the schedule's weights move it"
    ),
    verdict=REPRODUCED,
    planted=same("setting", "PES 10", "full ES 0.3"),
)
def hypergradients_calm_pes(result: xr.Dataset) -> Estimate:
    """At the calm start, where all steps' losses count and effects last, PES has less variance than
    full ES.
    """
    at = result["variance"].sel(place=0.0)
    value = float(at.sel(setting="PES 10") / at.sel(setting="full ES 0.3"))
    return exact(value, "ratio of variances of 256 estimates, two standard errors", 0.2 * value)


@_claim(
    expect=at_least(0.5, "a window sees a fifth of effects that last over ten windows"),
    verdict=REPRODUCED,
    planted=same("setting", "truncated BPTT 10", "full ES 0.03"),
)
def hypergradients_calm_truncated(result: xr.Dataset) -> Estimate:
    """There, truncated backpropagation misses at least half of the hypergradient."""
    at = result.sel(place=0.0)
    value = float(np.sqrt(at["bias2"].sel(setting="truncated BPTT 10")))
    return exact(value, "relative bias", 2 * float(at["doubt"]))
