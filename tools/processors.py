"""Run the notebooks' tests and all claims as other processors would.

    python tools/processors.py [--full] [--write] [SETTING...]

torch, MKL, OpenBLAS and oneDNN can be told to use older instructions, and two threads of the linear
algebra below NumPy and SciPy reorder sums: so one machine shows what others would print. From empty
caches, for each setting: the notebooks against their stored outputs, then every claim. Prints a
table: cells that differ, verdicts that differ, the largest shift of a claim's value in units of its
interval. Exit status 1 if a cell or a verdict differs.

With --full the recorded runs are made anew, too, in hours of one core a setting; an interrupted
one resumes, and what needs a library that is not installed is named. With --write the shifts go
into the papers' records/movements.json, which the judge reads: a verdict whose margin is smaller is
inconclusive.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from replications.core import movements, threads

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "_build" / "processors"
"""Logs and caches, one folder a setting."""

COUNTS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", threads.VARIABLE)
"""Environment variables that hold a number of threads."""

SETTINGS = {
    "oldest": {
        "ATEN_CPU_CAPABILITY": "default",
        "MKL_CBWR": "COMPATIBLE",
        "OPENBLAS_CORETYPE": "Prescott",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
    },
    "middle": {
        "ATEN_CPU_CAPABILITY": "avx2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "OPENBLAS_CORETYPE": "Haswell",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
    },
    "threads": dict.fromkeys(COUNTS, "2"),  # of NumPy's and SciPy's libraries, see core.threads
}
ONE_THREAD = dict.fromkeys(COUNTS, "1")
NBVAL = (
    *("-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval-lax", "--nbval-current-env"),
    *("--nbval-sanitize-with", "tests/sanitize.cfg", "-n", "2", "--dist", "loadfile"),
)


@dataclass(frozen=True)
class Value:
    """A claim as one setting measures it, unrounded."""

    low: float
    value: float
    high: float
    verdict: str


def environment(setting: str, cache: Path) -> dict[str, str]:
    """A child's environment; "here" is this processor as it is."""
    return {
        **os.environ,
        **ONE_THREAD,
        **SETTINGS.get(setting, {}),
        "REPLICATIONS_STRICT": "1",
        "REPLICATIONS_CACHE": str(cache),
    }


def cells(log: str) -> list[str]:
    """The cells that nbval calls different, and the notebooks that it could not run."""
    return re.findall(r"^(?:FAILED|ERROR) (\S+?(?:::Cell \d+)?)(?: |$)", log, re.M)


def notebooks(setting: str, cache: Path) -> tuple[list[str], int]:
    """Cells that differ from the stored outputs, and how many were compared or run."""
    paths = sorted(str(p.relative_to(ROOT)) for p in (ROOT / "chapters").glob("*.ipynb"))
    done = subprocess.run(
        [sys.executable, *NBVAL, *paths],
        cwd=ROOT,
        env=environment(setting, cache),
        capture_output=True,
        text=True,
    )
    (FOLDER / f"{setting}.log").write_text(done.stdout + done.stderr, encoding="utf-8")
    counts = [int(n) for n in re.findall(r"(\d+) (?:passed|failed|error)", done.stdout)]
    if not counts:
        raise SystemExit(f"no notebook was tested: see {FOLDER / f'{setting}.log'}")
    ended = [] if done.returncode in (0, 1) else [f"pytest's exit status {done.returncode}"]
    return [*dict.fromkeys(cells(done.stdout)), *ended], sum(counts)


def claims(setting: str, cache: Path, full: bool) -> dict[str, Value]:
    """Every claim's value under a setting, measured by a child process."""
    done = subprocess.run(
        [sys.executable, __file__, "--measure", *(["--full"] if full else [])],
        cwd=ROOT,
        env=environment(setting, cache),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return {key: Value(*value) for key, value in json.loads(done.stdout).items()}


def measure_here(full: bool) -> dict[str, Any]:
    """Interval, value and verdict of every claim, judged without the movements known so far."""
    from replications.core import registry
    from replications.core.claims import judge, measure
    from replications.core.errors import LibraryError

    found = {}
    with threads.limited():
        for slug in registry.slugs():
            for claim in registry.paper(slug).claims.values():
                try:
                    (row,) = measure([claim], fresh=full)
                except LibraryError as error:
                    print(f"{claim.id}: not measured: {error}", file=sys.stderr)
                    continue
                e, verdict = row.estimate, str(judge(row.estimate, claim.expect))
                found[claim.id] = e.low, e.value, e.high, verdict
    return found


def shift(here: Value, there: Value) -> float:
    """How far the value or an end of its interval has moved; equal infinities have not."""
    pairs = ((here.low, there.low), (here.value, there.value), (here.high, there.high))
    return max(0.0 if a == b else abs(b - a) for a, b in pairs)


def in_intervals(here: Value, there: Value) -> float:
    """The shift in half-widths of the interval; in the value itself where there is no interval."""
    half = max(here.value - here.low, here.high - here.value)
    scale = half if 0 < half < float("inf") else abs(here.value) or 1.0
    return shift(here, there) / scale


def write_movements(moved: dict[str, float], settings: list[str], full: bool) -> None:
    """Put the shifts into the papers' records.

    What was not run again keeps its own, as long as its records are the same. So does what moved
    further under a setting that is not among these.
    """
    from replications.core import registry

    for slug in registry.slugs():
        known = movements.read(slug)
        others = set(known.settings) - set(settings)
        found = movements.Movements([*settings, *others])
        for key, claim in registry.paper(slug).claims.items():
            run_again = key in moved and (full or claim.tier == "quick")
            shifts = [moved[key]] if run_again else []
            if (others or not run_again) and (old := known.of(claim)) is not None:
                shifts.append(old)
            if shifts:
                found.put(claim, max(shifts))
        movements.write(slug, found)


def empty(setting: str) -> Path:
    """A setting's cache, with nothing in it."""
    shutil.rmtree(FOLDER / setting, ignore_errors=True)
    return FOLDER / setting


def main(arguments: list[str] | None = None) -> int:
    """Exit status 1 if a cell or a verdict differs under any setting."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("settings", nargs="*", metavar="SETTING", help=", ".join(SETTINGS))
    parser.add_argument("--full", action="store_true", help="make the recorded runs anew")
    parser.add_argument("--write", action="store_true", help="write movements.json")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.measure:
        print(json.dumps(measure_here(options.full)))
        return 0
    chosen = options.settings or list(SETTINGS)
    if unknown := set(chosen) - set(SETTINGS):
        parser.error(f"SETTING must be one of {', '.join(SETTINGS)}, got {', '.join(unknown)}")

    FOLDER.mkdir(parents=True, exist_ok=True)

    def cache_of(setting: str) -> Path:
        return FOLDER / setting if options.full else empty(setting)  # a run of hours resumes

    here = claims("here", empty("here"), full=False)
    moved: dict[str, float] = {}
    failed = False
    print(f"{'setting':9} {'cells that differ':18} {'verdicts':9} largest shift, in intervals")
    for setting in chosen:
        cache = cache_of(setting)
        different, count = notebooks(setting, cache)
        there = claims(setting, cache, options.full)
        flipped = [key for key in there if here[key].verdict != there[key].verdict]
        worst = max(there, key=lambda key: in_intervals(here[key], there[key]))
        for key in there:
            moved[key] = max(moved.get(key, 0.0), shift(here[key], there[key]))
        largest = in_intervals(here[worst], there[worst])
        of = f"{len(different)} of {count}"
        print(f"{setting:9} {of:18} {len(flipped):<9} {largest:.2g} ({worst})", flush=True)
        for name in different:
            print(f"  {name}")
        for key in flipped:
            print(f"  {key}: {here[key].verdict} here, {there[key].verdict} there")
        failed = failed or bool(different or flipped)
    if options.write:
        write_movements(moved, chosen, options.full)
    for setting in chosen:
        empty(setting)  # the next time runs are made anew, again
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
