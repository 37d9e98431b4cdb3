"""Run every benchmark, keep what it measured, and write the page that says so.

    python benchmarks/page.py                run all (ten minutes); write results.json and the page
    python benchmarks/page.py --only pes     run bench_pes.py alone and keep the others' results
    python benchmarks/page.py --write        write the page from the stored results

results.json holds what one run measured on one machine; `make test` holds the page against it.
"""

# ruff: noqa: E501  # lines of the page
from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
PAGE = HERE.parent / "chapters" / "benchmarks.md"
PACKAGES = {
    "torch": "torch",
    "numpy": "numpy",
    "pytorch_optimizer": "pytorch_optimizer",
    "torchopt": "torchopt",
    "betty-ml": "betty-ml",
    "optax": "optax",
    "jax": "jax",
    "evosax": "evosax",
}
"""How a peer's name begins: its distribution."""
CLOSE = 1.03
"""Ratios nearer to 1 than this are called equal: they change sides from run to run."""

HEAD = """---
myst:
  html_meta:
    "description": Our methods' speed beside other libraries and beside what the processor allows.
---

# Benchmarks

How fast the [methods](api/methods.md) are beside other libraries, and beside what the processor allows. `make bench` measures on your
machine and writes this page again; it needs the peers, `.venv/bin/pip install -e '.[bench]'`, takes about ten minutes and less
than 4 GB. Peers that are not installed are left out.

## How it is measured

All candidates of a table run in one process on one thread, in random order in every round. A figure is the median over the rounds of the
ratio of CPU times to one of them, scaled so that our best is 1, with the quartiles in brackets: below 1 is faster than ours. The last column is
the median time here; other work on a machine slows all candidates alike, so read the ratios, not the milliseconds. Peers are called as their documentation suggests; before timing, results are compared wherever the candidates compute the same
thing. A row *limit* computes nothing useful: it does what no implementation can avoid, as torch does it.

Measured on {date}: {machine}.

## Where we are not the fastest

{worse}

## All tables
"""


def run(only: list[str], before: list[dict[str, Any]]) -> dict[str, Any]:
    """Run scripts, one after the other, and gather their tables.

    Args:
        only: names of scripts without bench_; none for all.
        before: tables of an earlier run, kept for the scripts that are not run.
    """
    import torch  # noqa: F401  # else `machine` does not know its instructions

    from replications.core.store import machine

    names = [script.stem.removeprefix("bench_") for script in sorted(HERE.glob("bench_*.py"))]
    if unknown := set(only) - set(names):
        raise SystemExit(f"--only must be among {', '.join(names)}; got {', '.join(unknown)}")
    tables = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "tables.jsonl"
        for name in names:
            if only and name not in only:
                tables += [table for table in before if table["script"] == name]
                continue
            file.write_text("")
            subprocess.run(
                [sys.executable, HERE / f"bench_{name}.py"],
                env=os.environ | {"BENCH_RESULTS": str(file)},
                check=True,
            )
            lines = file.read_text(encoding="utf8").splitlines()
            tables += [{"script": name, **json.loads(line)} for line in lines]
    found = {row["name"] for table in tables for row in table["rows"]}
    used = {package for name in found if (package := _package(name))} | {"torch"}
    about = machine()
    return {
        "date": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}",
        "machine": f"{about['processor']}, {about['instructions']}, {about['system']}",
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in sorted(used)},
        "tables": tables,
    }


def page(results: dict[str, Any]) -> str:
    """The page as Markdown; everything that it says of speed follows from the results."""
    worse, tables = [], []
    for table in results["tables"]:
        own = sorted((r for r in table["rows"] if _kind(r) == "ours"), key=_median)
        peers = [r for r in table["rows"] if _kind(r) == "peer" and "(wrong)" not in r["name"]]
        lines, best = [f"### {table['title']}", ""], own[0]
        verdict = "No peer does this."
        if peers:
            peer = min(peers, key=_median)
            ratio = peer["median"] / best["median"]
            verdict = f"{_name(peer)}, the fastest peer, takes {_ratio(ratio)} of our time."
            if ratio >= CLOSE:
                verdict = f"{_name(peer)}, the fastest peer, takes {_ratio(ratio)} times as long."
            # the row called "ours" is what a user calls; another of ours may serve some only
            for ours in [best] + [row for row in own[1:] if row["name"] == "ours"]:
                ratio = ours["median"] / peer["median"]
                if ratio > 1 / CLOSE:
                    how = "as fast" if ratio < CLOSE else f"{_ratio(ratio)} times as fast"
                    name = "" if ours["name"] == "ours" else f" as our best, *{ours['name']}*"
                    if ours is not best:
                        name = " as our general route"
                        if best["median"] < peer["median"]:
                            name += f"; *{best['name']}* is faster than both"
                    worse.append(f"- {table['title']}: {_name(peer)} is {how}{name}.")
        for row in table["rows"]:
            if _kind(row) == "limit":
                ratio = best["median"] / row["median"]
                verdict += (
                    f" Ours takes {_ratio(ratio)} times the limit."
                    if ratio >= 1
                    else " The limit's passes, kept apart as torch does them, take longer than ours."
                )
        lines += [" ".join(filter(None, [verdict, table["note"]])), ""]
        lines += ["| candidate | version | time over ours | here, ms |", "|---|---|---|---|"]
        for row in sorted(table["rows"], key=_median):
            package = _package(row["name"])
            cells = [
                f"**{_name(row)}**" if _kind(row) == "ours" else _name(row),
                results["versions"].get(package, "") if package else "",
                "{} [{}, {}]".format(
                    *(_ratio(row[key] / best["median"]) for key in ("median", "low", "high"))
                ),
                _ratio(row["milliseconds"]),
            ]
            lines.append("| " + " | ".join(cells) + " |")
        tables.append("\n".join(lines))
    head = HEAD.format(
        date=results["date"],
        machine=f"{results['machine']}; Python {results['python']}, torch {results['versions']['torch']}",
        worse="\n".join(worse) or "Nowhere in this run.",
    )
    return head + "\n" + "\n\n".join(tables) + "\n"


def _kind(row: dict[str, Any]) -> str:
    start = row["name"].partition(":")[0].partition(",")[0]
    return start if start in ("ours", "limit", "unit") else "peer"


def _name(row: dict[str, Any]) -> str:
    kind, name = _kind(row), row["name"]
    if kind == "unit":
        return name.removeprefix("unit: ")
    return f"*{kind}*: {name.removeprefix('limit: ')}" if kind == "limit" else name


def _median(row: dict[str, Any]) -> float:
    return float(row["median"])


def _ratio(value: float) -> str:
    """Two digits, three above 1: what a second run repeats."""
    return f"{value:.2g}" if value < 1 else f"{value:.2f}" if value < 10 else f"{value:.0f}"


def _package(name: str) -> str | None:
    """The distribution that a candidate comes from; None for ours and for limits."""
    name = name.removeprefix("unit: ")
    found = [start for start in PACKAGES if name.startswith(start)]
    return PACKAGES[max(found, key=len)] if found else None


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def main() -> None:
    """Run and write, or only write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true", help="only the page, from results.json")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="such as pes radam")
    options = parser.parse_args()
    if not options.write:
        before = json.loads(RESULTS.read_text(encoding="utf8"))["tables"] if options.only else []
        results = run(options.only, before)
        RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf8")
    PAGE.write_text(page(json.loads(RESULTS.read_text(encoding="utf8"))), encoding="utf8")
    print(PAGE)


if __name__ == "__main__":
    main()
