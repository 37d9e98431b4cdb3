"""`python -m replications`: list, run, claims, figure, verify."""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from replications import papers


def slugs() -> list[str]:
    """The papers of the book: the folders below `papers`."""
    return sorted(module.name for module in pkgutil.iter_modules(papers.__path__) if module.ispkg)


def _part(slug: str, part: str) -> Any:
    return importlib.import_module(f"replications.papers.{slug}.{part}")


def _list(args: argparse.Namespace) -> int:
    for slug in slugs():
        print(slug)
        for experiment in _part(slug, "experiments").EXPERIMENTS:
            tiers = "quick, full" if experiment.full is not None else "quick"
            print(f"  experiment {experiment.name} ({tiers})")
        for name in _part(slug, "figures").FIGURES:
            print(f"  figure     {name}")
        print(f"  claims     {len(_part(slug, 'claims').CLAIMS)}")
    return 0


def _run(args: argparse.Namespace) -> int:
    experiments = _part(args.slug, "experiments").EXPERIMENTS
    names = [e.name for e in experiments]
    if args.only and args.only not in names:
        raise SystemExit(f"--only must be one of {', '.join(names)}, got {args.only}")
    with _backend(args.scheduler):
        for experiment in experiments:
            if args.only not in (None, experiment.name):
                continue
            if args.tier == "quick":
                experiment.result("quick", jobs=args.jobs)
                print(f"{args.slug}/{experiment.name}: quick result is in the cache", flush=True)
            elif experiment.full is not None:
                written = experiment.record(jobs=args.jobs)
                names_written = ", ".join(path.name for path in written)
                print(f"{args.slug}/{experiment.name}: recorded {names_written}", flush=True)
    return 0


def _backend(scheduler: str | None) -> Any:
    """joblib's backend: processes of this machine, or the Dask cluster at an address."""
    if scheduler is None:
        return nullcontext()
    from dask.distributed import Client
    from joblib import parallel_config

    Client(scheduler)
    return parallel_config("dask", n_jobs=-1)  # every worker of the cluster


def _claims(args: argparse.Namespace) -> int:
    from replications.core.claims import measure

    chosen = [args.slug] if args.slug else slugs()
    rows = [row for slug in chosen for row in measure(_part(slug, "claims").CLAIMS)]
    if args.json:
        print(json.dumps({"claims": [row.row() for row in rows]}, indent=1, ensure_ascii=False))
    else:
        for row in rows:
            print(f"{row.verdict:<15} {row.claim.id}: {row.claim.says}")
            print(f"{'':<15} expected {row.claim.expect}, measured {row.estimate}")
    wrong = [row for row in rows if not row.holds]
    for row in wrong:
        print(
            f"{row.claim.id}: measured {row.verdict}, published {row.claim.verdict}",
            file=sys.stderr,
        )
    return 1 if wrong else 0


def _figure(args: argparse.Namespace) -> int:
    from replications.core.figures import render

    figures = _part(args.slug, "figures").FIGURES
    if args.name not in figures:
        raise SystemExit(f"{args.slug} has the figures {', '.join(figures)}; not {args.name}")
    kind = args.output.suffix.removeprefix(".")
    if kind not in ("svg", "png"):
        raise SystemExit(f"-o must end in .svg or .png, got {args.output.name}")
    draw, experiment, tier = figures[args.name]
    _, (data,) = render(draw, experiment.result(tier), args.theme, kind)
    args.output.write_bytes(data)
    print(args.output)
    return 0


def _verify(args: argparse.Namespace) -> int:
    from replications.core.store import StoreError

    stale = 0
    for slug in slugs():
        for experiment in _part(slug, "experiments").EXPERIMENTS:
            try:
                experiment.check_records()
            except StoreError as error:
                stale += 1
                print(f"{slug}/{experiment.name}: {error}", file=sys.stderr)
    print(f"{stale} experiments have stale or damaged records" if stale else "all records fit")
    return 1 if stale else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="replications", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("list", help="papers, their experiments, figures and claims")
    command.set_defaults(call=_list)

    command = commands.add_parser("run", help="run a paper's experiments")
    _add_slug(command)
    command.add_argument("--only", metavar="NAME", help="one experiment")
    command.add_argument(
        "--tier",
        choices=["quick", "full"],
        default="quick",
        help="quick fills the cache, full writes the records; default quick",
    )
    command.add_argument(
        "--jobs", type=_positive, help="processes at a time; default 1, or all of a cluster"
    )
    command.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask cluster")
    command.set_defaults(call=_run)

    command = commands.add_parser("claims", help="measure claims; exit 1 if a verdict differs")
    _add_slug(command, nargs="?")
    command.add_argument("--json", action="store_true", help="as the site's claims.json")
    command.set_defaults(call=_claims)

    command = commands.add_parser("figure", help="draw one figure into a file")
    _add_slug(command)
    command.add_argument("name", metavar="NAME")
    command.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")
    command.add_argument("--theme", choices=["light", "dark"], default="light")
    command.set_defaults(call=_figure)

    command = commands.add_parser("verify", help="check that every record fits today's code")
    command.set_defaults(call=_verify)
    return parser


def _add_slug(command: argparse.ArgumentParser, nargs: str | None = None) -> None:
    command.add_argument("slug", choices=slugs(), metavar="SLUG", nargs=nargs)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {number}")
    return number


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    from replications.core.store import StoreError

    args = _parser().parse_args(argv)
    try:
        status: int = args.call(args)
    except StoreError as error:  # a record is missing or stale: the message says how to renew it
        print(error, file=sys.stderr)
        return 2
    return status
