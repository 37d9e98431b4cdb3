"""Figures of single loops and rules: the sawtooth, the adaptive step, public code."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt

from replications.core.estimates import mean
from replications.core.figures import WIDTH, Drawing, figure
from replications.core.numbers import number
from replications.papers.lookahead.experiments import sawtooth_digits
from replications.papers.lookahead.look import COLOR, MARKER


@figure(on=sawtooth_digits.sawtooth_digits, name="sawtooth-digits")
def sawtooth(result: xr.Dataset) -> Drawing:
    """Accuracy over a loop, from the slow weights to the fast ones and back."""
    rates = result["lr"].values.tolist()
    canvas, panels = plt.subplots(
        1, len(rates), figsize=(WIDTH, 2.8), sharey=True, layout="constrained"
    )
    inside = sawtooth_digits.change(result).transpose("lr", "step", "seed")
    after = sawtooth_digits.recovered(result)
    k = result.sizes["step"] - 1
    lines = []
    for axes, lr in zip(panels, rates, strict=True):
        samples = [*inside.sel(lr=lr).values, after.sel(lr=lr).values]
        change = [mean(one, "over seeds") for one in samples]
        values = np.array([e.value for e in change])
        half = np.array([e.half_width for e in change])
        axes.plot(range(k + 1), values[:-1], color=COLOR["SGD"])
        axes.plot([k, k + 1], values[k:], color=COLOR["Lookahead"], linestyle=":")
        for name, at, size in (("SGD", range(1, k + 1), 4), ("Lookahead", [0, k + 1], 5)):
            axes.errorbar(
                at,
                values[list(at)],
                yerr=half[list(at)],
                fmt=MARKER[name],
                color=COLOR[name],
                markersize=size,
            )
        mode = result["inner_state"].sel(lr=lr).item()
        axes.set(title=f"lr {lr:g}\n{mode}", xticks=(0, k))
        axes.title.set_fontsize(9)
        axes.tick_params(labelsize=8)
        lines.append(f"lr {lr:g} {mode}: " + " ".join(number(v, 0.1) for v in values))
    panels[0].set_ylabel("test accuracy, change in points")
    panels[len(rates) // 2].set_xlabel("inner step of the loop; diamonds are slow weights")
    return Drawing(
        canvas,
        "Five panels of growing learning rate: change of test accuracy over the five inner steps "
        "of a loop and after the synchronisation. None at lr 0.0125; elsewhere it falls, and the "
        "synchronisation brings it back to slightly above the start.",
        "positions 0 to 5, then synchronised\n" + "\n".join(lines),
    )
