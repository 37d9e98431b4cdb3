"""The figure of the trial: every arm at its own rate."""

from __future__ import annotations

import xarray as xr
from matplotlib import pyplot as plt

from replications.core.figures import WIDTH, Drawing, figure, strip
from replications.core.numbers import number, row
from replications.papers.untuned.experiments.trial import on_digits, on_translation
from replications.papers.untuned.look import COLOR, MARKER, NAME


@figure(on=(on_translation, on_digits))
def rule(translation: xr.Dataset, digits: xr.Dataset) -> Drawing:
    """A point for each judging seed, and their mean."""
    canvas, panels = plt.subplots(1, 2, figsize=(WIDTH, 3.0), sharey=True)
    lines, arms = [], list(reversed(NAME))
    for axes, result, what, name in (
        (panels[0], translation, "loss", "Transformer: loss on new data, nats"),
        (panels[1], digits, "error", "digits: errors on new data, %"),
    ):
        rows = {arm: result[what].sel(arm=arm).values for arm in arms}
        strip(axes, rows, COLOR, MARKER)
        axes.set(xlabel=name)
        for arm, values in rows.items():
            rate = number(float(result["best"].sel(arm=arm)), digits=2)
            lines.append(f"{arm}, rate {rate}: {row(values, digits=2)}")
    panels[0].set_yticks(range(len(arms)), [NAME[arm] for arm in arms])
    return Drawing(
        canvas,
        "Six rows of points, one for each warm-up. On the Transformer the linear and the "
        "exponential rule end lowest, RAdam a little higher, and no warm-up, one ten times shorter "
        "and one ten times longer all end near 1.6 nats. On digits the six rows lie alike.",
        "\n".join(lines),
    )
