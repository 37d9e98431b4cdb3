"""Figures of the race: every rate, and each arm at its best."""

from __future__ import annotations

import xarray as xr
from matplotlib import pyplot as plt

from replications.core.figures import WIDTH, Drawing, figure, strip
from replications.core.numbers import number
from replications.papers.optimisers.experiments.race import best_rate, judged
from replications.papers.optimisers.experiments.races import on_digits, on_translation
from replications.papers.optimisers.look import COLOR, MARKER


def _race(
    result: xr.Dataset, what: str, label: str, ylim: tuple[float, float], problem: str
) -> Drawing:
    """Left, all rates on the judged seeds; right, each arm at the rate that the others chose."""
    canvas, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.8))
    seeds = result["seed"].values[result.sizes["seed"] // 2 :]
    arms, lines = result["arm"].values.tolist(), []
    for arm in arms:
        mean = result[what].sel(arm=arm, seed=seeds).mean("seed")
        left.plot(mean["lr"], mean, marker=MARKER[arm], color=COLOR[arm], label=arm)
    final = {arm: judged(result, arm, what).values for arm in arms}
    final = dict(sorted(final.items(), key=lambda item: item[1].mean()))
    strip(right, final, COLOR, MARKER)
    for arm, values in final.items():
        rate = number(best_rate(result, arm))
        lines.append(f"{arm}: {number(values.mean(), digits=4)} at rate {rate}")
    left.set(xscale="log", xlabel="learning rate", ylabel=label, ylim=ylim)
    left.set_title("at every rate")
    right.set(xlabel=label, title="at the chosen rate, by seed")
    canvas.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return Drawing(
        canvas,
        f"{label} of {problem} under five optimisers and one control, left against the learning "
        "rate, right at each one's chosen rate, one mark a judged seed.",
        "\n".join(lines),
    )


@figure(on=on_digits)
def digits(result: xr.Dataset) -> Drawing:
    """Held-out accuracy on the digits."""
    label = "Held-out accuracy (%)"
    return _race(result, "accuracy", label, (88, 98.5), "a small network on the digits")


@figure(on=on_translation)
def translation(result: xr.Dataset) -> Drawing:
    """Held-out loss of the Transformer; 2.9 nats is what one has that has learned nothing."""
    label = "Held-out loss (nats)"
    return _race(result, "loss", label, (0, 3.4), "a post-LN Transformer")
