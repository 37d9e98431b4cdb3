"""How far other processors moved each claim's value: a paper's records/movements.json.

It says under which settings of `make processors` that was tried, and for each claim its movement:
the largest shift of the value or of an end of its interval. The movement of a claim on recorded
runs holds for the very records that it was measured on, and carries their key. A claim without an
entry was never measured elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Context
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from replications.core import registry, store

if TYPE_CHECKING:
    from replications.core.claims import Claim

MAKES_NO_NUMBERS = True  # no part of a result's key, see `digest`


@dataclass
class Movements:
    """What a file says."""

    settings: list[str] = field(default_factory=list)
    claims: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By id: "movement", and for a claim on recorded runs "records", see :func:`records_key`."""

    def put(self, claim: Claim, movement: float) -> None:
        """Enter a claim's movement, measured on today's records."""
        key = records_key(claim)
        self.claims[claim.id] = {"movement": rounded_up(movement)}
        if key is not None:
            self.claims[claim.id]["records"] = key

    def of(self, claim: Claim) -> float | None:
        """A claim's movement if it was measured on today's records."""
        entry = self.claims.get(claim.id)
        fits = entry is not None and entry.get("records") == records_key(claim)
        return float(entry["movement"]) if entry is not None and fits else None


def records_key(claim: Claim) -> str | None:
    """The records that a claim is judged on, as twelve digits; of a live run there are none."""
    if claim.tier != "full":
        return None
    paths = [path for experiment in claim.on for path in experiment.stored("full")]
    sums = "".join(store.provenance(path)["checksum"] for path in paths)
    return hashlib.sha256(sums.encode()).hexdigest()[:12]


def rounded_up(movement: float) -> float:
    """Two digits, and no less than it was: it must not fall below a margin."""
    return float(Context(prec=2, rounding=ROUND_CEILING).create_decimal(repr(float(movement))))


def read(slug: str) -> Movements:
    """A paper's file, or nothing where there is none."""
    path = _path(slug)
    if not path.is_file():
        return Movements()
    return Movements(**json.loads(path.read_text(encoding="utf-8")))


def write(slug: str, found: Movements) -> None:
    """Replace a paper's file."""
    path = _path(slug)
    path.parent.mkdir(exist_ok=True)
    about = {"settings": sorted(found.settings), "claims": found.claims}
    path.write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


def _path(slug: str) -> Path:
    return Path(str(files(registry.home(slug)))) / "records" / "movements.json"
