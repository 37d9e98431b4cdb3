"""`python -m replications`: list, run, claims, figure, verify."""

from __future__ import annotations

import argparse
import json
import os
import sys
import warnings
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor
from contextlib import nullcontext
from pathlib import Path

from replications.core import registry, store
from replications.core.cluster import cluster
from replications.core.errors import ClusterError, DataError
from replications.core.experiment import DATA_VARIABLE, Experiment

KEPT = "the parts that were done are kept, and the same command goes on from there"

COSTS = """
what to expect, on one core:
  list            a tree of names              5 s     0.3 GB
  verify          one line                     5 s     0.3 GB; --rerun as long as run --tier full
  figure          the file's name              10 s    0.4 GB
  claims SLUG     two lines a claim            60 s    0.4 GB; --fresh hours
  run SLUG        one line an experiment       60 s    0.5 GB
  run --tier full one line an experiment       minutes to an hour a paper, 0.6 GB

exit status: 0 as published; 1 a verdict or a record differs; 2 a record is missing or stale
"""


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
        raise SystemExit(f"--only must be one of {names}, got {only}")
    return chosen


def _run(args: argparse.Namespace) -> int:
    with cluster(args.scheduler) if args.scheduler else nullcontext():
        chosen = [e for e in _chosen(args.slug, args.only) if getattr(e, args.tier) is not None]
        if not chosen:
            raise SystemExit(f"{args.only or args.slug} has no {args.tier} preset")
        for experiment in chosen:
            if args.tier == "paper":
                result = experiment.at_paper_size(args.data, args.device, args.jobs)
                print(f"{args.slug}/{experiment.name}: {store.cache_folder()} keeps\n{result}")
            elif args.tier == "quick":
                experiment.result("quick", jobs=args.jobs)
                print(f"{args.slug}/{experiment.name}: quick result is in the cache", flush=True)
            else:
                written = experiment.record(jobs=args.jobs)
                names_written = ", ".join(path.name for path in written)
                print(f"{args.slug}/{experiment.name}: recorded {names_written}", flush=True)
    return 0


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
    shown, kind = figures[args.name], args.output.suffix.removeprefix(".")
    if kind == "csv":
        from replications.core.tables import csv

        text = "\n".join(csv(experiment, shown.tier) for experiment in shown.on)
        args.output.write_text(text, encoding="utf8")
    elif kind in ("svg", "png"):
        _, (data,) = render(shown, args.theme, kind)
        args.output.write_bytes(data)
    else:
        raise SystemExit(f"-o must end in .svg, .png or .csv, got {args.output.name}")
    print(args.output)
    return 0


def _verify(args: argparse.Namespace) -> int:
    stale = 0
    for experiment in _chosen(args.slug, args.only):
        if experiment.full is None:
            continue
        name = f"{experiment.slug}/{experiment.name}"
        try:
            recorded = experiment.result("full")
        except store.StoreError as error:
            stale += 1
            print(f"{name}: {error}", file=sys.stderr)
            continue
        if args.rerun:
            apart = store.distance(recorded, experiment.result("full", jobs=args.jobs, fresh=True))
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
        "--fresh", action="store_true", help="recorded runs are made anew: hours of one core"
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
        except (store.StoreError, DataError, ClusterError) as error:  # it says what to do
            print(error, file=sys.stderr)
            return 2
        except BrokenExecutor:
            print(f"a worker process died, killed or out of memory; {KEPT}", file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print(f"stopped; {KEPT}", file=sys.stderr)
            return 130  # as shells have it
    return status
