"""Planted mistakes: what a wrong method would have given, made from a right result.

A claim that is reproduced names one; a test judges it there and finds that it no longer holds. A
claim that survives its mistake cannot fail.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

Planted = Callable[..., tuple[Any, ...]]


def swap(dim: str, a: Any, b: Any) -> Planted:
    """Two arms taken for one another: the data of two labels of an axis are exchanged.

    Args:
        dim: the axis; results without it, or without one of the labels, stay as they are.
        a: a label.
        b: another.
    """

    def planted(*results: xr.Dataset) -> tuple[xr.Dataset, ...]:
        return _somewhere(
            results, lambda r: {a, b} <= _labels(r, dim), exchanged, f"{dim} {a}, {b}"
        )

    def exchanged(result: xr.Dataset) -> xr.Dataset:
        order = np.arange(result.sizes[dim])
        i, j = (result[dim].values.tolist().index(label) for label in (a, b))
        order[[i, j]] = order[[j, i]]
        return result.isel({dim: order}).assign_coords({dim: result[dim]})

    return planted


def same(dim: str, wrong: Any, right: Any) -> Planted:
    """An arm that was never run: the data of one label stand under another, too.

    Args:
        dim: the axis; results without it, or without one of the labels, stay as they are.
        wrong: the label whose data are lost.
        right: the label whose data take their place.
    """

    def planted(*results: xr.Dataset) -> tuple[xr.Dataset, ...]:
        return _somewhere(
            results, lambda r: {wrong, right} <= _labels(r, dim), copied, f"{dim} {wrong}, {right}"
        )

    def copied(result: xr.Dataset) -> xr.Dataset:
        labels = result[dim].values.tolist()
        order = np.arange(len(labels))
        order[labels.index(wrong)] = labels.index(right)
        return result.isel({dim: order}).assign_coords({dim: result[dim]})

    return planted


def scaled(variable: str, factor: float) -> Planted:
    """A wrong constant: a variable times a factor; 1.01 for a formula that is off by 1 %."""

    def planted(*results: xr.Dataset) -> tuple[xr.Dataset, ...]:
        return _somewhere(results, lambda r: variable in r, changed, variable)

    def changed(result: xr.Dataset) -> xr.Dataset:
        return result.assign({variable: result[variable] * factor})

    return planted


def shifted(variable: str, by: float) -> Planted:
    """A missing or surplus term: a variable plus a constant."""

    def planted(*results: xr.Dataset) -> tuple[xr.Dataset, ...]:
        return _somewhere(results, lambda r: variable in r, changed, variable)

    def changed(result: xr.Dataset) -> xr.Dataset:
        return result.assign({variable: result[variable] + by})

    return planted


def _labels(result: xr.Dataset, dim: str) -> set[Any]:
    return set(result[dim].values.tolist()) if dim in result.coords else set()


def _somewhere(
    results: tuple[xr.Dataset, ...],
    fits: Callable[[xr.Dataset], bool],
    change: Callable[[xr.Dataset], xr.Dataset],
    what: str,
) -> tuple[xr.Dataset, ...]:
    if not any(fits(result) for result in results):
        raise ValueError(f"no result has {what}: the mistake changes nothing")
    return tuple(change(result) if fits(result) else result for result in results)
