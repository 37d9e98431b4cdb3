"""`python -m replications`: list, run, claims, figure, verify."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from replications.core import registry
from replications.core.experiment import Experiment

COSTS = """
what to expect, on one core:
  list            a tree of names              5 s     0.3 GB
  verify          one line                     5 s     0.3 GB; --rerun as long as run --tier full
  figure          the file's name              10 s    0.4 GB
  claims SLUG     two lines a claim            60 s    0.4 GB; --fresh an hour
  run SLUG        one line an experiment       60 s    0.5 GB
  run --tier full one line an experiment       minutes to an hour a paper, 0.6 GB

exit status: 0 as published; 1 a verdict or a record differs; 2 a record is missing or stale
"""


def _list(args: argparse.Namespace) -> int:
    for slug in registry.slugs():
        paper = registry.paper(slug)
        print(slug)
        for experiment in paper.experiments.values():
            tiers = "quick, full" if experiment.full is not None else "quick"
            print(f"  experiment {experiment.name} ({tiers})")
        for name in paper.figures:
            print(f"  figure     {name}")
        print(f"  claims     {len(paper.claims)}")
    return 0


def _chosen(slug: str | None, only: str | None = None) -> Iterator[Experiment]:
    """Experiments of one paper or of all, perhaps only the one of a name."""
    experiments = {
        name: experiment
        for chosen in ([slug] if slug else registry.slugs())
        for name, experiment in registry.paper(chosen).experiments.items()
    }
    if only and only not in experiments:
        raise SystemExit(f"--only must be one of {', '.join(experiments)}, got {only}")
    return (e for name, e in experiments.items() if only in (None, name))


def _run(args: argparse.Namespace) -> int:
    with _backend(args.scheduler):
        for experiment in _chosen(args.slug, args.only):
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
    from replications.core import rows
    from replications.core.claims import measure

    chosen = [args.slug] if args.slug else registry.slugs()
    measured = [
        row for slug in chosen for row in measure(registry.paper(slug).claims.values(), args.fresh)
    ]
    if args.json:
        print(json.dumps(rows.document(measured), indent=1, ensure_ascii=False))
    else:
        for row in measured:
            print(rows.as_text(rows.row(row)))
    wrong = [row for row in measured if not row.holds]
    for row in wrong:
        print(
            f"{row.claim.id}: measured {row.verdict}, published {row.claim.verdict}",
            file=sys.stderr,
        )
    return 1 if wrong else 0


def _figure(args: argparse.Namespace) -> int:
    from replications.core.figures import render

    figures = registry.paper(args.slug).figures
    if args.name not in figures:
        raise SystemExit(f"{args.slug} has the figures {', '.join(figures)}; not {args.name}")
    kind = args.output.suffix.removeprefix(".")
    if kind not in ("svg", "png"):
        raise SystemExit(f"-o must end in .svg or .png, got {args.output.name}")
    _, (data,) = render(figures[args.name], args.theme, kind)
    args.output.write_bytes(data)
    print(args.output)
    return 0


def _verify(args: argparse.Namespace) -> int:
    from replications.core.store import StoreError, distance

    stale = 0
    for experiment in _chosen(args.slug, args.only):
        if experiment.full is None:
            continue
        name = f"{experiment.slug}/{experiment.name}"
        try:
            recorded = experiment.result("full")
        except StoreError as error:
            stale += 1
            print(f"{name}: {error}", file=sys.stderr)
            continue
        if args.rerun:
            apart = distance(recorded, experiment.result("full", jobs=args.jobs, fresh=True))
            print(
                f"{name}: a run here differs by at most {apart:.1e} of a variable's largest value"
            )
    print(f"{stale} experiments have stale or damaged records" if stale else "all records fit")
    return 1 if stale else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="replications",
        description=__doc__,
        epilog=COSTS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
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
    command.add_argument(
        "--fresh", action="store_true", help="recorded runs are made anew: an hour of one core"
    )
    command.set_defaults(call=_claims)

    command = commands.add_parser("figure", help="draw one figure into a file")
    _add_slug(command)
    command.add_argument("name", metavar="NAME")
    command.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")
    command.add_argument("--theme", choices=["light", "dark"], default="light")
    command.set_defaults(call=_figure)

    command = commands.add_parser("verify", help="check that every record fits today's code")
    _add_slug(command, nargs="?")
    command.add_argument("--only", metavar="NAME", help="one experiment")
    command.add_argument(
        "--rerun", action="store_true", help="make the runs again and print how far they differ"
    )
    command.add_argument("--jobs", type=_positive, help="processes at a time; default 1")
    command.set_defaults(call=_verify)
    return parser


def _add_slug(command: argparse.ArgumentParser, nargs: str | None = None) -> None:
    command.add_argument("slug", choices=registry.slugs(), metavar="SLUG", nargs=nargs)


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
