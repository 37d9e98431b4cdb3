"""How the chapter draws an arm: a band over time, a row of dots at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

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


def dots(axis: Axes, y: float, values: xr.DataArray, arm: str) -> float:
    """A dot a seed and a bar at the median, which is returned."""
    color, middle = COLOR[method(arm)], values.median().item()
    axis.plot(values, np.full(values.size, y), MARKER[method(arm)], color=color, alpha=0.7)
    axis.plot([middle] * 2, [y - 0.32, y + 0.32], color=color, linewidth=2)
    return float(middle)
