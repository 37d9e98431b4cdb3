"""Figures on real gradients, the first steps, learning rates and implementations."""

from __future__ import annotations

import numpy as np
from matplotlib import pyplot as plt

from replications.core.estimates import mean
from replications.core.figures import COLOR, MARKER, OKABE_ITO, WIDTH, Drawing
from replications.methods.rectification import adaptive_lr_variance
from replications.papers.radam.experiments import (
    FIRST_STEPS,
    IMPLEMENTATIONS,
    INDEPENDENCE,
    SENSITIVITY,
    first_steps,
    implementations,
    independence,
    sensitivity,
)


def independence_figure(inits: tuple[independence.Result, ...]) -> Drawing:
    """Quantiles of |mean| / sd; what normals predict of the variance of psi."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.0), width_ratios=(1, 1.3))
    quantiles = np.stack([r.mean_over_sd for r in inits])
    shares = (5, 25, 50, 75, 95)
    left.plot(shares, quantiles.T, "o-", color=OKABE_ITO["blue"], linewidth=0.6, ms=3)
    left.axhline(1, color=COLOR["theory"], linestyle=":")
    left.annotate("mean = sd", (66, 0.83), fontsize=8)
    left.set(xlabel="share of the weights, %", ylabel="|mean| / sd of the gradient", yscale="log")
    left.set_yticks([0.2, 0.5, 1, 2, 5], ["0.2", "0.5", "1", "2", "5"])
    left.minorticks_off()

    t = inits[0].periods
    names = {
        "real": ("real gradients", OKABE_ITO["blue"], "o"),
        "right_mean": ("normals, right mean", COLOR["RAdam"], "v"),
        "zero_mean": ("normals, mean 0", OKABE_ITO["vermillion"], "s"),
    }
    rows = []
    for field, (label, color, marker) in names.items():
        values = np.stack([getattr(r, field) for r in inits])
        right.plot(t, values.mean(axis=0), marker + "-", color=color, label=label)
        rows.append(f"{label}: " + " ".join(f"{x:.2g}" for x in values.mean(axis=0)))
    second_moment = t / (t - 2)
    theory = adaptive_lr_variance(t) / (second_moment - adaptive_lr_variance(t))
    right.plot(t, theory, ":", color=COLOR["theory"], label="theory, mean 0")
    right.set(xscale="log", yscale="log", xlabel="gradients t in ψ", ylabel="Var[ψ] / E[ψ]²")
    right.set_xticks(t, [f"{x:g}" for x in t])
    right.minorticks_off()
    right.legend()
    return Drawing(
        figure,
        "Left: quantiles over the weights of |mean|/sd of the gradients at frozen initial "
        "weights; for most weights the mean exceeds the standard deviation. Right: relative "
        "variance of psi against the number of gradients; normals with the right mean lie on the "
        "real one, normals with mean 0 far above.",
        f"median |mean|/sd {quantiles[:, 2].mean():.1f}; t = {' '.join(map(str, t))}\n"
        + "\n".join(rows),
    )


def first_steps_figure(starts: tuple[first_steps.Result, ...]) -> Drawing:
    """Variance of psi, and size of the update, over the first steps."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.0))
    t = np.arange(1, starts[0].variance.shape[1] + 1)
    rows = []
    labels = {"frozen": "frozen weights"}
    for i, method in enumerate(first_steps.METHODS):
        color = COLOR.get(method, COLOR["theory"])
        marker = MARKER.get(method, ".")
        variance = np.stack([r.variance[i] for r in starts])
        left.plot(
            t, variance.mean(axis=0), marker + "-", color=color, label=labels.get(method, method)
        )
        if method != "frozen":
            update = np.stack([r.update[i] for r in starts])
            right.plot(t, update.mean(axis=0), marker + "-", color=color)
            rows.append(
                f"{method}: Var {variance.mean(axis=0)[0]:.2f}, {variance.mean(axis=0)[-1]:.2f}; "
                f"update {update.mean(axis=0)[0]:.1e}, {update.mean(axis=0)[-1]:.1e}"
            )
    left.set(title="relative variance of ψ", yscale="log", xlabel="iteration")
    left.legend()
    right.set(title="update, root mean square", yscale="log", xlabel="iteration")
    for axes in (left, right):
        axes.set_xticks([1, 5, 10, 15, 20])
    return Drawing(
        figure,
        "Left: at iteration 1 psi has the same variance, 0.36, under Adam, RAdam, warm-up and "
        "with frozen weights. Under Adam it halves to 0.18 and stays there, under the others it "
        "falls on below 0.03. Right: Adam's first update is 77 times as large as RAdam's and 100 "
        "times as large as warm-up's.",
        "first and last of the shown iterations\n" + "\n".join(rows),
    )


def sensitivity_figure(sweeps: tuple[sensitivity.Result, ...]) -> Drawing:
    """Accuracy against learning rate, short and long runs."""
    lengths = sorted({r.steps for r in sweeps})
    figure, panels = plt.subplots(1, len(lengths), figsize=(WIDTH, 3.2), sharey=True)
    rows = []
    for axes, steps in zip(panels, lengths, strict=True):
        axes.axvspan(0.003, 0.1, color=COLOR["theory"], alpha=0.15, linewidth=0)
        for r in (r for r in sweeps if r.steps == steps):
            estimates = [mean(x, "") for x in r.accuracy]
            middle = np.array([e.value for e in estimates])
            error = np.array([(e.value - e.low, e.high - e.value) for e in estimates]).T
            axes.errorbar(
                r.learning_rates, middle, error, fmt=MARKER[r.method] + "-",
                color=COLOR[r.method], label=r.method, capsize=2, linewidth=1.2,
            )  # fmt: skip
            rows.append(f"{r.method}, {steps}: " + " ".join(f"{x:.2f}" for x in middle))
        axes.set(title=f"{steps} steps", xscale="log", xlabel="learning rate", ylim=(0, 1.02))
    panels[0].set_ylabel("test accuracy")
    panels[-1].legend(*panels[0].get_legend_handles_labels(), loc=(0.08, 0.35), fontsize=8)
    return Drawing(
        figure,
        "Test accuracy on the digits against the learning rate, after 380 and 2850 steps, ten "
        "seeds. In the short runs RAdam's curve is Adam's moved to larger learning rates; in the "
        "long runs the two lie together from rate 1e-3 to 0.03. Shaded: the paper's range.",
        "rates " + " ".join(f"{x:g}" for x in sweeps[0].learning_rates) + "\n" + "\n".join(rows),
    )


def implementations_figure(result: implementations.Result) -> Drawing:
    """Distance from Algorithm 2; moves under a scaled loss."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.2), width_ratios=(1.35, 1))
    t = np.arange(1, result.apart.shape[1] + 1)
    shown = {
        "torch, default": OKABE_ITO["vermillion"],
        "authors, default": OKABE_ITO["orange"],
        "optax": OKABE_ITO["purple"],
        "torch, decoupled": OKABE_ITO["blue"],
        "authors, nmt": OKABE_ITO["sky"],
    }
    rows = []
    for rule, color in shown.items():
        apart = result.apart[implementations.RULES.index(rule)]
        style = "--" if rule == "authors, nmt" else "-"
        left.plot(t, np.where(apart > 1e-9, apart, np.nan), style, color=color, label=rule)
        rows.append(f"{rule}: {apart[4]:.2g} at step 5, {apart[-1]:.2g} at 200")
    left.set(title="distance from Algorithm 2", xscale="log", yscale="log", xlabel="step",
             ylabel="learning rates", ylim=(0.02, 20), xlim=(1, 200))  # fmt: skip
    left.legend(fontsize=8, loc="upper left")
    for i, (method, color) in enumerate(
        {"Adam": COLOR["Adam"], "RAdam": COLOR["RAdam"], "RAdam, skip": OKABE_ITO["blue"]}.items()
    ):
        moved = result.moved[i, 0]
        if moved.any():
            right.plot(result.scales, moved, "-" + "^v"[i], color=color, label=method)
        else:
            right.plot([], [], color=color, label=f"{method}: no move")
    right.set(title="move in 5 steps", xscale="log", yscale="log", xlabel="factor of the loss",
              ylabel="learning rates")  # fmt: skip
    right.legend(fontsize=8)
    row = implementations.METHODS.index("RAdam")
    return Drawing(
        figure,
        "Left: distance of five implementations from Algorithm 2 over 200 steps with the same "
        "gradients, in learning rates. torch's default, whose weight decay is coupled, is 6 away "
        "at step 200. The authors' default, which skips, is off from step 1 on, by up to 0.57. "
        "The authors' nmt copy and torch with decoupled decay are off by 0.04 from step 5 on; "
        "optax drifts from there to 0.07. Right: multiplying the loss by 1000 leaves Adam's first "
        "five steps unchanged and throws RAdam's a thousand times as far; if it skips them it does "
        "not move.",
        "\n".join(rows)
        + "\nRAdam, loss times "
        + " ".join(f"{c:g}" for c in result.scales)
        + ": "
        + " ".join(f"{x:.2g}" for x in result.moved[row, 0])
        + " learning rates in 5 steps",
    )


FIGURES = {
    "independence": (independence_figure, INDEPENDENCE, "full"),
    "first-steps": (first_steps_figure, FIRST_STEPS, "full"),
    "sensitivity": (sensitivity_figure, SENSITIVITY, "full"),
    "implementations": (implementations_figure, IMPLEMENTATIONS, "quick"),
}
