"""A result as a table for other programs: one row a number, its labels in columns."""

from __future__ import annotations

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


def csv(experiment: Experiment, tier: Tier) -> str:
    """An experiment's result as comma-separated values, nine significant digits."""
    text: str = table(experiment.result(tier)).to_csv(
        index=False, float_format="%.9g", lineterminator="\n"
    )
    return text
