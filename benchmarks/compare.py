"""Candidates side by side in one process.

Every round runs each candidate once, in random order; the figure of merit is the median over the
rounds of the per-round ratio of CPU times, so that what slows the machine down slows both.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median, quantiles


@dataclass(frozen=True)
class Ratio:
    """CPU time of a candidate over that of the baseline: median and quartiles over rounds."""

    name: str
    median: float
    low: float
    high: float
    milliseconds: float

    def __str__(self) -> str:
        return (
            f"{self.name:<44}{self.median:8.3f}  [{self.low:.3f}, {self.high:.3f}]"
            f"{self.milliseconds:12.3f} ms"
        )


def compare(
    candidates: Mapping[str, Callable[[], object]], baseline: str, rounds: int = 21, repeat: int = 1
) -> list[Ratio]:
    """Measure candidates against a baseline.

    Args:
        candidates: name to a call without arguments.
        baseline: the name whose time is 1.
        rounds: how often each is timed; one more round warms up.
        repeat: calls in one timing, for what takes microseconds.

    Returns:
        One ratio for each candidate, in the order given.
    """
    if baseline not in candidates:
        raise ValueError(f"baseline must be one of {list(candidates)}, got {baseline!r}")
    times: dict[str, list[float]] = {name: [] for name in candidates}
    order = list(candidates)
    for number in range(rounds + 1):
        random.shuffle(order)
        for name in order:
            call = candidates[name]
            start = time.process_time()
            for _ in range(repeat):
                call()
            if number:  # the first round warms up
                times[name].append((time.process_time() - start) / repeat)
    found = []
    for name, spent in times.items():
        ratios = [a / b for a, b in zip(spent, times[baseline], strict=True)]
        low, _, high = quantiles(ratios, n=4)
        found.append(Ratio(name, median(ratios), low, high, 1e3 * median(spent)))
    return found


def report(
    title: str, ratios: list[Ratio], limits: Mapping[str, float] | None = None, note: str = ""
) -> None:
    """Print ratios; a limit is printed beside the one it is for, with whether it is kept.

    For the page (see page.py) a name says what it is: "ours...", "limit: ..." for what the
    hardware allows, "unit: ..." for what merely gives the scale; all others are peers. Where the
    environment variable BENCH_RESULTS names a file, the table is added to it as a line of JSON.
    """
    print(f"\n{title}")
    for ratio in ratios:
        line = str(ratio)
        if limits and ratio.name in limits:
            kept = "kept" if ratio.median <= limits[ratio.name] else "MISSED"
            line += f"   limit {limits[ratio.name]:g}: {kept}"
        print(line, flush=True)
    if results := os.environ.get("BENCH_RESULTS"):
        table = {"title": title, "note": note, "rows": [asdict(ratio) for ratio in ratios]}
        with Path(results).open("a", encoding="utf8") as file:
            file.write(json.dumps(table) + "\n")
