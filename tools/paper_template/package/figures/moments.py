"""The figure of the moments: an example to replace."""

from __future__ import annotations

import xarray as xr
from matplotlib import pyplot as plt

from replications.core.figures import WIDTH, Drawing, figure
from replications.core.numbers import row
from replications.papers.SLUG.experiments.moments import moments
from replications.papers.SLUG.experiments.moments import spread as spread_of
from replications.papers.SLUG.look import COLOR, MARKER


@figure(on=moments)
def spread(result: xr.Dataset) -> Drawing:
    """How far the estimates of one centre scatter, against the numbers drawn."""
    canvas, axes = plt.subplots(figsize=(WIDTH, 2.6))
    lines = []
    for arm in result.arm.values.tolist():
        found = spread_of(result, arm)
        axes.plot(found.draws, found, color=COLOR[arm], marker=MARKER[arm], label=arm)
        lines.append(f"{arm}: {row(found.values, digits=2)}")
    axes.set(xscale="log", yscale="log", xlabel="numbers drawn", ylabel="standard deviation")
    axes.legend()
    return Drawing(
        canvas,
        "Two falling lines: the median of uniform numbers scatters more than their mean.",
        "\n".join(lines),
    )
