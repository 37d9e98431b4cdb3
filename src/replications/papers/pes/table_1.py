"""Table 1 of the paper as Markdown, every cell counted or measured."""

from __future__ import annotations

import xarray as xr

from replications.core.estimates import mean
from replications.core.numbers import error as rounding
from replications.core.numbers import number
from replications.papers.pes.experiments.table import kept

HEAD = (
    "method",
    "steps an update",
    "numbers kept, T = 24 / 240",
    "error of the mean, %",
    "on a staircase",
    "ripple felt, %",
)


def table_1(result: xr.Dataset) -> str:
    """One row a method."""
    rows = [HEAD, ("---",) * len(HEAD)]
    for arm in result["arm"].values.tolist():
        one = result.sel(arm=arm)
        error = 100 * mean(one["error"].values, "")
        half = error.half_width
        stair = one["rounded"].mean().item()
        cells = (
            arm,
            number(one["steps"].item()) + (", differentiated" if one["differentiated"] else ""),
            " / ".join(
                number(kept(result, arm, T).item()) for T in result["horizon"].values.tolist()
            ),
            # a deterministic method's batches are one number, up to rounding
            rounding(error.value)
            if half < 1e-6
            else f"{number(error.value, half, 1)} ± {number(half, digits=1)}",
            number(stair, digits=2) if stair else "no gradient",
            number(round(100 * one["ripple"].item())),
        )
        rows.append(cells)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)
