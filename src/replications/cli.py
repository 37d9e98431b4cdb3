"""`python -m replications`: list, run, claims, figure, verify."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import warnings
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor
from contextlib import nullcontext
from pathlib import Path

from replications.core import registry, store
from replications.core.cluster import cluster
from replications.core.errors import ArgumentError, ClusterError, DataError, LibraryError
from replications.core.experiment import DATA_VARIABLE, Experiment

KEPT = "the parts that were done are kept, and the same command goes on from there"

COSTS = """
what to expect, on one core:
  list            a tree of names              5 s     0.3 GB
  verify          one line                     5 s     0.3 GB; --rerun hours, a line an experiment
  figure          the file's name              10 s    0.4 GB
  claims SLUG     two lines a claim            60 s    0.4 GB; --fresh hours
  run SLUG        one line an experiment       60 s    0.5 GB
  run --tier full one line an experiment       minutes to an hour a paper, 0.6 GB

exit status: 0 as published; 1 a verdict or a record differs; 2 not all could be checked: a record
is missing or stale, a library is not installed, or an argument is wrong
"""

TOLERANCE = 1e-6
"""How far a run may lie from its record, relative to a variable's largest value. On the processor
and with the versions of the record it repeats bit for bit; on others chaotic runs lie further."""


def _list(args: argparse.Namespace) -> int:
    for slug in registry.slugs():
        paper = registry.paper(slug)
        print(slug)
        for experiment in paper.experiments.values():
            presets = ("quick", "full", "paper")
            tiers = [name for name in presets if getattr(experiment, name) is not None]
            print(f"  experiment {experiment.name} ({', '.join(tiers)})")
        for name in paper.figures:
            print(f"  figure     {name}")
        print(f"  claims     {len(paper.claims)}")
    return 0


def _chosen(slug: str | None, only: str | None = None) -> list[Experiment]:
    """Experiments of one paper or of all, perhaps only those of a name, which papers may share."""
    papers = [registry.paper(chosen) for chosen in ([slug] if slug else registry.slugs())]
    experiments = [e for paper in papers for e in paper.experiments.values()]
    chosen = [e for e in experiments if only in (None, e.name)]
    if not chosen:
        names = ", ".join(dict.fromkeys(e.name for e in experiments))
        raise ArgumentError(f"--only must be one of {names}, got {only}")
    return chosen


def _run(args: argparse.Namespace) -> int:
    status = 0
    with cluster(args.scheduler) if args.scheduler else nullcontext():
        chosen = [e for e in _chosen(args.slug, args.only) if getattr(e, args.tier) is not None]
        if not chosen:
            raise ArgumentError(f"{args.only or args.slug} has no {args.tier} preset")
        for experiment in chosen:
            try:
                done = _run_one(experiment, args)
            except LibraryError as error:  # the others need none
                print(error, file=sys.stderr)
                status = 2
            else:
                print(f"{experiment.slug}/{experiment.name}: {done}", flush=True)
    return status


def _run_one(experiment: Experiment, args: argparse.Namespace) -> str:
    if args.tier == "paper":
        result = experiment.at_paper_size(args.data, args.device, args.jobs)
        return f"{store.cache_folder()} keeps\n{result}"
    if args.tier == "quick":
        experiment.result("quick", jobs=args.jobs)
        return "quick result is in the cache"
    return "recorded " + ", ".join(path.name for path in experiment.record(jobs=args.jobs))


def _claims(args: argparse.Namespace) -> int:
    from replications.core import rows
    from replications.core.claims import Measured, measure

    slugs = [args.slug] if args.slug else registry.slugs()
    chosen = [claim for slug in slugs for claim in registry.paper(slug).claims.values()]
    measured: list[Measured] = []
    with store.anew() if args.fresh else nullcontext():
        for claim in chosen:
            try:
                measured += measure([claim], args.fresh)
            except LibraryError as error:
                print(f"{claim.id}: not measured: {error}", file=sys.stderr)
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
    return 1 if wrong else 2 if len(measured) < len(chosen) else 0


def _figure(args: argparse.Namespace) -> int:
    from replications.core.figures import render

    figures = registry.paper(args.slug).figures
    if args.name not in figures:
        raise ArgumentError(f"{args.slug} has the figures {', '.join(figures)}; not {args.name}")
    shown, kind = figures[args.name], args.output.suffix.removeprefix(".")
    if kind == "csv":
        from replications.core.tables import csv

        data = csv(shown.on, shown.tier).encode()
    elif kind in ("svg", "png"):
        _, (data,) = render(shown, args.theme, kind)
    else:
        raise ArgumentError(f"-o must end in .svg, .png or .csv, got {args.output.name}")
    try:
        args.output.write_bytes(data)
    except OSError as error:
        raise ArgumentError(f"{args.output} cannot be written: {error.strerror}") from error
    print(args.output)
    return 0


def _verify(args: argparse.Namespace) -> int:
    chosen = [e for e in _chosen(args.slug, args.only) if e.full is not None]
    if not chosen:
        raise ArgumentError(f"{args.only or args.slug} has no full preset: nothing is recorded")
    with store.anew() if args.rerun else nullcontext():
        unchecked, apart = _against_records(chosen, args)
    if unchecked:
        print(f"{unchecked} of {len(chosen)} experiments could not be checked")
    if apart:
        print(
            f"{apart} of {len(chosen)} differ by more than {args.tolerance:g}. With the record's "
            "processor and versions none should; elsewhere `claims --fresh` judges the verdicts"
        )
    if not unchecked and not apart:
        print("all records fit" + ", and so do runs made here" * args.rerun)
    return 1 if apart else 2 if unchecked else 0


def _against_records(chosen: list[Experiment], args: argparse.Namespace) -> tuple[int, int]:
    """How many experiments could not be checked, and how many runs lie beyond the tolerance."""
    unchecked = beyond = 0
    for experiment in chosen:
        name = f"{experiment.slug}/{experiment.name}"
        try:
            recorded = experiment.result("full")
        except store.StoreError as error:
            unchecked += 1
            print(f"{name}: {error}", file=sys.stderr)
            continue
        if not args.rerun:
            continue
        try:
            apart = store.distance(recorded, experiment.result("full", args.jobs, fresh=True))
        except LibraryError as error:
            unchecked += 1
            print(error, file=sys.stderr)
            continue
        differs = (
            f"by at most {apart:.1e} of a variable's largest value"
            if math.isfinite(apart)
            else "in labels, shapes, words, truth values or the places of nan"
        )
        print(f"{name}: a run here differs {differs if apart else 'nowhere'}", flush=True)
        beyond += apart > args.tolerance
    return unchecked, beyond


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
        choices=["quick", "full", "paper"],
        default="quick",
        help="quick fills the cache, full writes the records, paper has the paper's size and reads "
        "data of yours; default quick",
    )
    command.add_argument(
        "--data", metavar="FOLDER", help=f"of the standard files; default ${DATA_VARIABLE}"
    )
    command.add_argument(
        "--device", default="cuda", help="of the paper tier: cuda or cpu; default cuda"
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
        "--fresh", action="store_true", help="all runs are made anew: hours of one core"
    )
    command.set_defaults(call=_claims)

    command = commands.add_parser("figure", help="one figure, or the data behind it, into a file")
    _add_slug(command)
    command.add_argument("name", metavar="NAME")
    command.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help=".svg, .png or .csv"
    )
    command.add_argument("--theme", choices=["light", "dark"], default="light")
    command.set_defaults(call=_figure)

    command = commands.add_parser("verify", help="check that every record fits today's code")
    _add_slug(command, nargs="?")
    command.add_argument("--only", metavar="NAME", help="one experiment")
    command.add_argument(
        "--rerun", action="store_true", help="make the runs again and print how far they differ"
    )
    command.add_argument(
        "--tolerance",
        type=float,
        default=TOLERANCE,
        metavar="X",
        help="of --rerun: exit 1 where a number differs by more than this share of its variable's "
        f"largest, or anything else at all; default {TOLERANCE:g}",
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
    args = _parser().parse_args(argv)
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_: print(f"warning: {message}", file=sys.stderr)
        try:
            status: int = args.call(args)
            sys.stdout.flush()  # a closed pipe is met here, not at the interpreter's end
        except BrokenPipeError:  # `| head` has read enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 141  # 128 + SIGPIPE, as shells have it
        except (store.StoreError, ArgumentError, DataError, ClusterError) as error:
            # it says what to do
            print(error, file=sys.stderr)
            return 2
        except BrokenExecutor:
            print(f"a worker process died, killed or out of memory; {KEPT}", file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print(f"stopped; {KEPT}", file=sys.stderr)
            return 130  # as shells have it
    return status
