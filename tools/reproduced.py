"""Print the line for REPRODUCED.md after `make book`: this machine, and the verdicts that moved.

    python tools/reproduced.py

Verdicts are compared with those of the last commit; without git, nothing can have moved.
"""

from __future__ import annotations

import datetime
import json
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from replications.core.store import machine

ROOT = Path(__file__).resolve().parents[1]
CLAIMS = "chapters/claims.json"


def git(*arguments: str) -> str:
    """What git prints, or nothing."""
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def moved(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[str]:
    """Claims whose verdict differs, each with both."""
    old = {claim["id"]: claim["verdict"] for claim in before}
    return [
        f"{claim['id']}: {old[claim['id']]} → {claim['verdict']}"
        for claim in after
        if old.get(claim["id"], claim["verdict"]) != claim["verdict"]
    ]


def line(changes: list[str]) -> str:
    """A row of the table."""
    versions = ", ".join(
        [platform.python_version(), *(version(name) for name in ("numpy", "torch"))]
    )
    cells = (
        datetime.date.today().isoformat(),
        git("rev-parse", "--short", "HEAD") or "unknown",
        str(machine()["processor"]),
        versions,
        "; ".join(changes) or "none",
    )
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def main() -> int:
    """Print it."""
    after = json.loads((ROOT / CLAIMS).read_text(encoding="utf8"))["claims"]
    before = json.loads(git("show", f"HEAD:{CLAIMS}") or '{"claims": []}')["claims"]
    print(line(moved(before, after)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
