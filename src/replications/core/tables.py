"""A result as a table for other programs: one row a number, its labels in columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from replications.core.experiment import Experiment, Tier

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


def table(result: xr.Dataset) -> pd.DataFrame:
    """A row for each number of a result.

    Args:
        result: any experiment's.

    Returns:
        The columns `variable`, one for each axis of the result (empty where a variable has no such
        axis), `value` and `units`.
    """
    import pandas as pd

    parts = []
    for name, variable in result.data_vars.items():
        part = variable.to_series().rename("value").reset_index() if variable.dims else None
        if part is None:
            part = pd.DataFrame({"value": [variable.item()]})
        parts.append(part.assign(variable=str(name), units=variable.attrs.get("units", "")))
    axes = [str(axis) for axis in result.dims]
    return pd.concat(parts).reindex(columns=["variable", *axes, "value", "units"])


def csv(experiments: Sequence[Experiment], tier: Tier) -> str:
    """Results as comma-separated values, nine significant digits.

    Of several experiments it is one table, whose first column `experiment` says whose a row is.
    """
    import pandas as pd

    parts = [table(experiment.result(tier)) for experiment in experiments]
    names = [experiment.name for experiment in experiments]
    whole = pd.concat(parts, keys=names, names=["experiment"]).reset_index(0)
    last = ["value", "units"]
    first = ["experiment", "variable"] if len(parts) > 1 else ["variable"]
    columns = [*first, *(c for c in whole.columns if c not in {"experiment", *first, *last}), *last]
    text: str = whole[columns].to_csv(index=False, float_format="%.9g", lineterminator="\n")
    return text
