"""What the chapter says in tables and ranges, as Markdown."""

from __future__ import annotations

import xarray as xr

from replications.core.estimates import mean
from replications.core.numbers import number
from replications.papers.radam.experiments.sensitivity import good_range
from replications.papers.radam.experiments.translation import (
    ADAM_2K,
    by_first_update,
    final,
    first_updates,
    ten_updates,
    trained,
)


def trial(runs: xr.Dataset) -> str:
    """Length of the first steps, gradients in v, and outcome of every arm."""
    rows = [
        "| arm | first update, learning rates | first ten, added | gradients in $v$ | final loss "
        "| seeds trained |",
        "|---|---|---|---|---|---|",
    ]
    for arm in by_first_update(runs):
        steps = (first_updates(runs, arm).sel(early=1), ten_updates(runs, arm))
        first, ten = (number(x.item(), digits=2) for x in steps)
        seen = 1 + ADAM_2K.freeze * ("2k" in arm)
        loss, wins = mean(final(runs, arm).values, "over seeds"), trained(runs, arm)
        count = f"{wins.sum().item()} of {wins.size}"
        rows.append(f"| {arm} | {first} | {ten} | {seen} | {loss:value} | {count} |")
    return "\n".join(rows)


def good_rates(sweep: xr.Dataset, arm: str) -> str:
    """The good range of an arm in words, mean over the seeds of its ends' logarithms."""
    ends = 10 ** good_range(sweep, arm).mean("seed")
    low, high = (number(ends.sel(end=end).item(), digits=1) for end in ("low", "high"))
    return f"{low} to {high}"
