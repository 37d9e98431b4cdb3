"""Figures of single loops and rules: the sawtooth, the adaptive step, public code."""

from __future__ import annotations

import textwrap

import numpy as np
from matplotlib import pyplot as plt

from replications.core.estimates import mean
from replications.core.figures import COLOR, MARKER, OKABE_ITO, WIDTH, Drawing
from replications.papers.lookahead.experiments import (
    ADAPTIVE_ALPHA,
    PUBLIC_RULES,
    SAWTOOTH_DIGITS,
    adaptive_alpha,
    public_rules,
    sawtooth_digits,
)


def sawtooth(result: sawtooth_digits.Result) -> Drawing:
    """Accuracy over a loop, from the slow weights to the fast ones and back."""
    settings = len(result.lr)
    figure, panels = plt.subplots(
        1, settings, figsize=(WIDTH, 2.8), sharey=True, layout="constrained"
    )
    lines = []
    for n, axes in enumerate(panels):
        start = result.accuracy[n][..., :1]
        path = np.concatenate([result.accuracy[n], result.synchronised[n][..., None]], axis=-1)
        change = [mean(x, "over seeds") for x in (path - start).mean(1).T]
        values = np.array([e.value for e in change])
        k = len(values) - 2
        positions = [*range(k + 1), k + 1]
        axes.plot(positions[: k + 1], values[:-1], color=COLOR["SGD"])
        axes.plot(positions[k:], values[k:], color=COLOR["Lookahead"], linestyle=":")
        axes.errorbar(
            positions[1 : k + 1],
            values[1:-1],
            yerr=[e.high - e.value for e in change[1:-1]],
            fmt=MARKER["SGD"],
            color=COLOR["SGD"],
            markersize=4,
        )
        axes.errorbar(
            [0, k + 1],
            values[[0, -1]],
            yerr=[0, change[-1].high - change[-1].value],
            fmt=MARKER["Lookahead"],
            color=COLOR["Lookahead"],
            markersize=5,
        )
        mode = "reset" if result.reset[n] else "maintain"
        axes.set(title=f"lr {result.lr[n]:g}\n{mode}", xticks=(0, k))
        axes.title.set_fontsize(9)
        axes.tick_params(labelsize=8)
        lines.append(f"lr {result.lr[n]:g} {mode}: " + " ".join(f"{v:.2f}" for v in values))
    panels[0].set_ylabel("test accuracy, change in points")
    panels[settings // 2].set_xlabel("inner step of the loop; diamonds are slow weights")
    return Drawing(
        figure,
        "Five panels of growing learning rate: change of test accuracy over the five inner steps "
        "of a loop and after the synchronisation. None at lr 0.0125; elsewhere it falls, and the "
        "synchronisation brings it back to slightly above the start.",
        "positions 0 to 5, then synchronised\n" + "\n".join(lines),
    )


def adaptive(result: adaptive_alpha.Result) -> Drawing:
    """Training loss, test accuracy and the adaptive alpha over epochs, for two learning rates."""
    figure, grid = plt.subplots(
        3, 2, figsize=(WIDTH, 6.6), sharex=True, sharey="row", layout="constrained"
    )
    styles = {
        "adaptive α": (OKABE_ITO["green"], "P"),
        "α = 0.5": (COLOR["Lookahead"], MARKER["Lookahead"]),
        "Adam": (COLOR["Adam"], MARKER["Adam"]),
    }
    epochs = np.arange(1, result.alpha.shape[1] + 1)
    lines = []
    for j, lr in enumerate(result.lr):
        for m, (name, (colour, marker)) in enumerate(styles.items()):
            for row, values in enumerate((result.train_loss, result.accuracy)):
                grid[row, j].plot(
                    epochs,
                    values[m, j].mean(-1),
                    color=colour,
                    marker=marker,
                    markersize=4,
                    markevery=3,
                    label=name,
                )
            loss, accuracy = (x[m, j, -1].mean() for x in (result.train_loss, result.accuracy))
            lines.append(f"lr {lr:g}, {name}: loss {loss:.3f}, accuracy {accuracy:.1f}")
        grid[2, j].plot(epochs, result.alpha[j].mean(-1), color=OKABE_ITO["green"])
        grid[2, j].axhline(0.5, color=COLOR["Lookahead"], linestyle=":")
        grid[2, j].set(xlabel="epoch", ylim=(0, 1.05))
        grid[0, j].set(yscale="log", title=f"learning rate {lr:g}")
        grid[1, j].set(ylim=(80, 100))
    labels = ("training loss, nats", "test accuracy, %", "mean α of the epoch")
    for axes, label in zip(grid[:, 0], labels, strict=True):
        axes.set_ylabel(label)
    grid[1, 0].legend(fontsize=8, loc="lower right")
    return Drawing(
        figure,
        "Training loss, test accuracy and adaptive alpha over 20 epochs. At Adam's default rate "
        "alpha stays near 1 at first and the adaptive run is the faster; at ten times the rate "
        "alpha falls to about 0.3 and the fixed one ends lower in loss.",
        "\n".join(lines),
    )


def public(result: public_rules.Result) -> Drawing:
    """Distance of each published rule from Algorithm 1, step by step."""
    wrong = [n for n, d in enumerate(result.distance) if d.max() > 1e-9]
    figure, panels = plt.subplots(
        2, 3, figsize=(WIDTH, 4.2), sharex=True, sharey=True, layout="constrained"
    )
    steps = np.arange(1, result.distance.shape[1] + 1)
    for axes, n in zip(panels.flat, wrong, strict=True):
        axes.fill_between(
            steps, result.distance[n], step="mid", color=COLOR["Lookahead"], alpha=0.3
        )
        axes.step(steps, result.distance[n], where="mid", color=COLOR["Lookahead"])
        axes.set_title(textwrap.fill(public_rules.RULES[n].name, 28), fontsize=8)
        axes.set(ylim=(0, 0.55), xticks=(5, 20, 40))
    for axes in panels[-1]:
        axes.set_xlabel("inner step")
    for axes in panels[:, 0]:
        axes.set_ylabel("distance")
    return Drawing(
        figure,
        "Six panels, one for each published rule that is not Algorithm 1: its distance from it "
        "over 40 steps, in units of the distance of start and optimum. All begin at a "
        "synchronisation or one step after it; at the highest they are between 0.1 and 0.5.",
        "\n".join(
            f"{rule.name}: largest {d.max():.2f}" if d.max() > 1e-9 else f"{rule.name}: equal"
            for rule, d in zip(public_rules.RULES, result.distance, strict=True)
        ),
    )


FIGURES = {
    "sawtooth-digits": (sawtooth, SAWTOOTH_DIGITS, "full"),
    "adaptive-alpha": (adaptive, ADAPTIVE_ALPHA, "full"),
    "public-rules": (public, PUBLIC_RULES, "quick"),
}
