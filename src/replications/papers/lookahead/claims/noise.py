"""Claims about noise: the stationary variance, its limits, and the profile inside a loop."""

from __future__ import annotations

from functools import partial

import numpy as np
import xarray as xr

from replications.core.claims import (
    NOT_REPRODUCED,
    REPRODUCED,
    Band,
    Kind,
    at_least,
    at_most,
    claim,
)
from replications.core.estimates import Estimate, exact, mean, ratio
from replications.core.planted import same, scaled
from replications.papers.lookahead.experiments.inner_loop import inner_loop
from replications.papers.lookahead.experiments.stability import limit, stability
from replications.papers.lookahead.experiments.variance import (
    over_squared_noise,
    relative,
    scores,
    share_of_sgd,
    variance,
)

AUDIT = "lookahead-audit"
_variance = partial(claim, on=variance, cell="fig-variance-ratio", page=AUDIT)
_stability = partial(claim, on=stability, cell="fig-stability", page=AUDIT, kind=Kind.CONTROL)
SAME = Band(0.99, 1.01, "1 %: a wrong k or power of the noise moves it by far more")


def _squared_noise(result: xr.Dataset) -> xr.Dataset:
    """Sigma^2 where Sigma should stand."""
    return result.assign(theory=result["theory"] * result["noise_variance"])


def _no_step_back(result: xr.Dataset) -> xr.Dataset:
    """The slow weights are never pulled: the chains are those of SGD."""
    return result.assign(measured=result["sgd_measured"].broadcast_like(result["measured"]))


@_variance(
    kind=Kind.PAPER, place="Proposition 2", expect=SAME, verdict=REPRODUCED, planted=_squared_noise
)
def lookahead_variance_formula(result: xr.Dataset) -> Estimate:
    """The slow weights' variance settles at the fixed point that the paper derives."""
    found = relative(result)
    return mean(found.values.ravel(), f"simulated / predicted over {found.size} settings")


@_variance(
    kind=Kind.PAPER,
    place="Proposition 2",
    expect=Band(0.0, 3.5, "96 normal numbers stay below it 19 times of 20"),
    verdict=REPRODUCED,
    planted=scaled("theory", 1.02),
)
def lookahead_variance_each(result: xr.Dataset) -> Estimate:
    """The fixed point holds at every setting by itself, so that errors cannot cancel."""
    z = abs(scores(result))
    return exact(z.max().item(), f"largest of {z.size} differences, in standard errors")


@_variance(
    kind=Kind.PAPER,
    place="after Proposition 2",
    tier="quick",
    expect=at_most(1.0, "any value below 1 confirms it"),
    verdict=REPRODUCED,
    planted=_no_step_back,
)
def lookahead_variance_smaller(result: xr.Dataset) -> Estimate:
    """At the same learning rate Lookahead's variance is smaller than that of SGD."""
    shares = share_of_sgd(result)
    error = 4 * np.sqrt(4 / result["chains"].item())  # of a ratio of two variances
    how = f"largest of {shares.size} settings, 4 standard errors"
    return exact(shares.max().item(), how, error)


@claim(
    on=inner_loop,
    cell="fig-inner-loop",
    kind=Kind.PAPER,
    place="figure 10, here on the noisy quadratic",
    expect=at_least(1.1, "10 % more variance would be seen as a tooth"),
    verdict=REPRODUCED,
    planted=same("step", 5, 0),
)
def lookahead_inner_sawtooth(result: xr.Dataset) -> Estimate:
    """Inside a loop the fast weights get worse."""
    blocks = result["measured"].sel(x=0.3)
    how = "last fast over slow weights at x = 0.3, 20 blocks of chains"
    return ratio(blocks.isel(step=-1).values, blocks.sel(step=0).values, how)


@_stability(
    place="Proposition 2, beyond its condition",
    expect=at_most(5e-4, "the grid of learning rates on which the limit is sought"),
    verdict=REPRODUCED,
    planted=lambda result: result.assign(limit_theory=xr.full_like(result["limit_theory"], 2.0)),
)
def lookahead_limit_formula(result: xr.Dataset) -> Estimate:
    """Lookahead is stable up to 2 / L for even k and up to (1 + (2 / alpha - 1)^(1/k)) / L for odd
    k.
    """
    gap = abs(result["limit"] - result["limit_theory"]).max().item()
    return exact(gap, "largest distance of four limits from the formula")


@_stability(
    place="Proposition 2, its condition, with alpha = 0.5 and k = 5",
    expect=Band(1.999, 2.001, "the grid of learning rates, twice"),
    verdict=NOT_REPRODUCED,
)
def lookahead_limit_necessary(result: xr.Dataset) -> Estimate:
    """The condition that the learning rate lie below 2 / L is also necessary."""
    found = limit(result, alpha=0.5, k=5).item()
    return exact(found, "where a run without noise stops shrinking", result["resolution"].item())


@_variance(
    kind=Kind.BLOG, place="formula of V_SGD", tier="quick", expect=SAME, verdict=NOT_REPRODUCED
)
def lookahead_blog_sgd_variance(result: xr.Dataset) -> Estimate:
    """The variance of SGD grows with the square of Sigma, itself defined as a variance."""
    value = over_squared_noise(result).item()
    error = 4 * value * np.sqrt(2 / result["chains"].item())
    return exact(value, "simulated / printed at noise variance 4, 4 standard errors", error)
