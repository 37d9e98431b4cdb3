"""Claims and verdicts.

A claim is a measurable sentence of a paper, of a blog post about it, of a control that neither
has, or of an erratum. It is stated as its source states it, with the band of measurements that
would confirm it; the verdict follows from the measured interval and from nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from replications.core.estimates import Estimate
from replications.core.experiment import Experiment, Tier


class Verdict(StrEnum):
    """What the interval says of the claim."""

    REPRODUCED = "reproduced"
    NOT_REPRODUCED = "not reproduced"
    INCONCLUSIVE = "inconclusive"


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
        if self.low == -math.inf:
            return f"≤ {self.high:.4g}"
        if self.high == math.inf:
            return f"≥ {self.low:.4g}"
        low, high = f"{self.low:.4g}", f"{self.high:.4g}"
        return low if low == high else f"{low} to {high}"


def judge(estimate: Estimate, band: Band) -> Verdict:
    """Interval inside the band: reproduced; disjoint from it: not reproduced; else inconclusive."""
    if band.low <= estimate.low and estimate.high <= band.high:
        return Verdict.REPRODUCED
    if estimate.high < band.low or estimate.low > band.high:
        return Verdict.NOT_REPRODUCED
    return Verdict.INCONCLUSIVE


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One row of the scoreboard."""

    id: str
    """Unique in the book; starts with the paper's slug."""
    paper: str
    """Bibliography key."""
    place: str
    """Where the claim stands: section, equation, figure, line."""
    kind: Kind
    says: str
    """The claim in our words, as its source means it."""
    expect: Band
    experiment: Experiment
    tier: Tier
    """The preset on which it is judged."""
    measure: Callable[[Any], Estimate]
    """From the experiment's result to an estimate."""
    verdict: Verdict
    """The verdict that we publish; a test holds it against the measured one."""
    cell: str
    """Anchor of the figure or section in the chapter that shows it."""


@dataclass(frozen=True)
class Measured:
    """A claim with what was measured for it."""

    claim: Claim
    estimate: Estimate

    @property
    def verdict(self) -> Verdict:
        """What the measurement says, whatever is published."""
        return judge(self.estimate, self.claim.expect)

    @property
    def holds(self) -> bool:
        """Whether the published verdict is the measured one."""
        return self.verdict == self.claim.verdict

    def row(self) -> dict[str, Any]:
        """For claims.json: infinities are null, numbers keep the six digits that travel."""
        claim, estimate = self.claim, self.estimate
        return {
            "id": claim.id,
            "slug": claim.experiment.slug,
            "paper": claim.paper,
            "place": claim.place,
            "kind": str(claim.kind),
            "says": claim.says,
            "band": [_finite(claim.expect.low), _finite(claim.expect.high)],
            "why": claim.expect.why,
            "value": _finite(estimate.value),
            "low": _finite(estimate.low),
            "high": _finite(estimate.high),
            "n": estimate.n,
            "how": estimate.how,
            "tier": claim.tier,
            "verdict": str(self.verdict),
            "cell": claim.cell,
        }


def measure(claims: Iterable[Claim]) -> list[Measured]:
    """Measure claims, each on its experiment's result."""
    return [Measured(c, c.measure(c.experiment.result(c.tier))) for c in claims]


def _finite(x: float) -> float | None:
    return float(f"{x:.6g}") if math.isfinite(x) else None
