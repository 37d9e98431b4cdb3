"""Figures about speed: equal risk, decay and averaging, momentum, the slow step."""

from __future__ import annotations

import numpy as np
from matplotlib import pyplot as plt

from replications.core.figures import COLOR, MARKER, OKABE_ITO, WIDTH, Drawing
from replications.papers.lookahead.experiments import (
    CONTROLS,
    CONVERGENCE,
    MOMENTUM,
    SLOW_STEP,
    controls,
    convergence,
    momentum,
    slow_step,
)

AVERAGED = OKABE_ITO["purple"]
DECAY = OKABE_ITO["sky"]


def _colour(name: str) -> str:
    if name.startswith("Lookahead"):
        return COLOR["Lookahead"]
    if "decay" in name:
        return DECAY
    return AVERAGED if "averaged" in name else COLOR["SGD"]


def best_losses(result: controls.Result) -> Drawing:
    """The verdict: each method's lowest loss after the same number of steps."""
    best = dict(zip(result.names, result.loss.min(1), strict=True))
    order = sorted(best, key=best.__getitem__, reverse=True)
    figure, axes = plt.subplots(figsize=(WIDTH, 3.2))
    for row, name in enumerate(order):
        axes.plot([0, best[name]], [row, row], color=_colour(name), linewidth=1)
        axes.plot(
            best[name],
            row,
            MARKER["Lookahead" if "k =" in name else "SGD"],
            color=_colour(name),
            markersize=6,
        )
        axes.annotate(
            f"{best[name]:.3f}",
            (best[name], row),
            (8, -3.5),
            textcoords="offset points",
            fontsize=9,
        )
    axes.set_yticks(
        range(len(order)),
        [name if name.endswith(("decay", "averaged")) else f"{name}, constant" for name in order],
    )
    axes.grid(False, axis="y")
    axes.set(xlim=(0, 0.165), xlabel="expected loss after 1000 steps, best over all settings")
    return Drawing(
        figure,
        f"Lowest expected loss after 1000 steps for {len(order)} methods. With a constant learning "
        "rate Lookahead lies a little below SGD; decay and averaging reach half to two thirds of "
        "either. Lookahead inside the linear decay hardly differs from the decay.",
        "\n".join(f"{name}: {best[name]:.3f}" for name in order),
    )


def against_decay(result: controls.Result) -> Drawing:
    """The same by learning rate."""
    names = list(result.names)
    figure, axes = plt.subplots(figsize=(WIDTH, 3.8))
    drawn = {
        "Lookahead, k = 5": "Lookahead, k = 5, best α",
        "SGD": "SGD",
        "SGD, linear decay": "SGD, linear decay",
        "Lookahead, k = 5, linear decay": "Lookahead, linear decay",
        "SGD, averaged": "SGD, averaged",
    }
    for name, label in drawn.items():
        loss = result.loss[names.index(name)]
        line = "--" if name.startswith("Lookahead") and "decay" in name else "-"
        axes.plot(result.lr, loss, line, color=_colour(name), label=label)
        best = loss.argmin()
        axes.plot(result.lr[best], loss[best], "o", color=_colour(name))
    for alpha in (0.1, 0.3, 0.8):
        (a,), (k,) = np.flatnonzero(np.isclose(result.alpha, alpha)), np.flatnonzero(result.k == 5)
        axes.plot(
            result.lr,
            result.constant[k, a],
            color=COLOR["Lookahead"],
            linestyle=":",
            linewidth=1.2,
            label="Lookahead, α = 0.8, 0.3, 0.1" if alpha == 0.8 else None,
        )
    axes.legend(ncols=2)
    axes.set(
        xscale="log",
        yscale="log",
        ylim=(0.05, 10),
        xlabel="(initial) learning rate",
        ylabel="expected loss after 1000 steps",
    )
    rows = [
        f"{name}: {result.loss[names.index(name)].min():.3f} at learning rate "
        f"{result.lr[result.loss[names.index(name)].argmin()]:.2f}"
        for name in drawn
    ]
    return Drawing(
        figure,
        "Expected loss after 1000 steps against learning rate. Lookahead's, with the best "
        "alpha for each, stays flat up to large learning rates; with one alpha it is a valley as "
        "narrow as SGD's. Decay and averaging go far lower, Lookahead in the decay hardly lower.",
        "\n".join(rows),
    )


def equal_risk(result: convergence.Result) -> Drawing:
    """Figure 3 as a ratio: loss of Lookahead over SGD among settings of equal risk."""
    figure, panels = plt.subplots(1, len(result.dimensions), figsize=(WIDTH, 2.8), sharey=True)
    shown = [(0.1, ":"), (0.3, "--"), (0.5, "-"), (0.8, "-.")]
    rows = []
    for n, (axes, d) in enumerate(zip(panels, result.dimensions, strict=True)):
        shares = result.lookahead[n] / result.sgd[n][:, None]
        axes.axhline(1, color=COLOR["SGD"])
        for alpha, line in shown:
            (i,) = np.flatnonzero(np.isclose(result.alpha, alpha))
            axes.plot(
                result.risk,
                shares[:, i],
                color=COLOR["Lookahead"],
                linestyle=line,
                label=f"α = {alpha:g}",
                linewidth=1.4,
            )
        axes.set(
            xscale="log",
            xlabel="steady-state risk",
            ylim=(0.7, 1.12),
            title="1 curvature: at rest" if d == 1 else f"{d} curvatures",
        )
        rows.append(f"{d}: " + " ".join(f"{v:.2f}" for v in np.nanmin(shares[:, :-1], axis=1)))
    panels[0].set_ylabel("loss after 1000 steps,\nLookahead / SGD")
    panels[0].legend(loc="lower left")
    return Drawing(
        figure,
        "Three panels, 1, 10 and 100 curvatures: loss of Lookahead over that of SGD at equal "
        "steady-state risk. With one curvature both are at rest and the ratio is 1 by "
        "construction; with more it dips below 1.",
        "best alpha at each risk, by number of curvatures\n" + "\n".join(rows),
    )


def momentum_speed(result: momentum.Result) -> Drawing:
    """Figure 4 twice: with the two extreme eigenvalues, and with the range filled."""
    figure, panels = plt.subplots(2, 2, figsize=(WIDTH, 4.6), sharex=True, sharey="row")
    lines = {"momentum": "-", "maintain": "-", "reset": "--", "pullback": ":"}
    rows = []
    for b, beta in enumerate(result.beta):
        for column, count in enumerate((2, 0)):
            n = list(result.eigenvalues).index(count)
            axes = panels[b, column]
            for m, method in enumerate(result.methods):
                colour = COLOR["SGD" if method == "momentum" else "Lookahead"]
                axes.plot(
                    result.condition,
                    result.speed[b, m, n],
                    color=colour,
                    linestyle=lines[method],
                    marker=MARKER["SGD"] if m == 0 else "",
                    label="momentum" if m == 0 else f"Lookahead, {method}",
                )
                values = " ".join(f"{v:.4f}" for v in result.speed[b, m, n])
                rows.append(f"beta {beta:g}, {count or 'all'} eigenvalues, {method}: {values}")
            title = "two eigenvalues" if count else "range filled"
            axes.set(xscale="log", yscale="log", ylim=(2e-4, 0.3), title=f"β = {beta:g}, {title}")
        panels[b, 0].set_ylabel("1 − rate per step")
    for axes in panels[1]:
        axes.set_xlabel("condition number")
    panels[0, 0].legend(loc="lower left", fontsize=8)
    return Drawing(
        figure,
        "Four panels: speed against condition number for momentum 0.9 and 0.99, with two "
        "eigenvalues and with the range filled. Lookahead's gain in the under-damped regime "
        "shrinks or turns into a loss once the range is filled.",
        "\n".join(rows),
    )


def momentum_profile(result: momentum.Result) -> Drawing:
    """Rate of a single eigenvalue: flat for momentum, with teeth for Lookahead."""
    figure, panels = plt.subplots(1, 2, figsize=(WIDTH, 2.7), sharey=True)
    seen = (result.x > 1e-3) & (result.x < 3.8)
    rows = []
    for b, (axes, beta) in enumerate(zip(panels, result.beta, strict=True)):
        for m, name in ((0, "SGD"), (1, "Lookahead")):
            profile = result.profile[b, m][seen]
            axes.plot(
                result.x[seen],
                1 - profile,
                color=COLOR[name],
                label="momentum" if m == 0 else "Lookahead, maintain",
            )
            check = result.measured[b, m]
            axes.plot(
                result.check_x[::2], 1 - check[::2], MARKER[name], color=COLOR[name], markersize=3
            )
        flat = (result.x > 0.01) & (result.x < 3.5)
        rows.append(
            f"beta {beta:g}, 0.01 < x < 3.5: momentum {1 - result.profile[b, 0][flat].max():.4f}, "
            f"Lookahead {1 - result.profile[b, 1][flat].max():.4f} at its slowest"
        )
        axes.set(xscale="log", yscale="log", ylim=(4e-4, 1), title=f"β = {beta:g}", xlabel="x = γa")
    panels[0].set_ylabel("1 − rate per step")
    panels[0].legend(loc="upper left", fontsize=8)
    return Drawing(
        figure,
        "Speed of a single eigenvalue against learning rate times eigenvalue. Momentum alone is a "
        "plateau; Lookahead's curve has deep notches, where k steps turn the state full circle.",
        "\n".join(rows),
    )


def best_slow_step(result: slow_step.Result) -> Drawing:
    """Without noise the best slow step overshoots; with noise it falls far below 1."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 2.8))
    edges = np.linspace(0.6, 2.2, 33)
    styles = (
        (COLOR["theory"], "-"),
        (COLOR["Lookahead"], "-"),
        (COLOR["theory"], "--"),
        (COLOR["Lookahead"], "--"),
    )
    for k, alpha, (colour, line) in zip(result.k, result.parabola, styles, strict=True):
        left.hist(
            alpha.clip(max=edges[-1]),  # the last bin takes what lies beyond
            edges,
            histtype="step",
            color=colour,
            linestyle=line,
            label=f"k = {k}",
            linewidth=1.3,
        )
    left.axvline(1, color=COLOR["SGD"], linewidth=1)
    left.legend()
    left.set(xlabel="best slow step, no noise", ylabel="random problems")
    left.set_xticks((0.6, 1.0, 1.4, 1.8, 2.175), ("0.6", "1", "1.4", "1.8", "≥ 2.15"))
    loops = 1 + np.arange(result.noisy.shape[1])
    for lr, alpha, line in zip(result.noisy_lr, result.noisy, ("-", "--", ":"), strict=True):
        right.plot(loops, alpha, color=COLOR["Lookahead"], linestyle=line, label=f"γ = {lr:g}")
    right.axhline(1, color=COLOR["SGD"], linewidth=1)
    right.legend()
    right.set(xscale="log", yscale="log", xlabel="loop", ylabel="best slow step, with noise")
    rows = [
        f"k = {k}: least {alpha.min():.2f}, share below 1 {np.mean(alpha < 1):.2f}"
        for k, alpha in zip(result.k, result.parabola, strict=True)
    ]
    rows += [
        f"with noise, lr {lr:g}: first {alpha[0]:.2f}, tenth {alpha[9]:.2f}, last {alpha[-1]:.3f}"
        for lr, alpha in zip(result.noisy_lr, result.noisy, strict=True)
    ]
    return Drawing(
        figure,
        "Left: best slow steps of random quadratics without noise, never below 1 for even k. "
        "Right: best slow step under noise, falling towards 0 as the loops go on, from 2.6, 1.0 "
        "and 0.5 for the three learning rates.",
        "\n".join(rows),
    )


FIGURES = {
    "verdict": (best_losses, CONTROLS, "quick"),
    "controls": (against_decay, CONTROLS, "quick"),
    "convergence": (equal_risk, CONVERGENCE, "quick"),
    "momentum": (momentum_speed, MOMENTUM, "quick"),
    "momentum-profile": (momentum_profile, MOMENTUM, "quick"),
    "slow-step": (best_slow_step, SLOW_STEP, "quick"),
}
