"""The directives `cost`, `cost-growth` and `cost-sweep`: what the recorded runs took.

The numbers come from the records' own .json and from chapters/growth.json, which
tools/measure_growth.py writes. Nothing is typed into the page.
"""

import heapq
import json
from collections.abc import Iterable
from pathlib import Path

from sphinx.util.docutils import SphinxDirective

RECORDS = "src/replications/papers/*/records/*-*.json"
SEEDS = "seeds", "splits", "replicates", "streams", "inits", "draws", "problems", "searches"
"""Fields of a config that count what runs together inside one cell: the first that it has."""
HALVES = "judges", "choosers"
"""Without any of these, the two kinds of seeds that it has."""
CORES = (1, 2, 16, 100, 1000)
MORE = 100
"""How many times as many seeds the imagined sweep has."""


def records(root: Path) -> dict[tuple[str, str], list[dict]]:
    """The .json of every recorded cell, by paper and experiment."""
    found: dict[tuple[str, str], list[dict]] = {}
    for path in sorted(root.glob(RECORDS)):
        place = path.parts[-3], path.stem.rpartition("-")[0]
        found.setdefault(place, []).append(json.loads(path.read_text(encoding="utf8")))
    return found


def together(config: dict) -> int:
    """How many seeds, splits, replicates, draws or problems one cell holds."""
    for names in (*((name,) for name in SEEDS), HALVES):
        if found := [config[name] for name in names if name in config]:
            return sum(value if isinstance(value, int) else len(value) for value in found)
    return 1


def duration(seconds: float) -> str:
    """With two digits, in the unit that fits."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{float(f'{seconds / size:.2g}'):g} {unit}"
    return f"{float(f'{seconds:.2g}'):g} s" if seconds >= 1 else "below 1 s"


def wall(seconds: Iterable[float], cores: int) -> float:
    """Wall time of cells that are handed out longest first, each to the core that is free first."""
    free = [0.0] * cores
    for cell in sorted(seconds, reverse=True):
        heapq.heapreplace(free, free[0] + cell)
    return max(free)


def cost(root: Path) -> str:
    """A row for each recorded experiment, and where they were made."""
    lines = ["| experiment | cells × seeds | CPU time of a cell | of all |", "|---|--:|--:|--:|"]
    found = records(root)
    for (paper, name), cells in found.items():
        times = [cell["seconds"] for cell in cells]
        low, high = duration(min(times)), duration(max(times))
        seeds = together(cells[0]["config"])
        of_cell = low if low == high else f"{low} to {high}"
        size = f"{len(cells)} × {seeds}"
        lines.append(f"| {paper} {name} | {size} | {of_cell} | {duration(sum(times))} |")
    everything = [cell for cells in found.values() for cell in cells]
    total = duration(sum(cell["seconds"] for cell in everything))
    machines = sorted({cell["machine"]["processor"] for cell in everything})
    counted = [cell["machine"]["threads"] for cell in everything if "threads" in cell["machine"]]
    threads = "torch with one thread in each."
    if counted:
        threads += f" {len(counted)} count every library's threads: at most {max(counted)}."
    return "\n".join(
        [
            *lines,
            "",
            f"{len(everything)} cells, {total} of one core together. They were made on "
            f"{' and '.join(machines)}, {threads}",
        ]
    )


def growth(root: Path) -> str:
    """A row for each measured pair of sizes."""
    rows = json.loads((root / "chapters" / "growth.json").read_text(encoding="utf8"))
    return "\n".join(
        [
            "| experiment | what grows | times as many | times the CPU time |",
            "|---|---|--:|--:|",
            *("| {paper} {experiment} | {what} | {times} | {cost:.1f} |".format(**r) for r in rows),
        ]
    )


def sweep(root: Path) -> str:
    """Wall times on more and more cores, for what is recorded and for many times its seeds."""
    cells = [cell["seconds"] for own in records(root).values() for cell in own]
    rows = (
        f"| {cores} | {duration(wall(cells, cores))} | {duration(wall(cells * MORE, cores))} |"
        for cores in CORES
    )
    return "\n".join(
        [
            f"| cores | what is recorded | {MORE} times as many cells |",
            "|--:|--:|--:|",
            *rows,
            "",
            f"No number of cores makes it shorter than its longest cell, {duration(max(cells))}: "
            f"the {len(cells)} recorded cells keep at most "
            f"{sum(cells) / max(cells):.0f} cores busy, {MORE} times as many keep a thousand busy "
            f"for {duration(sum(cells) * MORE / 1000)}.",
        ]
    )


def directive(text):
    """A directive without content that shows what a function of the root says."""

    class Shown(SphinxDirective):
        def run(self):
            root = Path(self.env.srcdir)
            self.env.note_dependency("chapters/growth.json")
            for path in root.glob(RECORDS):
                self.env.note_dependency(str(path.relative_to(root)))
            return self.parse_text_to_nodes(text(root))

    return Shown


def setup(app):
    """Register the directives."""
    app.add_directive("cost", directive(cost))
    app.add_directive("cost-growth", directive(growth))
    app.add_directive("cost-sweep", directive(sweep))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
