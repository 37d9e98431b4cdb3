"""A claim's row as data, as text, as HTML: what notebooks, the command line and the site show."""

from __future__ import annotations

import html
import math
from typing import Any

from replications.core import numbers
from replications.core.claims import Band, Measured
from replications.core.estimates import Estimate

COLUMNS = ("Verdict", "Claim", "Expected", "Measured")
TOLERANCE = 1e-6
"""A band from zero or below to no more than this asks for a numerical error."""


def row(measured: Measured) -> dict[str, Any]:
    """A claim for claims.json: numbers with the digits that are printed, infinities are null."""
    claim, estimate, movement = measured.claim, measured.estimate, measured.movement
    low, value, high = _published(estimate, claim.expect, movement)
    return {
        "id": claim.id,
        "slug": claim.slug,
        "paper": claim.paper,
        "place": claim.place,
        "kind": str(claim.kind),
        "says": claim.says,
        "band": [_finite(claim.expect.low), _finite(claim.expect.high)],
        "expected": str(claim.expect),
        "why": claim.expect.why,
        "value": _finite(value),
        "low": _finite(low),
        "high": _finite(high),
        "measured": measured_text(estimate, claim.expect, movement),
        "n": estimate.n,
        "how": estimate.how,
        "tier": claim.tier,
        "margin": _finite(numbers.rounded(measured.margin, digits=2)),
        "movement": numbers.rounded(movement, digits=2) if movement >= numbers.ROUNDING else 0.0,
        "verdict": str(measured.verdict),
        "cell": claim.cell,
    }


def measured_text(estimate: Estimate, band: Band, movement: float = 0.0) -> str:
    """The estimate as it is printed beside its band."""
    if _is_error(estimate, band):
        return numbers.error(0.0, band.high)
    low, value, high = _published(estimate, band, movement)
    half = max(estimate.half_width, movement)
    texts = [numbers.number(x, half) for x in (low, value, high)]
    return texts[1] if texts[0] == texts[2] else f"{texts[1]} [{texts[0]}, {texts[2]}]"


def _published(estimate: Estimate, band: Band, movement: float) -> tuple[float, float, float]:
    """Low, value, high, rounded to what is printed."""
    if _is_error(estimate, band):
        return 0.0, 0.0, 0.0
    half = max(estimate.half_width, movement)
    low, value, high = (
        numbers.rounded(x, half) for x in (estimate.low, estimate.value, estimate.high)
    )
    return low, value, high


def _is_error(estimate: Estimate, band: Band) -> bool:
    """An error far below what the band allows is rounding: none of its digits is worth printing."""
    largest = max(abs(estimate.low), abs(estimate.high))
    return band.low <= 0 <= band.high <= TOLERANCE and largest <= band.high


def _finite(x: float) -> float | None:
    return x if math.isfinite(x) else None


def as_text(row: dict[str, Any]) -> str:
    """Two lines for the command line."""
    return (
        f"{row['verdict']:<15} {row['id']}: {row['says']}\n"
        f"{'':<15} expected {row['expected']}, measured {row['measured']}"
    )


def chip(verdict: str, text: str = "") -> str:
    """A verdict as a small labelled box: a word, never colour alone."""
    return f'<span class="verdict verdict-{verdict.replace(" ", "-")}">{text or verdict}</span>'


def as_html(row: dict[str, Any], link: str, source: str, attributes: str = "") -> str:
    """One row of a table: verdict, claim, expected, measured.

    Args:
        row: as from :func:`row`.
        link: where the claim is shown.
        source: who claims it and where, in a few words.
        attributes: more of the row's, as HTML.
    """
    esc = {key: html.escape(str(value)) for key, value in row.items()}
    runs = f", n = {row['n']}" if row["n"] > 1 else ""
    value, _, interval = esc["measured"].partition(" [")
    return (
        f"<tr {attributes}><td>{chip(row['verdict'])}</td>"
        f'<td><a href="{html.escape(link)}">{esc["says"]}</a>'
        f"<small>{html.escape(source)}</small></td>"
        f"<td>{esc['expected']}<small>{esc['why']}</small></td>"
        f"<td>{value}{f' <small>[{interval}</small>' if interval else ''}"
        f"<small>{esc['how']}{runs}</small></td></tr>"
    )


def head() -> str:
    """The table's head."""
    names = "".join(f'<th scope="col">{name}</th>' for name in COLUMNS)
    return f"<thead><tr>{names}</tr></thead>"
