"""Figures of the Iris study and of the audit of the blog."""

from __future__ import annotations

import numpy as np
from matplotlib import pyplot as plt

from replications.core.estimates import mean, paired
from replications.core.figures import COLOR, MARKER, OKABE_ITO, WIDTH, Drawing
from replications.papers.implicit.experiments import AUDIT, IRIS, audit, iris
from replications.papers.implicit.study import (
    ARM,
    arms,
    early_stopped,
    tuned_scalar,
)

LINES = {
    "no decay": ("no decay", OKABE_ITO["blue"], "-"),
    "frozen": ("the decays, frozen", OKABE_ITO["sky"], "--"),
    "blog's code": ("the blog's code", OKABE_ITO["purple"], "-."),
    "theta, K=5": ("HO over θ, K = 5", OKABE_ITO["green"], "-"),
    ARM: ("HO over log λ, K = 20", COLOR["Neumann"], "-"),
    "uniform 1e-2": ("one decay for all, 0.01", OKABE_ITO["orange"], ":"),
}


def iris_effects(results: tuple[iris.Result, ...]) -> Drawing:
    """Paired differences in final test loss between optimised decays and every control."""
    by = arms(results)
    ours = by[ARM].test[:, -1]
    rows = [
        ("no decay", paired(ours, by["no decay"].test[:, -1], "")),
        ("the same decays, frozen", paired(ours, by["frozen"].test[:, -1], "")),
        ("one decay, 0.01", paired(ours, by["uniform 1e-2"].test[:, -1], "")),
        ("one decay, tuned on validation", paired(ours, tuned_scalar(by)[0], "")),
        ("no decay, stopped early", paired(ours, early_stopped(by["no decay"])[0], "")),
        (
            "no decay, both stopped early",
            paired(early_stopped(by[ARM])[0], early_stopped(by["no decay"])[0], ""),
        ),
    ]
    figure, axes = plt.subplots(figsize=(WIDTH, 3.2))
    lines = []
    for i, (name, e) in enumerate(rows):
        better, worse = e.high < 0, e.low > 0
        color = (
            OKABE_ITO["green"] if better else OKABE_ITO["vermillion"] if worse else COLOR["theory"]
        )
        marker = "D" if better else "X" if worse else "o"
        axes.plot([e.low, e.high], [-i, -i], color=color, linewidth=2.5, solid_capstyle="butt")
        axes.plot(e.value, -i, marker, color=color, ms=7)
        lines.append(f"against {name}: {e.value:+.2f} [{e.low:+.2f}, {e.high:+.2f}]")
    axes.axvline(0, color=plt.rcParams["text.color"], linewidth=0.8)
    axes.set_yticks(-np.arange(len(rows)), [name for name, _ in rows])
    axes.grid(axis="y", visible=False)
    axes.set(
        xlabel="test loss of 17,280 optimised decays minus that of the control, nats\n"
        "(left of zero: optimised decays are better)",
        title="Is it better than …",
    )
    return Drawing(
        figure,
        "Paired differences of the final test loss, with 95 % intervals, between 17,280 optimised "
        "weight decays and six controls. They are better than the same decays left alone, and not "
        "better than one scalar decay or early stopping.",
        f"n = {len(ours)} splits\n" + "\n".join(lines),
    )


def iris_curves(results: tuple[iris.Result, ...]) -> Drawing:
    """Training, validation and test loss over outer iterations; test accuracy."""
    by = arms(results)
    shown = {name: line for name, line in LINES.items() if name in by}
    outer = np.arange(1, by["no decay"].test.shape[1] + 1)
    figure, panels = plt.subplots(1, 4, figsize=(WIDTH, 3.3), sharex=True)
    fields = ("train", "val", "test", "accuracy")
    titles = ("training loss", "validation loss", "test loss", "test accuracy")
    rows = []
    for axes, field, title in zip(panels, fields, titles, strict=True):
        for name, (label, color, line) in shown.items():
            axes.plot(outer, getattr(by[name], field).mean(0), line, color=color, label=label)
        axes.set(title=title, xlabel="outer iteration", xscale="log")
    for axes in panels[:3]:
        axes.set(yscale="log", ylim=(0.03, 0.25))
        axes.set_yticks([0.03, 0.05, 0.1, 0.2], ["0.03", "0.05", "0.1", "0.2"])
        axes.minorticks_off()
    for axes in panels[1:3]:
        axes.set_yticklabels([])
    panels[0].set(ylabel="mean cross-entropy, nats")
    panels[3].set(ylim=(0.9, 1.0))
    for name, (label, _, _) in shown.items():
        losses = " ".join(f"{getattr(by[name], f)[:, -1].mean():.2f}" for f in fields)
        rows.append(f"{label}: {losses}")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    splits = len(by["no decay"].test)
    return Drawing(
        figure,
        "Mean curves over outer iterations of training, validation and test loss and of test "
        "accuracy. Without decay the test loss rises after the tenth iteration while accuracy "
        "stays flat; optimised decays and a single scalar decay rise less.",
        f"mean of {splits} splits, last iteration: train, val, test, accuracy\n" + "\n".join(rows),
    )


def mean_decay(results: tuple[iris.Result, ...]) -> Drawing:
    """Average decay over outer iterations: theta hardly moves, log lambda does."""
    by = arms(results)
    figure, axes = plt.subplots(figsize=(WIDTH, 2.9))
    names = {
        "theta, K=0": ("correct, θ by SGD, K = 0", OKABE_ITO["sky"], "-"),
        "theta, K=5": ("correct, θ by SGD, K = 5", OKABE_ITO["green"], "-"),
        "theta, K=20": ("correct, θ by SGD, K = 20", OKABE_ITO["orange"], "-"),
        "blog's code": ("the blog's code", OKABE_ITO["purple"], "-."),
        ARM: ("correct, log λ by Adam, K = 20", COLOR["Neumann"], "-"),
    }
    rows = []
    for name, (label, color, line) in names.items():
        curve = by[name].mean_decay.mean(0)
        axes.plot(np.arange(1, len(curve) + 1), curve, line, color=color, label=label)
        rows.append(f"{label}: {curve[0]:.2g} to {curve[-1]:.1g}")
    axes.axhline(1e-4 / 3, color=plt.rcParams["text.color"], linewidth=0.8, linestyle=":")
    axes.annotate("mean of U(0, 0.01)² = 0.0000333", (0, 2.5e-5), fontsize=8.5)
    axes.set(xlabel="outer iteration", ylabel="mean decay λ", yscale="log", ylim=(2e-5, 2e-2))
    axes.legend()
    return Drawing(
        figure,
        "Mean decay over outer iterations. Optimised through theta with the correct hypergradient "
        "it stays at its initial value, 3.3e-5; optimised as log lambda it grows.",
        "\n".join(rows),
    )


def audit_cosines(result: audit.Result) -> Drawing:
    """Cosine of the blog's update with the correct hypergradient, repair by repair."""
    figure, axes = plt.subplots(figsize=(WIDTH, 3.2))
    checkpoints = AUDIT.quick.checkpoints
    colors = [OKABE_ITO[c] for c in ("yellow", "orange", "vermillion", "purple", "blue")]
    rows = []
    for i, name in enumerate(audit.VARIANTS):
        values = result.cosine[i].mean(1)
        for k, (value, color) in enumerate(zip(values, colors, strict=True)):
            label = f"{checkpoints[k]}" if i == 0 else None
            at = -i + 0.14 * (2 - k)
            axes.plot(result.cosine[i, k], [at] * result.cosine.shape[2], ".", color=color, ms=3)
            axes.plot(value, at, "D", color=color, ms=5.5, label=label)
        rows.append(f"{name}: " + " ".join(f"{v:+.1f}" for v in values))
    axes.axvline(0, color=plt.rcParams["text.color"], linewidth=0.8)
    axes.set_yticks(-np.arange(len(rows)), list(audit.VARIANTS))
    axes.grid(axis="y", visible=False)
    axes.set(xlim=(-1.02, 1.02), xlabel="cosine with the correct hypergradient (1: same direction)")
    figure.legend(loc="outside lower center", ncols=5, title="outer iteration")
    return Drawing(
        figure,
        "Cosine between the blog's update and the correct hypergradient, as published and after "
        "each repair, at five outer iterations; dots are splits. As published the update points "
        "away from the hypergradient; all repairs together point along it.",
        f"mean of {result.cosine.shape[2]} splits at outer {checkpoints}\n" + "\n".join(rows),
    )


def orders(results: tuple[iris.Result, ...]) -> Drawing:
    """Final test loss of each order of the series and of the controls."""
    by = arms(results)
    names = {
        "no decay": "no decay",
        "frozen": "decays frozen",
        "blog's code": "the blog's code",
        "theta, K=5, alpha 0.1": "θ, K = 5, α = 0.1",
        "theta, K=0": "θ, K = 0",
        "theta, K=5": "θ, K = 5",
        "theta, K=20": "θ, K = 20",
        "log, K=0": "log λ, K = 0",
        ARM: "log λ, K = 20",
        "uniform 1e-3": "one decay, 0.001",
        "uniform 1e-2": "one decay, 0.01",
        "uniform 1e-1": "one decay, 0.1",
    }
    figure, axes = plt.subplots(figsize=(WIDTH, 3.6))
    rows = []
    for i, (name, label) in enumerate(names.items()):
        final = by[name].test[:, -1]
        e = mean(final, "")
        axes.plot(final, [-i] * len(final), "|", color=COLOR["theory"], ms=7, alpha=0.7)
        axes.plot([e.low, e.high], [-i, -i], color=COLOR["Neumann"], linewidth=2.5)
        axes.plot(e.value, -i, MARKER["Neumann"], color=COLOR["Neumann"])
        rows.append(f"{label}: {e.value:.2f} [{e.low:.2f}, {e.high:.2f}]")
    axes.set_yticks(-np.arange(len(names)), list(names.values()))
    axes.grid(axis="y", visible=False)
    axes.set(xscale="log", xlabel="final test loss, nats (bars: splits; diamond: mean, 95 %)")
    axes.set_xticks([0.001, 0.01, 0.1, 1], ["0.001", "0.01", "0.1", "1"])
    return Drawing(
        figure,
        "Final test loss of every arm: each split as a bar, the mean with its interval. Splits "
        "differ by a factor of a hundred, arms by a factor of two.",
        "\n".join(rows),
    )


FIGURES = {
    "iris-effects": (iris_effects, IRIS, "full"),
    "iris-curves": (iris_curves, IRIS, "full"),
    "iris-orders": (orders, IRIS, "full"),
    "mean-decay": (mean_decay, IRIS, "full"),
    "audit": (audit_cosines, AUDIT, "quick"),
}
