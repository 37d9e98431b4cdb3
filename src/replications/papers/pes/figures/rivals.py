"""Figures against the obvious rivals, at equal particle-steps."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

from replications.core.figures import WIDTH, Drawing, figure
from replications.core.numbers import number, row
from replications.papers.pes.experiments import digits as tuning
from replications.papers.pes.experiments import digits_trials as single
from replications.papers.pes.experiments import learned_optimizer as learning
from replications.papers.pes.experiments import many_knobs as knobs
from replications.papers.pes.experiments import text_race as race
from replications.papers.pes.experiments import toy_rivals as rivals
from replications.papers.pes.experiments import trained_variance as trained
from replications.papers.pes.figures.marks import band, rows
from replications.papers.pes.look import COLOR, MARKER


@figure(on=rivals.toy_rivals)
def toy_rivals(result: xr.Dataset) -> Drawing:
    """Meta-loss of the toy against particle-steps, every method at its own rate."""
    canvas, axes = plt.subplots(1, 2, figsize=(WIDTH, 3.2), sharey=True)
    spent = result["spent"]
    words: list[str] = []
    windows = [arm for arm in result["arm"].values.tolist() if arm.startswith("PES")]
    panels = {
        "PES: the window": (*windows, "full ES"),
        "PES against its rivals": ("PES, K=10", "full ES", "BPTT, restarts", "random search"),
    }
    styles = dict(zip(windows, (":", "-", "--"), strict=True))
    for axis, (title, arms) in zip(axes, panels.items(), strict=True):
        for arm in arms:
            curve = rivals.toy_curve(result, arm)
            end = band(
                axis, spent[1:], curve[:, 1:], arm, linestyle=styles.get(arm, "-"), label=arm
            )
            words += [f"{arm}: {number(end, digits=3)}"] * (f"{arm}: " not in " ".join(words))
        axis.axhline(rivals.VALLEY, color=COLOR["theory"], linewidth=1, linestyle=":")
        axis.legend(loc="upper right")
        axis.set(title=title, xscale="log", xlabel="particle-steps", ylim=(400, 3900))
    axes[0].set_ylabel("meta-loss, median and range")
    return Drawing(
        canvas,
        "Meta-loss of the toy against particle-steps on a logarithmic axis, each method at its own "
        "rate of Adam. Left: PES with three windows beside full ES. Right: PES with windows of ten "
        "beside full ES, full BPTT with sixteen starts, and random search.",
        "median when the budget is spent: " + ", ".join(words),
    )


@figure(on=(knobs.many_knobs, knobs.many_knobs_error))
def many_knobs(losses: xr.Dataset, errors: xr.Dataset) -> Drawing:
    """Twenty hyperparameters: the answer so far, and the last answer on fresh runs."""
    canvas, axes = plt.subplots(2, 2, figsize=(WIDTH, 5.4), height_ratios=[1.1, 1])
    words = []
    for column, (part, title) in enumerate(((losses, "Training loss"), (errors, "Error, %"))):
        scale = 1 if column == 0 else 100
        arms = part["arm"].values.tolist()
        above, below = axes[0, column], axes[1, column]
        for arm in arms:
            band(above, part["spent"], scale * knobs.knobs_curve(part, arm), arm)
        above.set(title=f"{title}: the tuning run", xlabel="compute spent, training runs")
        above.set_yscale("log")
        above.minorticks_off()
        ticks = (0.4, 0.6, 1.0, 1.5) if column == 0 else (5, 10, 20, 40)
        above.set_yticks(ticks, [f"{t:g}" for t in ticks])
        found = rows(below, {arm: scale * knobs.knobs_fresh(part, arm) for arm in arms})
        below.set(title=f"{title}: fresh runs", xlabel="lower is better")
        words.append(f"{title}, medians on fresh runs: {', '.join(found)}")
    return Drawing(
        canvas,
        "Tuning twenty hyperparameters by eight methods at equal compute. Above, what the answer "
        "so far is worth on the tuning run, against compute; below, one dot a seed for what the "
        "last answer is worth on fresh runs. Left the training loss, right the validation error, "
        "which has no derivative; each method at its own best of five rates. The dots of nearly "
        "all methods overlap; CMA-ES is among the lowest on both, and one run of PES lies far off.",
        "; ".join(words),
    )


@figure(on=learning.learned_optimizer)
def learned_optimizer(result: xr.Dataset) -> Drawing:
    """A learned optimizer: meta-training, a fresh run step by step, and the mean of such runs."""
    canvas, axes = plt.subplot_mosaic(
        [["meta", "course"], ["ends", "ends"]], figsize=(WIDTH, 5.2), height_ratios=[1.2, 1]
    )
    arms = result["arm"].values.tolist()
    for arm in arms:
        line = {"linestyle": "--"} if arm in learning.TUNED else {}
        band(axes["meta"], 100 * result["spent"], learning.learned_curve(result, arm), arm, **line)
        course = learning.learned_course(result, arm).coarsen(step=5, boundary="trim").mean()
        band(axes["course"], course["step"], course, arm, **line)
    axes["meta"].set(title="Meta-training", xlabel="compute spent, %", yscale="log")
    axes["course"].set(title="A fresh run under the last rule", xlabel="step", yscale="log")
    for name in ("meta", "course"):
        axes[name].minorticks_off()
        axes[name].set_yticks([0.5, 1, 2], ["0.5", "1", "2"])
    axes["meta"].set_ylabel("mean training loss")
    axes["course"].set_ylabel("training loss")
    words = rows(axes["ends"], {arm: learning.learned_fresh(result, arm) for arm in arms})
    axes["ends"].set(title="Mean training loss of fresh runs, a dot a seed", xlabel="nats")
    return Drawing(
        canvas,
        "Update rules for each weight of a small network, learned by PES, truncated ES, full ES "
        "and truncated BPTT, beside tuned Adam and tuned SGD with momentum. Above, what the rule "
        "so far is worth against the compute spent, and the training loss of a fresh run; below, "
        "one dot a seed for the mean training loss of fresh runs.",
        "medians of the mean training loss: " + ", ".join(words),
    )


@figure(on=(single.digits_trials, tuning.digits))
def digits_cost(trials: xr.Dataset, tuned: xr.Dataset) -> Drawing:
    """Two hyperparameters: what random trials reach, beside the paths of PES and truncated ES."""
    canvas, axis = plt.subplots(figsize=(WIDTH, 3.1))
    runs = np.unique(np.geomspace(1, trials.sizes["trial"], 40).astype(int))
    best = single.best_of(trials, runs)
    words = []
    reached = band(axis, best["runs"], best, "random search", markevery=(0.02, 0.2))
    axis.annotate(
        "best of n random trials",
        (runs[2], best.median("seed")[2]),
        xytext=(8, 4),
        textcoords="offset points",
        color=COLOR["random search"],
    )
    words.append(f"best of {runs[-1]} random trials {number(reached, digits=2)}")
    compute = tuned["update"] / tuned["update"].max() * 1000
    for arm in ("PES", "truncated ES"):
        curve = tuned["curve"].sel(arm=arm)
        end = band(axis, compute[1:], curve[:, 1:], arm)
        axis.text(1060, end, arm, color=COLOR[arm], va="center")
        words.append(f"{arm} after 1000 runs {number(end, digits=2)}")
    axis.set(
        xscale="log",
        yscale="log",
        xlim=(0.9, 3600),
        xlabel="compute spent, training runs",
        ylabel="mean training loss",
    )
    axis.minorticks_off()
    axis.set_xticks([1, 10, 100, 1000], ["1", "10", "100", "1000"])
    axis.set_yticks([0.2, 0.5, 1, 2], ["0.2", "0.5", "1", "2"])
    return Drawing(
        canvas,
        "Mean training loss of the schedule found so far against compute, in whole training runs. "
        "The best of a few tens of random trials is as good as where PES ends after the compute "
        "of a thousand runs; truncated ES ends above.",
        "medians: " + ", ".join(words),
    )


@figure(on=race.text_race)
def text_race(result: xr.Dataset) -> Drawing:
    """A text network: loss against updates, and the last losses, in step and staggered."""
    canvas, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.5), width_ratios=[1, 1.05])
    arms = result["arm"].values.tolist()
    for arm in arms:
        if race.STAGGERED in arm or arm in ("full ES", "BPTT", "truncated BPTT"):
            band(left, 100 * result["spent"], race.text_curve(result, arm), arm)
    left.set(
        title="Progress, particles staggered", xlabel="updates, % of all", ylabel="nats a letter"
    )
    words = rows(right, {arm: race.text_end(result, arm) for arm in arms})
    right.set(title="Last loss, a dot a seed", xlabel="nats a letter")
    return Drawing(
        canvas,
        "A recurrent network learns a text of a hundred letters. Left, loss against updates; "
        "right, the last loss of every run for PES, NRES and truncated ES with particles in step "
        "and staggered, full ES, and truncated and full BPTT.",
        "medians of the last loss: " + ", ".join(words),
    )


@figure(on=trained.trained_variance)
def staggered(result: xr.Dataset) -> Drawing:
    """Variance of PES over NRES's: of an episode's sum, and of one staggered update."""
    canvas, axes = plt.subplots(1, 2, figsize=(WIDTH, 3.1), sharey=True)
    words = []
    for axis, of in zip(axes, result["of"].values.tolist(), strict=True):
        part = result["ratio"].sel(of=of)
        n = part["windows"].values
        for updates, line in zip(
            part["trained"].values.tolist(), (":", "-.", "--", "-"), strict=True
        ):
            middle = part.sel(trained=updates).median("seed")
            axis.plot(
                n,
                middle,
                color=COLOR["PES"],
                linestyle=line,
                marker=MARKER["PES"],
                label=str(updates),
            )
            words.append(f"{of}, {updates} updates: {row(middle.values, digits=2)}")
        axis.axhline(1, color=COLOR["NRES"], linestyle="--")
        axis.set(
            title=of[0].upper() + of[1:], xscale="log", yscale="log", xlabel="windows in an episode"
        )
        axis.set_xticks(n, [str(i) for i in n])
        axis.minorticks_off()
    axes[0].text(n[-1], 1.06, "NRES", color=COLOR["NRES"], ha="right", va="bottom")
    axes[0].legend(title="updates of BPTT before", loc="upper left")
    axes[0].set_ylabel("variance of PES / NRES")
    return Drawing(
        canvas,
        "Variance of PES over that of NRES on a text against the number of windows, at the first "
        "weights and after training, on logarithmic axes. Left, of the sum of an episode's "
        "updates; right, of one update of particles that are spread over the episode, where the "
        "ratio is never below one.",
        f"windows {n.tolist()}; " + "; ".join(words),
    )
