"""Claims and verdicts.

A claim is a measurable sentence of a paper, of a blog post about it, of a control that neither
has, or of an erratum. It is a function: its docstring is the sentence, its name the id, and it
measures an estimate on an experiment's result; the decorator carries the rest::

    @claim(on=digits, kind=Kind.PAPER, place="figure 8", cell="fig-digits-loss",
           expect=at_most(0.0, "any gain confirms it"), verdict=REPRODUCED,
           planted=swap("arm", "SGD", "Lookahead"))
    def lookahead_digits_loss(result: xr.Dataset) -> Estimate:
        '''Lookahead's training loss is below SGD's.'''

The verdict follows from the measured interval, the band, and how far another processor moves the
value; from nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any

from replications.core import numbers, registry
from replications.core.estimates import Estimate
from replications.core.experiment import Experiment, Tier
from replications.core.movements import read

if TYPE_CHECKING:
    import xarray as xr


class Verdict(StrEnum):
    """What the interval says of the claim."""

    REPRODUCED = "reproduced"
    NOT_REPRODUCED = "not reproduced"
    INCONCLUSIVE = "inconclusive"


REPRODUCED, NOT_REPRODUCED, INCONCLUSIVE = Verdict


class Kind(StrEnum):
    """Who makes the claim."""

    PAPER = "paper"
    BLOG = "blog"
    CONTROL = "control"
    ERRATUM = "erratum"


@dataclass(frozen=True)
class Band:
    """The measurements that would confirm a claim, and the reason for the band's width."""

    low: float
    high: float
    why: str

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ValueError(f"a band needs low <= high, got [{self.low}, {self.high}]")
        if not self.why:
            raise ValueError("a band needs the reason for its width")

    def __str__(self) -> str:
        low, high = numbers.constant(self.low), numbers.constant(self.high)
        if self.low == -math.inf:
            return f"≤ {high}"
        if self.high == math.inf:
            return f"≥ {low}"
        return low if low == high else f"{low} to {high}"


def at_least(low: float, why: str) -> Band:
    """A band that is open above."""
    return Band(low, math.inf, why)


def at_most(high: float, why: str) -> Band:
    """A band that is open below."""
    return Band(-math.inf, high, why)


def judge(estimate: Estimate, band: Band, movement: float = 0.0) -> Verdict:
    """Interval inside the band: reproduced; disjoint from it: not reproduced; else inconclusive.

    Args:
        estimate: what was measured.
        band: what would confirm the claim.
        movement: how far another processor moves the value; the interval is wider by that much on
            both sides, so that a verdict with a smaller margin is inconclusive.
    """
    low, high = estimate.low - movement, estimate.high + movement
    if band.low <= low and high <= band.high:
        return REPRODUCED
    if high < band.low or low > band.high:
        return NOT_REPRODUCED
    return INCONCLUSIVE


def margin(estimate: Estimate, band: Band) -> float:
    """The smallest shift of the interval, up or down, that would change its verdict."""
    ends = [band.low - estimate.low, band.high - estimate.high]  # enters or leaves the band
    ends += [band.low - estimate.high, band.high - estimate.low]  # loses or gains touch
    verdict = judge(estimate, band)
    for shift in sorted((x for x in ends if math.isfinite(x)), key=abs):
        beyond = math.copysign(
            1e-9 * max(abs(shift), estimate.half_width, abs(estimate.value), 1e-9), shift
        )
        for d in (shift + beyond, shift - beyond):
            moved = replace(
                estimate, value=estimate.value + d, low=estimate.low + d, high=estimate.high + d
            )
            if judge(moved, band) != verdict:
                return abs(shift)
    return math.inf


Measure = Callable[..., Estimate]
Plant = Callable[..., Any]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One row of the scoreboard."""

    id: str
    """Unique in the book; starts with the paper's slug."""
    slug: str
    """The paper's folder."""
    place: str
    """Where the claim stands: section, equation, figure, line."""
    kind: Kind
    says: str
    """The claim in our words, as its source means it."""
    expect: Band
    on: tuple[Experiment, ...]
    """The experiments whose results it is measured on."""
    tier: Tier
    """The preset on which it is judged."""
    measure: Measure
    """From the experiments' results to an estimate."""
    verdict: Verdict
    """The verdict that we publish; a test holds it against the measured one."""
    cell: str
    """Anchor of the figure or section that shows it."""
    page: str
    """The page of that anchor, such as "lookahead" or "lookahead-audit"."""
    planted: Plant | None = None
    """From the same results to what a wrong method would have given (see `planted`)."""

    @property
    def paper(self) -> str:
        """Bibliography key."""
        return str(registry.home(self.slug).PAPER)

    @property
    def place_in_code(self) -> tuple[str, int, str]:
        """Module, line and name: the order in which claims are listed."""
        return self.measure.__module__, self.measure.__code__.co_firstlineno, self.id

    def results(self, fresh: bool = False) -> tuple[xr.Dataset, ...]:
        """What it is measured on; `fresh` computes recorded runs anew."""
        return tuple(experiment.result(self.tier, fresh=fresh) for experiment in self.on)


def claim(
    *,
    on: Experiment | tuple[Experiment, ...],
    kind: Kind,
    place: str,
    expect: Band,
    verdict: Verdict,
    cell: str,
    page: str | None = None,
    planted: Plant | None = None,
    tier: Tier | None = None,
) -> Callable[[Measure], Measure]:
    """Register a function of one or more results as a claim; it stays a plain function.

    Args:
        on: the experiment, or several, whose results the function takes in this order.
        kind: who makes the claim.
        place: where it stands.
        expect: the band that would confirm it.
        verdict: what we publish.
        cell: anchor on the page.
        page: by default the paper's chapter; "<slug>-audit" for its second page.
        planted: the mistake that would break the claim; one that is reproduced must have it.
        tier: by default "full" if all the experiments have that preset.

    Raises:
        ValueError: the function has no docstring, or another module has taken the id.
    """
    experiments = on if isinstance(on, tuple) else (on,)
    full = all(experiment.main_tier == "full" for experiment in experiments)

    def declare(measure: Measure) -> Measure:
        if not measure.__doc__:
            raise ValueError(f"claim {measure.__name__} needs a docstring: the sentence it claims")
        slug, name = registry.slug_of(measure.__module__), measure.__name__.replace("_", "-")
        declared = Claim(
            id=name,
            slug=slug,
            place=place,
            kind=kind,
            says=" ".join(measure.__doc__.split()),
            expect=expect,
            on=experiments,
            tier=tier or ("full" if full else "quick"),
            measure=measure,
            verdict=verdict,
            cell=cell,
            page=page or slug,
            planted=planted,
        )
        registry.register("claims", slug, name, declared, measure.__module__)
        return measure

    return declare


@dataclass(frozen=True)
class Measured:
    """A claim with what was measured for it."""

    claim: Claim
    estimate: Estimate
    movement: float | None = None
    """How far other processors moved the value, from `movements`; None if that was not tried."""

    @property
    def verdict(self) -> Verdict:
        """What the measurement says, whatever is published."""
        return judge(self.estimate, self.claim.expect, self.movement or 0.0)

    @property
    def margin(self) -> float:
        """How far the interval may move before the verdict changes."""
        return margin(self.estimate, self.claim.expect)

    @property
    def holds(self) -> bool:
        """Whether the published verdict is the measured one."""
        return self.verdict == self.claim.verdict


def measure(claims: Iterable[Claim], fresh: bool = False) -> list[Measured]:
    """Measure claims, each on its experiments' results."""
    return [Measured(c, c.measure(*c.results(fresh)), movements(c.slug).get(c.id)) for c in claims]


@cache
def movements(slug: str) -> dict[str, float]:
    """The largest shift of each claim's value between processors, of those that were measured.

    A test fails if one was measured on other records than today's.
    """
    return {name: entry["movement"] for name, entry in read(slug).claims.items()}
