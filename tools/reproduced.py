"""Print the line for REPRODUCED.md after `make book`: this machine, and the verdicts that moved.

    python tools/reproduced.py

Every claim is measured here, on what the chapters' run left in the cache and on the records, and
judged against the published verdict. So there is a line, too, where a chapter failed for a verdict.
"""

from __future__ import annotations

import datetime
import platform
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from replications.core import registry
from replications.core.claims import Claim, measure
from replications.core.store import machine

ROOT = Path(__file__).resolve().parents[1]


def commit() -> str:
    """The checkout's, or "unknown" without git."""
    command = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def moved(claims: Iterable[Claim]) -> list[str]:
    """Claims whose verdict here is not the published one, each with both."""
    found = []
    for claim in claims:
        try:
            (row,) = measure([claim])
        except Exception as error:  # whatever it is that this machine cannot do
            found.append(f"{claim.id}: {claim.verdict} → not measured, {type(error).__name__}")
            continue
        if not row.holds:
            found.append(f"{claim.id}: {claim.verdict} → {row.verdict}")
    return found


def line(changes: list[str]) -> str:
    """A row of the table."""
    versions = ", ".join(
        [platform.python_version(), *(version(name) for name in ("numpy", "torch"))]
    )
    cells = (
        datetime.date.today().isoformat(),
        commit(),
        str(machine()["processor"]),
        versions,
        "; ".join(changes) or "none",
    )
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def main() -> int:
    """Print it."""
    papers = [registry.paper(slug) for slug in registry.slugs()]
    print(line(moved(claim for paper in papers for claim in paper.claims.values())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
