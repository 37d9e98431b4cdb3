"""How the cost of a cell grows: a few cells at two sizes, and the ratio of their times.

Usage: python tools/measure_growth.py [WHAT ...]

writes chapters/growth.json, all of it in about three minutes, or anew only the rows of what is
named, such as "hidden units".

The ratio, not the seconds, is kept: it says more about the code than about the machine. Each time
is the least CPU time of three runs on one thread.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

GROWTH = Path(__file__).parents[1] / "chapters" / "growth.json"
REPEATS = 3
CASES: tuple[tuple[str, str, str, dict[str, Any], dict[str, Any], int], ...] = (
    ("lookahead", "digits", "seeds", {"seeds": 2, "epochs": 10}, {"seeds": 8}, 4),
    ("lookahead", "digits", "epochs", {"seeds": 2, "epochs": 10}, {"epochs": 20}, 2),
    ("radam", "translation", "seeds", {"seeds": (0,), "steps": 15}, {"seeds": (0, 1, 2, 3)}, 4),
    ("radam", "translation", "updates", {"seeds": (0,), "steps": 15}, {"steps": 30}, 2),
    ("implicit", "overfit", "splits", {"splits": 2}, {"splits": 8}, 4),
    ("implicit", "overfit", "outer steps", {"splits": 2}, {"outer": 50}, 2),
    ("pes", "digits", "pairs of particles", {"windows": 100}, {"pairs": 60}, 4),
    ("pes", "digits", "hidden units", {"windows": 100}, {"hidden": 64}, 4),
    ("pes", "digits", "updates of theta", {"windows": 100}, {"windows": 200}, 2),
)
"""Paper, experiment, what grows, changes of the quick preset at the small and at the large size,
and by how much the second is larger."""


def seconds(experiment: Any, config: Any) -> float:
    """Least CPU time of some runs."""
    found = []
    for _ in range(REPEATS):
        start = time.process_time()
        experiment(config)
        found.append(time.process_time() - start)
    return min(found)


def main() -> None:
    """Measure the cases, in order."""
    import torch

    from replications.core import registry

    torch.set_num_threads(1)
    named, rows = sys.argv[1:], []
    kept = {(r["paper"], r["what"]): r for r in json.loads(GROWTH.read_text())} if named else {}
    for slug, name, what, small, change, times in CASES:
        if named and what not in named:
            rows.append(kept[slug, what])
            continue
        experiment = registry.paper(slug).experiments[name]
        base = replace(experiment.configs("quick")[0], **small)
        experiment(base)  # warm
        ratio = seconds(experiment, replace(base, **change)) / seconds(experiment, base)
        rows.append({"paper": slug, "experiment": name, "what": what, "times": times})
        rows[-1]["cost"] = round(ratio, 2)
        print(*rows[-1].values())
    GROWTH.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
