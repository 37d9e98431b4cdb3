"""Claims about speed: equal risk, decay and averaging, momentum, the slow step, and misprints."""

from __future__ import annotations

from functools import partial

import xarray as xr

from replications.core.claims import (
    INCONCLUSIVE,
    NOT_REPRODUCED,
    REPRODUCED,
    Kind,
    at_least,
    at_most,
    claim,
)
from replications.core.estimates import Estimate, exact
from replications.core.planted import same, swap
from replications.papers.lookahead.experiments.controls import (
    controls,
    of_lookahead,
    of_lookahead_error,
    of_sgd,
    sensitivity,
)
from replications.papers.lookahead.experiments.convergence import (
    below_sgd,
    broad,
    convergence,
    loss_ratio,
)
from replications.papers.lookahead.experiments.errata import deviation, errata
from replications.papers.lookahead.experiments.momentum import gain, momentum, under_damped
from replications.papers.lookahead.experiments.slow_step import even, relative_error, slow_step

AUDIT = "lookahead-audit"
FIGURE_3 = "figure 3, from memory; ours: 100 curvatures 1 / i"
FIGURE_4 = "figure 4, from memory; ours"
LESS = at_most(1.0, "any value below 1 confirms it")
ROUNDING = at_most(1e-8, "rounding of float64, magnified by ill-conditioned problems")
CLOSED = 1e-9
"""Numerical error of the closed forms, generously."""
GRID = "error of the rates' grid"


def _lookahead_is_sgd(result: xr.Dataset) -> xr.Dataset:
    """Lookahead was never run: its losses are those of SGD at the same risk."""
    return result.assign(lookahead=result["sgd"].broadcast_like(result["lookahead"]))


_equal_risk = partial(
    claim,
    on=convergence,
    cell="equal-risk-gains-a-little",
    page=AUDIT,
    kind=Kind.PAPER,
    place=FIGURE_3,
)
HALF_OF_THE_RISKS = at_least(5, "most of the nine; changed, see How we judge")


def _broad(result: xr.Dataset, bar: float) -> Estimate:
    """At how many risks half of all alphas end below SGD by more than a bar."""
    how = "risks of nine at which half of 99 alphas do"
    return exact(broad(result, bar), how)


@_equal_risk(
    expect=at_most(0.99, "1 % less loss, the least that a plot would show"),
    verdict=REPRODUCED,
    planted=_lookahead_is_sgd,
)
def lookahead_equal_risk(result: xr.Dataset) -> Estimate:
    """Among settings that end at the same risk, some of Lookahead's get there faster."""
    least = loss_ratio(result).sel(curvatures=100).min().item()
    return exact(least, "ratio of losses, best of 99 alphas at nine risks", CLOSED)


@_equal_risk(expect=HALF_OF_THE_RISKS, verdict=REPRODUCED, planted=_lookahead_is_sgd)
def lookahead_equal_risk_broad(result: xr.Dataset) -> Estimate:
    """At most risks half of all alphas end below SGD."""
    return _broad(result, CLOSED)


@_equal_risk(kind=Kind.CONTROL, expect=HALF_OF_THE_RISKS, verdict=NOT_REPRODUCED)
def lookahead_equal_risk_broad_percent(result: xr.Dataset) -> Estimate:
    """At most risks half of all alphas end more than 1 % below SGD."""
    return _broad(result, 0.01)


@_equal_risk(kind=Kind.CONTROL, expect=HALF_OF_THE_RISKS, verdict=NOT_REPRODUCED)
def lookahead_equal_risk_default(result: xr.Dataset) -> Estimate:
    """At most risks alpha = 0.5 and k = 5 end more than 1 % below SGD."""
    return exact(
        int(below_sgd(result, 0.01).sel(alpha=0.5).sum()), "risks of nine at which they do"
    )


def _lookahead_adds_nothing(result: xr.Dataset) -> xr.Dataset:
    """Lookahead was never run: its arms are SGD, with a constant rate and in the decay."""
    arms = [
        arm if not arm.startswith("Lookahead") else "SGD, linear decay" if "decay" in arm else "SGD"
        for arm in result["arm"].values.tolist()
    ]
    return result.assign(loss=result["loss"].sel(arm=arms).assign_coords(arm=result["arm"]))


_controls = partial(
    claim, on=controls, cell="fig-verdict", kind=Kind.CONTROL, place=f"{FIGURE_3}, each at its best"
)


def _best_against(result: xr.Dataset, arm: str, decay: bool = False) -> Estimate:
    """Lookahead's lowest loss, with a constant rate or inside a decay, over that of an arm."""
    ours = [
        name
        for name in result["arm"].values.tolist()
        if name.startswith("Lookahead") and ("decay" in name) == decay
    ]
    best = result.sel(arm=ours).isel(result["loss"].sel(arm=ours).argmin(...))
    theirs = result.sel(arm=arm)
    found = (best["loss"] / theirs["loss"]).item()
    error = found * (best["error"] + theirs["error"]).item()
    return exact(found, f"lowest losses after 1000 steps, ratio; {GRID}", error)


@_controls(expect=LESS, verdict=REPRODUCED, planted=_lookahead_adds_nothing)
def lookahead_against_sgd(result: xr.Dataset) -> Estimate:
    """The best Lookahead with a constant learning rate beats the best SGD with one."""
    return _best_against(result, "SGD")


@_controls(expect=LESS, verdict=NOT_REPRODUCED)
def lookahead_against_decay(result: xr.Dataset) -> Estimate:
    """The best Lookahead with a constant learning rate beats SGD with a linear decay."""
    return _best_against(result, "SGD, linear decay")


@_controls(expect=LESS, verdict=REPRODUCED, planted=_lookahead_adds_nothing)
def lookahead_inside_decay(result: xr.Dataset) -> Estimate:
    """Inside the same linear decay Lookahead beats SGD."""
    return _best_against(result, "SGD, linear decay", decay=True)


@_controls(expect=LESS, verdict=NOT_REPRODUCED)
def lookahead_against_averaging(result: xr.Dataset) -> Estimate:
    """The best Lookahead with a constant learning rate beats an exponential average of SGD's
    iterates.
    """
    return _best_against(result, "SGD, averaged")


_sensitivity = partial(
    claim, on=sensitivity, cell="fig-sensitivity", kind=Kind.CONTROL, place=f"{FIGURE_3}, varied"
)


@_sensitivity(expect=LESS, verdict=REPRODUCED, planted=swap("arm", "SGD, averaged", "Lookahead"))
def lookahead_sensitivity(result: xr.Dataset) -> Estimate:
    """Whatever the size, length, noise and spectrum, decay and averaging both end below the best
    Lookahead with a constant rate.
    """
    worst = of_lookahead(result).max().item()
    how = f"largest loss over Lookahead's, two rivals in {result.sizes['variation']} variations"
    return exact(worst, f"{how}; {GRID}", of_lookahead_error(result).max().item())


@_sensitivity(expect=at_least(0.5, "half of the variations"), verdict=INCONCLUSIVE)
def lookahead_sensitivity_default(result: xr.Dataset) -> Estimate:
    """In most variations Lookahead with alpha = 0.5 and k = 5 ends more than 1 % below SGD, both
    with a constant rate.
    """
    below = of_sgd(result).sel(arm="α = 0.5") < 0.99
    one = 1 / below.size
    return exact(below.mean().item(), f"share of {below.size} variations, give or take one", one)


_momentum = partial(claim, on=momentum, cell="fig-momentum", page=AUDIT)
NO_PULL = same("arm", "maintain", "momentum")
"""Lookahead was never run: it is momentum alone."""


def _speed_up(result: xr.Dataset, beta: float, eigenvalues: int, decades: float) -> Estimate:
    found = gain(result).sel(beta=beta, eigenvalues=eigenvalues, decades=decades).item()
    return exact(found, "ratio of 1 - spectral radius, best lr; grids: 1 %", 0.01 * found)


@_momentum(
    kind=Kind.PAPER,
    place=f"{FIGURE_4}: beta = 0.99, two eigenvalues, condition number 100",
    expect=at_least(1.5, "half as fast again"),
    verdict=REPRODUCED,
    planted=NO_PULL,
)
def lookahead_under_damped(result: xr.Dataset) -> Estimate:
    """Where momentum of 0.99 is under-damped, Lookahead converges significantly faster."""
    return _speed_up(result, beta=0.99, eigenvalues=2, decades=2)


@_momentum(
    kind=Kind.PAPER,
    place=f"{FIGURE_4}: beta = 0.9, two eigenvalues, condition numbers 10 to 1000",
    expect=at_least(1.5, "half as fast again, as at 0.99; added, see How we judge"),
    verdict=NOT_REPRODUCED,
)
def lookahead_under_damped_common(result: xr.Dataset) -> Estimate:
    """Where the common momentum of 0.9 is under-damped, Lookahead converges significantly faster,
    at one condition number at least.
    """
    speeds = gain(result).sel(beta=0.9, eigenvalues=2, decades=under_damped(result, 0.9))
    return _speed_up(result, beta=0.9, eigenvalues=2, decades=speeds.idxmax("decades").item())


_filled = partial(
    _momentum,
    kind=Kind.CONTROL,
    place=f"{FIGURE_4}: all eigenvalues between",
    expect=at_least(1.0, "any value above 1 confirms it"),
)


@_filled(verdict=REPRODUCED, planted=NO_PULL)
def lookahead_under_damped_filled(result: xr.Dataset) -> Estimate:
    """At beta = 0.99 and condition number 100 Lookahead is still faster when the range of
    eigenvalues is filled.
    """
    return _speed_up(result, beta=0.99, eigenvalues=0, decades=2)


@_filled(verdict=NOT_REPRODUCED)
def lookahead_under_damped_gentle(result: xr.Dataset) -> Estimate:
    """At beta = 0.9 and condition number 100 the gain that two eigenvalues show survives a filled
    range.
    """
    return _speed_up(result, beta=0.9, eigenvalues=0, decades=2)


@_momentum(
    kind=Kind.PAPER,
    place=f"{FIGURE_4}: beta = 0.9, two eigenvalues, condition number 10000",
    expect=LESS,
    verdict=REPRODUCED,
    planted=NO_PULL,
)
def lookahead_over_damped(result: xr.Dataset) -> Estimate:
    """Where momentum is over-damped, Lookahead is slower."""
    return _speed_up(result, beta=0.9, eigenvalues=2, decades=4)


_slow_step = partial(claim, on=slow_step, cell="the-best-slow-step-is-past-1", page=AUDIT)


@_slow_step(
    kind=Kind.PAPER,
    place="Proposition 1",
    expect=ROUNDING,
    verdict=REPRODUCED,
    planted=lambda result: result.assign(formula=result["printed"]),
)
def lookahead_optimal_step(result: xr.Dataset) -> Estimate:
    """The formula for the best slow step finds the lowest point along the line."""
    gap = relative_error(result, "formula")
    return exact(gap.max().item(), f"largest relative difference in {gap.size} problems")


@_slow_step(
    kind=Kind.CONTROL,
    place="Proposition 1, gradient descent without noise",
    expect=at_least(0.0, "any distance above 1 confirms it"),
    verdict=REPRODUCED,
    planted=swap("k", 2, 5),
)
def lookahead_optimal_step_even(result: xr.Dataset) -> Estimate:
    """For even k the best slow step is never below 1: no noise, no step back."""
    found = even(result)
    how = f"least of {found.size} random problems, minus 1"
    return exact(found.min().item() - 1, how, 1e-8)


@_slow_step(
    kind=Kind.CONTROL,
    place="Proposition 1, under noise",
    expect=LESS,
    verdict=REPRODUCED,
    planted=same("loop", 200, 1),
)
def lookahead_optimal_step_noisy(result: xr.Dataset) -> Estimate:
    """Under noise, near the optimum, the best slow step is below 1."""
    last = result["noisy"].isel(loop=-1)
    return exact(last.max().item(), "largest after 200 loops, three lrs", CLOSED)


_errata = partial(claim, on=errata, cell="errata", page=AUDIT, expect=ROUNDING)


def _deviation(result: xr.Dataset, arm: str) -> Estimate:
    how = f"median relative error in {result.sizes['problem']} runs"
    return exact(deviation(result, arm).item(), how, 1e-12)


@_errata(
    kind=Kind.ERRATUM, place="section 2, slow weights as a moving average", verdict=NOT_REPRODUCED
)
def lookahead_average_index(result: xr.Dataset) -> Estimate:
    """The average of fast weights with the printed exponents is the slow weights."""
    return _deviation(result, "printed average")


@_slow_step(
    kind=Kind.BLOG,
    place="formula of the best alpha",
    expect=at_most(0.01, "1 %: it is 1 whatever the problem"),
    verdict=NOT_REPRODUCED,
)
def lookahead_blog_optimal_step(result: xr.Dataset) -> Estimate:
    """The printed fraction is the best slow step."""
    gap = relative_error(result, "printed")
    return exact(gap.median().item(), f"median relative error in {gap.size} problems", CLOSED)


@_errata(kind=Kind.BLOG, place="first formula", verdict=NOT_REPRODUCED)
def lookahead_blog_inner_update(result: xr.Dataset) -> Estimate:
    """The printed inner update, with theta_{t,i} on its right, is the algorithm."""
    return _deviation(result, "printed inner update")
