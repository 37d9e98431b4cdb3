"""Reading the Iris study: arms by name, early stopping, and the decay chosen on validation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from replications.papers.implicit.experiments import IRIS, iris

if TYPE_CHECKING:
    from jaxtyping import Float

ARM = "log, K=20"
"""Optimised decays at their best: correct hypergradient, log decays, 20 terms."""
SCALARS = ("no decay", "uniform 1e-5", "uniform 1e-3", "uniform 1e-2", "uniform 1e-1")
"""What the single decay is chosen from."""


def arms(results: tuple[iris.Result, ...]) -> dict[str, iris.Result]:
    """Results of QUICK or of FULL by the name of their arm."""
    full, quick = (IRIS.configs(tier) for tier in ("full", "quick"))
    configs = full if len(results) == len(full) else quick
    return {config.arm: result for config, result in zip(configs, results, strict=True)}


def early_stopped(
    result: iris.Result,
) -> tuple[Float[np.ndarray, " splits"], Float[np.ndarray, " splits"]]:
    """Test loss and accuracy where the validation loss is lowest, split by split."""
    best = result.val.argmin(1)
    rows = np.arange(len(best))
    return result.test[rows, best], result.accuracy[rows, best]


def tuned_scalar(
    by: dict[str, iris.Result],
) -> tuple[Float[np.ndarray, " splits"], Float[np.ndarray, " splits"]]:
    """Final test loss and accuracy of the scalar decay with the lowest final validation loss."""
    val, test, accuracy = (
        np.stack([getattr(by[name], field)[:, -1] for name in SCALARS])
        for field in ("val", "test", "accuracy")
    )
    best = val.argmin(0)
    columns = np.arange(len(best))
    return test[best, columns], accuracy[best, columns]
