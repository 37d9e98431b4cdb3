"""Figures on real gradients, the first steps, learning rates and implementations."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt

from replications.core.estimates import mean
from replications.core.figures import OKABE_ITO, WIDTH, Drawing, figure
from replications.core.numbers import number, row
from replications.papers.radam.experiments.first_steps import at_start, first_steps
from replications.papers.radam.experiments.implementations import apart, implementations
from replications.papers.radam.experiments.independence import independence, median_mean
from replications.papers.radam.experiments.sensitivity import PAPER_RATES, long_sweep, short_sweep
from replications.papers.radam.look import COLOR, MARKER


@figure(on=independence, name="independence")
def independence_figure(result: xr.Dataset) -> Drawing:
    """Quantiles of |mean| / sd; what normals predict of the variance of ln psi."""
    from scipy.special import polygamma

    canvas, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.0), width_ratios=(1, 1.3))
    quantiles = result["mean_over_sd"].transpose("quantile", "seed")
    left.plot(
        100 * quantiles["quantile"], quantiles, "o-", color=OKABE_ITO["blue"], linewidth=0.6, ms=3
    )
    left.axhline(1, color=COLOR["theory"], linestyle=":")
    left.annotate("mean = sd", (66, 0.83), fontsize=9)
    left.set(xlabel="share of the weights, %", ylabel="|mean| / sd of the gradient", yscale="log")
    left.set_yticks([0.2, 0.5, 1, 2, 5], ["0.2", "0.5", "1", "2", "5"])
    left.minorticks_off()

    t = result["length"].values
    laws = {
        "real": ("real gradients", OKABE_ITO["blue"], "o"),
        "right mean": ("normals, right mean", COLOR["RAdam"], "v"),
        "mean 0": ("normals, mean 0", OKABE_ITO["vermillion"], "s"),
    }
    rows = []
    for law, (label, color, marker) in laws.items():
        variance = result["log_variance"].sel(law=law).mean("seed")
        right.plot(t, variance, marker + "-", color=color, label=label)
        relative = result["variance"].sel(law=law, period=10).mean("seed").item()
        rows.append(
            f"{label}: {row(variance.values, 2)}; relative variance of psi after 10 "
            f"{number(relative, digits=2)}"
        )
    theory = polygamma(1, t / 2) / 4
    right.plot(t, theory, ":", color=COLOR["theory"], label="theory, mean 0")
    rows.append(f"theory: {row(theory, 2)}")
    right.set(xscale="log", yscale="log", xlabel="gradients t in ψ", ylabel="Var[ln ψ]")
    right.set_xticks(t, [f"{x}" for x in t])
    right.minorticks_off()
    right.legend()
    return Drawing(
        canvas,
        "Left: quantiles over the weights of |mean|/sd of the gradients at frozen initial "
        "weights; for most weights the mean exceeds the standard deviation. Right: "
        "variance of ln psi against the number of gradients; normals with the right mean lie on "
        "the real one, normals with mean 0 far above, on the theory's line.",
        f"median |mean|/sd {number(median_mean(result).mean().item(), digits=2)}\n"
        f"Var[ln psi] after t = {row(t)} gradients\n" + "\n".join(rows),
    )


@figure(on=first_steps, name="first-steps")
def first_steps_figure(result: xr.Dataset) -> Drawing:
    """Variance of ln psi, and size of the update, over the first steps."""
    canvas, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.0))
    t, means, rows = result["step"], result.mean("seed"), []
    for arm in result["arm"].values.tolist():
        color, style = COLOR.get(arm, COLOR["theory"]), MARKER.get(arm, ".") + "-"
        one, label = means.sel(arm=arm), "frozen weights" if arm == "frozen" else arm
        left.plot(t, one["log_variance"], style, color=color, label=label)
        if arm != "frozen":
            right.plot(t, one["update"], style, color=color)
        ends = one.sel(step=[1, t.values[-1]])
        rows.append(
            f"{label}: Var[ln psi] {row(ends['log_variance'].values, 2)}; "
            f"update {row(ends['update'].values, 2)}"
        )
    left.set(title="variance of ln ψ", yscale="log", xlabel="iteration")
    left.set_yticks([0.02, 0.05, 0.1, 0.2, 0.5], ["0.02", "0.05", "0.1", "0.2", "0.5"])
    left.minorticks_off()
    left.legend()
    right.set(title="update, root mean square", yscale="log", xlabel="iteration")
    for axes in (left, right):
        axes.set_xticks([1, 5, 10, 15, 20])
    at_1 = {arm: at_start(result, "update", arm).mean() for arm in ("Adam", "RAdam", "warm-up")}
    times = [number((at_1["Adam"] / at_1[arm]).item(), digits=2) for arm in ("RAdam", "warm-up")]
    spread = means["log_variance"]
    start, end = (spread.sel(arm="Adam", step=i).item() for i in (1, t.values[-1]))
    low = spread.sel(arm=["frozen", "RAdam", "warm-up"], step=t.values[-1]).max().item()
    return Drawing(
        canvas,
        f"Left: at iteration 1 ln psi has the same variance, {number(start, digits=2)}, under "
        "Adam, RAdam, warm-up and with frozen weights. Under Adam it falls to "
        f"{number(end, digits=2)} and stays there, under the others it falls on, to "
        f"{number(low, digits=2)} or less. "
        f"Right: Adam's first update is {times[0]} times as large as RAdam's, which is as long as "
        f"the gradient, and {times[1]} times as large as warm-up's.",
        "first and last of the shown iterations\n" + "\n".join(rows),
    )


@figure(on=(short_sweep, long_sweep))
def sensitivity(short: xr.Dataset, long: xr.Dataset) -> Drawing:
    """Accuracy against learning rate, short and long runs."""
    canvas, panels = plt.subplots(1, 2, figsize=(WIDTH, 3.2), sharey=True)
    rows = []
    for axes, result in zip(panels, (short, long), strict=True):
        axes.axvspan(min(PAPER_RATES), max(PAPER_RATES), color=COLOR["theory"], alpha=0.15, lw=0)
        steps = result.attrs["steps"]
        for arm in result["arm"].values.tolist():
            accuracy = result["accuracy"].sel(arm=arm).transpose("lr", "seed").values
            found = [mean(x, "over seeds") for x in accuracy]
            middle = np.array([e.value for e in found])
            error = np.array([(e.value - e.low, e.high - e.value) for e in found]).T
            axes.errorbar(
                result["lr"], middle, error, fmt=MARKER[arm] + "-", color=COLOR[arm], label=arm,
                capsize=2, linewidth=1.2,
            )  # fmt: skip
            rows.append(f"{arm}, {steps}: {row(middle, 2)}")
        axes.set(title=f"{steps} steps", xscale="log", xlabel="learning rate", ylim=(0, 1.02))
    panels[0].set_ylabel("test accuracy")
    panels[-1].legend(*panels[0].get_legend_handles_labels(), loc=(0.08, 0.35), fontsize=9)
    return Drawing(
        canvas,
        "Test accuracy on the digits against the learning rate, after 380 and 2850 steps, ten "
        "seeds. In the short runs RAdam's curve is Adam's moved to larger learning rates, and "
        "somewhat wider; in the long runs the two lie together from rate 1e-3 to 0.03, and RAdam's "
        "falls sooner below. Shaded: the paper's range.",
        f"rates {row(short['lr'].values)}\n" + "\n".join(rows),
    )


@figure(on=implementations, name="implementations")
def implementations_figure(result: xr.Dataset) -> Drawing:
    """Distance from Algorithm 2."""
    canvas, axes = plt.subplots(figsize=(WIDTH, 3.0))
    shown = {
        "torch, default": (OKABE_ITO["vermillion"], (16, 3)),
        "authors, default": (OKABE_ITO["orange"], (1.3, 0.6)),
        "optax": (OKABE_ITO["purple"], (60, 0.075)),
        "torch, decoupled": (OKABE_ITO["blue"], (10, 0.025)),
        "authors, nmt": (OKABE_ITO["sky"], (40, 0.025)),
    }
    rows = []
    for rule, (color, place) in shown.items():
        path = result["apart"].sel(rule=rule)
        style = "--" if rule == "authors, nmt" else "-"
        axes.plot(path["step"], path.where(path > 1e-9), style, color=color)
        axes.annotate(rule, place, color=color)
        at = [number(apart(result, rule, step).item(), digits=2) for step in (5, 200)]
        rows.append(f"{rule}: {at[0]} at step 5, {at[1]} at 200")
    axes.set(xscale="log", yscale="log", xlabel="step", xlim=(1, 200), ylim=(0.02, 20),
             ylabel="learning rates from Algorithm 2")  # fmt: skip
    worst = {rule: number(result["apart"].sel(rule=rule).max().item(), digits=2) for rule in shown}
    return Drawing(
        canvas,
        "Distance of five implementations from Algorithm 2 over 200 steps with the same "
        f"gradients, in learning rates. torch's default, whose weight decay is coupled, is up to "
        f"{worst['torch, default']} away. The authors' default, which skips, is off from step 1 "
        f"on, by up to {worst['authors, default']}. The authors' nmt copy and torch with decoupled "
        f"decay are off by at most {worst['authors, nmt']}, from step 5 on; optax drifts from "
        f"there to {worst['optax']}.",
        "\n".join(rows),
    )
