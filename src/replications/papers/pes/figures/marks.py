"""How the chapter draws an arm: a band over time, a row of points at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from replications.core.figures import strip
from replications.core.numbers import number
from replications.papers.pes.look import COLOR, MARKER, method

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def band(axis: Axes, x: xr.DataArray, curve: xr.DataArray, arm: str, **style: object) -> float:
    """Median and range over seeds; returns the last median."""
    color, middle = COLOR[method(arm)], curve.median("seed")
    low, high = curve.min("seed"), curve.max("seed")
    axis.fill_between(x, low, high, color=color, alpha=0.13, linewidth=0)
    marker = {"marker": MARKER[method(arm)], "markevery": (0.05, 0.22)}
    axis.plot(x, middle, color=color, **(marker | style))  # type: ignore[arg-type]
    return float(middle[-1])


def rows(axis: Axes, ends: dict[str, xr.DataArray]) -> list[str]:
    """A row an arm, the first highest, a bar at the median; returns the medians in words."""
    color, marker = ({arm: look[method(arm)] for arm in ends} for look in (COLOR, MARKER))
    values = {arm: ends[arm].values for arm in reversed(ends)}
    strip(axis, values, color, marker, np.median)
    axis.grid(axis="y", visible=False)
    return [f"{arm} {number(np.median(values[arm]), digits=2)}" for arm in ends]
