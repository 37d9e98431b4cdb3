"""A claim's row as data, as text, as HTML: what notebooks, the command line and the site show."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Callable, Iterable
from typing import Any

from replications.core import numbers, store
from replications.core.claims import Band, Claim, Measured, judge
from replications.core.estimates import Estimate

COLUMNS = ("Verdict", "Claim", "Expected", "Measured")
TOLERANCE = 1e-6
"""A band from zero or below to no more than this asks for a numerical error."""
VERSION = 2
"""Of claims.json; `claims.schema.json` beside it describes it. A key that goes or changes its
meaning raises it, a new one does not."""
CONFIRMED, NOT_CONFIRMED = "confirmed", "not confirmed"
OUTCOMES = ("reproduced", "not reproduced", CONFIRMED, NOT_CONFIRMED, "inconclusive")
"""The words that are shown for a verdict."""


def outcome(kind: str, verdict: str) -> str:
    """The word shown for a verdict.

    An erratum quotes what we believe to be wrong: when that is not reproduced, it is confirmed.
    """
    erratum = {"not reproduced": CONFIRMED, "reproduced": NOT_CONFIRMED}
    return erratum.get(verdict, verdict) if kind == "erratum" else verdict


def document(measured: Iterable[Measured]) -> dict[str, Any]:
    """Measured claims as claims.json."""
    return {
        "$schema": "claims.schema.json",
        "version": VERSION,
        "claims": [row(one) for one in measured],
    }


def row(measured: Measured) -> dict[str, Any]:
    """A claim for claims.json: numbers with the digits that are printed, infinities are null."""
    claim, estimate, moved = measured.claim, measured.estimate, measured.movement
    movement = moved or 0.0
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
        "movement": moved if moved is None or moved >= numbers.ROUNDING else 0.0,
        "verdict": str(measured.verdict),
        "unmoved": str(judge(estimate, claim.expect)),
        "outcome": outcome(claim.kind, measured.verdict),
        "page": claim.page,
        "cell": claim.cell,
        "code": place(claim.measure),
        "runs": _runs(claim),
    }


def _runs(claim: Claim) -> list[dict[str, Any]]:
    """The results that a claim is measured on: by their keys, and where they were made."""
    runs = []
    for experiment in claim.on:
        configs = experiment.configs(claim.tier)
        record = processor = None  # of a live run: none, and whoever reads this
        if claim.tier == "full":
            path = experiment.stored("full")[0]
            record = f"{claim.slug}/records/{path.name}.json"
            processor = store.provenance(path)["machine"]["processor"]
        runs.append(
            {
                "experiment": experiment.name,
                "code": place(experiment.run),
                "tier": claim.tier,
                "parts": len(configs),
                "key": store.digest(experiment.name, experiment.run, configs[0])[:12],
                "record": record,
                "processor": processor,
            }
        )
    return runs


def measured_text(estimate: Estimate, band: Band, movement: float = 0.0) -> str:
    """The estimate as it is printed beside its band."""
    if _is_error(estimate, band):
        return numbers.error(0.0, band.high if band.high <= TOLERANCE else numbers.ROUNDING)
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
    asked_for = band.low <= 0 <= band.high <= TOLERANCE and largest <= band.high
    return asked_for or 0 < largest < numbers.ROUNDING


def _finite(x: float) -> float | None:
    return x if math.isfinite(x) else None


def as_text(row: dict[str, Any]) -> str:
    """Two lines for the command line."""
    return (
        f"{row['outcome']:<15} {row['id']}: {row['says']}\n"
        f"{'':<15} expected {row['expected']}, measured {row['measured']}"
    )


def chip(word: str, text: str = "") -> str:
    """An outcome as a small labelled box: a word, never colour alone."""
    return f'<span class="verdict verdict-{word.replace(" ", "-")}">{text or word}</span>'


GREEK = dict(
    zip("alpha beta gamma lambda sigma theta rho psi pi Gamma".split(), "αβγλσθρψπΓ", strict=True)
)
NAME = rf"(?<![A-Za-z_-])(d?)({'|'.join(GREEK)}|[A-Za-z](?=[_^]))"
INDEX = r"(?:_?(\d)(?!\.?\d)|_\{([^}]*)\}|_([A-Za-z]+))?"
SYMBOL = re.compile(NAME + INDEX + r"(?![A-Za-z_-])")
POWER = re.compile(r"(?<=[\w)>])\^(?:\(([^()]*)\)|(-?\w+)|\(([^()]*\([^()]*\)[^()]*)\))")
ROOT = re.compile(r"\bsqrt\(([^()]*)\)")


def typeset(text: str) -> str:
    """A plain sentence as HTML, its formulas with letters, roots, indices and powers.

    Formulas are written as one would type them: rho_inf, beta2^t, (2 / alpha - 1)^(1/k).
    """

    def symbol(found: re.Match[str]) -> str:
        index = found[3] or found[4] or found[5] or ""
        name = GREEK.get(found[2], found[2])
        return f"{found[1]}{name}" + (f"<sub>{index.replace('inf', '∞')}</sub>" if index else "")

    def power(found: re.Match[str]) -> str:
        return f"<sup>{(found[1] or found[2] or found[3]).replace('-', '−')}</sup>"

    root = ROOT.sub(r"√(\1)", html.escape(text))
    return POWER.sub(power, SYMBOL.sub(symbol, root))


def as_html(row: dict[str, Any], anchor: str, link: str, source: str, attributes: str = "") -> str:
    """One row of a table: verdict, claim, expected, measured; what is behind them is folded.

    Args:
        row: as from :func:`row`.
        anchor: the row's id.
        link: where the claim is shown.
        source: who claims it and where, in a few words.
        attributes: more of the row's, as HTML.
    """
    esc = {key: html.escape(str(value)) for key, value in row.items()}
    anchor = html.escape(anchor)
    value, _, interval = esc["measured"].partition(" [")
    return (
        f'<tr id="{anchor}" {attributes}><td>{chip(row["outcome"])}</td>'
        f'<td><a href="{html.escape(link)}">{typeset(row["says"])}</a>'
        f"<small>{html.escape(source)} "
        f'<a class="permalink" href="#{anchor}" aria-label="Link to {esc["id"]}">#</a></small>'
        f"<details><summary>Why and how</summary>{_details(row)}</details></td>"
        f"<td>{esc['expected']}</td>"
        f"<td>{value}{f' <small>[{interval}</small>' if interval else ''}</td></tr>"
    )


def _details(row: dict[str, Any]) -> str:
    """The reason for the band, the estimate, and the way back to code and records."""
    samples = f", n = {row['n']}" if row["n"] > 1 else ""
    parts = {
        "band": typeset(row["why"]),
        "measured": typeset(row["how"] + samples),
        "judged on": "; ".join(map(_run_html, row["runs"])),
        "code": source_html(row["code"]),
        "id": f"<code>{html.escape(row['id'])}</code>",
    }
    return f"<dl>{''.join(f'<dt>{name}</dt><dd>{text}</dd>' for name, text in parts.items())}</dl>"


def _run_html(run: dict[str, Any]) -> str:
    kind = "live" if run["tier"] == "quick" else "recorded"
    part = ", first of {parts} parts".format_map(run) if run["parts"] > 1 else ""
    made = f", made on {html.escape(run['processor'])}" if run["processor"] else ""
    record = f", record {record_html(run['record'])}" if run["record"] else ""
    return (
        f"the {kind} run of {source_html(run['code'])} "
        f"(key <code>{run['key']}</code>{part}{record}{made})"
    )


def place(function: Callable[..., Any]) -> str:
    """Where a function stands, as `module:function`."""
    return f"{function.__module__}:{function.__name__}"


def source_html(place: str) -> str:
    """A place in the code; the site makes a link of it."""
    return f'<code class="source">{html.escape(place)}</code>'


def record_html(path: str) -> str:
    """A record below `papers`; the site makes a link of it."""
    return f'<code class="record">{html.escape(path)}</code>'


def head() -> str:
    """The table's head."""
    names = "".join(f'<th scope="col">{name}</th>' for name in COLUMNS)
    return f"<thead><tr>{names}</tr></thead>"
