"""The moving picture: one decay, the minimum that it moves, and the loss that answers.

Ridge regression with two weights, made by hand so that the best decay is neither none nor all:
along one direction the training data say little and mislead.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from replications.core.figures import OKABE_ITO
from replications.core.moving import MovingPicture, Slider
from replications.core.numbers import number
from replications.methods.implicit import hypergradient
from replications.methods.neumann import Neumann
from replications.problems.ridge import Ridge

LOGS = tuple(round(-5 + 0.2 * i, 1) for i in range(36))
ORDERS = (0, 1, 2, 5, 10, 20, 50)
FIRST = (-3.0, 5)
SIZE = (400, 205)
SCALE, ORIGIN = 62.0, (38.0, 165.0)
"""Of the left panel: units a weight, and where both weights are zero."""
LEFT, WIDTH, BOTTOM, HEIGHT, TOP = 232.0, 160.0, 165.0, 145.0, 0.8
"""Of the right panel; TOP is the largest loss shown."""
ANGLE = 0.6
"""Radians between the first weight and the direction of large curvature."""
REACH = 1.2
"""Length of the arrow along the axis, in logarithms."""


def problem() -> Ridge:
    """Two training examples, one a direction; two for validation, which agree on less."""
    turn = torch.tensor(
        [[math.cos(ANGLE), math.sin(ANGLE)], [-math.sin(ANGLE), math.cos(ANGLE)]],
        dtype=torch.float64,
    )
    rows = math.sqrt(2) * torch.diag(torch.tensor([1.0, 0.3], dtype=torch.float64)) @ turn
    minimum = torch.tensor([1.0, 2.2], dtype=torch.float64)
    truth = torch.tensor([1.3, 0.9], dtype=torch.float64)
    inputs = math.sqrt(2) * torch.eye(2, dtype=torch.float64)
    return Ridge(rows, rows @ minimum, inputs, inputs @ truth, torch.zeros(2, dtype=torch.int64))


def frames() -> dict[str, Any]:
    """At every decay: the minimum, its loss, radii of the valley, slopes by order, the true one."""
    ridge = problem()
    rows: dict[str, list[Tensor]] = {k: [] for k in ("w", "loss", "radii", "slopes", "slope")}
    for log in LOGS:
        h = torch.tensor([log], dtype=torch.float64)
        w, values = ridge.best_response(h), torch.linalg.eigvalsh(ridge.hessian(h))
        step = 1 / float(values[-1])
        ask = (ridge.train_loss, ridge.val_loss, w, h)
        totals = [hypergradient(*ask, Neumann(k, step, probes=0)).total[0] for k in ORDERS]
        rows["w"].append(w)
        rows["loss"].append(ridge.val_loss(w, h))
        rows["radii"].append(1 / values.sqrt())
        rows["slopes"].append(torch.stack(totals))
        rows["slope"].append(ridge.hypergradient(h)[0])
    tables = {name: torch.stack(row) for name, row in rows.items()}
    return {name: (1e4 * x).round().div(1e4).tolist() for name, x in tables.items()}


def valley() -> MovingPicture:
    """The picture with its sliders."""
    data = frames()
    i, k = LOGS.index(FIRST[0]), ORDERS.index(FIRST[1])
    points = [(_across(log), _down(y)) for log, y in zip(LOGS, data["loss"], strict=True)]
    curve = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    path = " ".join("{:.1f},{:.1f}".format(*_at(w)) for w in data["w"])
    x, y = points[i]
    slope = data["slopes"][i][k]
    forward = -math.copysign(REACH, slope)
    tip = _across(LOGS[i] + forward), _down(data["loss"][i] + forward * slope)
    cx, cy = _at(data["w"][i])
    degrees = math.degrees(ANGLE)
    ellipses = "".join(
        f'<ellipse class="train" rx="{SCALE * r * data["radii"][i][0]:.1f}" '
        f'ry="{SCALE * r * data["radii"][i][1]:.1f}" '
        f'transform="translate({cx:.1f} {cy:.1f}) rotate({90 - degrees:.1f})"/>'
        for r in (0.2, 0.45)
    )
    vx, vy = _at([1.3, 0.9])
    rings = "".join(f'<circle cx="{vx}" cy="{vy}" r="{r}"/>' for r in (16, 34, 54))
    ticks = "".join(
        f'<text x="{_across(v):.0f}" y="{BOTTOM + 14}" text-anchor="middle">{v}</text>'
        for v in (-5, -3, -1, 1)
    ) + "".join(
        f'<text x="{LEFT - 5}" y="{_down(v) + 4:.0f}" text-anchor="end">{v:g}</text>'
        for v in (0, 0.4, 0.8)
    )
    blue = OKABE_ITO["blue"]
    still = f"""<defs><marker id="valley-tip" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="6" \
markerHeight="6" orient="auto"><path d="M0 0L8 4L0 8z" fill="#D55E00" stroke="none"/></marker>\
<clipPath id="valley-left"><rect x="2" y="18" width="190" height="{BOTTOM - 8}"/></clipPath></defs>
<g clip-path="url(#valley-left)"><g stroke="{blue}" stroke-dasharray="4 3" opacity=".8">{rings}</g>
<g opacity=".55">{ellipses}</g><polyline points="{path}" stroke-width="1.2" opacity=".5"/></g>
<g fill="currentColor" stroke="none">{ticks}<text x="{LEFT + WIDTH / 2}" y="{BOTTOM + 30}" \
text-anchor="middle">log decay l</text><text x="{LEFT}" y="12">validation loss of w*</text>
<text x="6" y="12">the two weights</text><text x="6" y="{BOTTOM + 30}">solid: training valley, \
dashed: validation</text></g>
<path d="M{LEFT} {_down(TOP):.0f}V{BOTTOM}h{WIDTH}" opacity=".5"/>
<polyline points="{curve}" stroke="{blue}" stroke-width="1.6"/>
<path class="arrow" d="M{x:.1f} {y:.1f}L{tip[0]:.1f} {tip[1]:.1f}" stroke="#D55E00" \
stroke-width="2.4" marker-end="url(#valley-tip)"/>
<circle class="loss" cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="#D55E00" stroke="none"/>
<circle class="w" cx="{cx:.1f}" cy="{cy:.1f}" r="4.5" fill="#D55E00" stroke="none"/>"""
    loss, exact = data["loss"][i], data["slope"][i]
    sentence = (
        f"At l = {number(LOGS[i])} the validation loss is <b>{number(loss, digits=3)}</b>. "
        f"A series of order {ORDERS[k]} says its slope is "
        f"<b>{number(slope, digits=2)}</b>; it is {number(exact, digits=2)}."
    )
    return MovingPicture(
        name="valley",
        alt="Left: contours of the training loss of two weights, whose minimum walks towards zero "
        "as the decay grows, past the validation loss's minimum. Right: the validation loss of "
        "that minimum against the log decay, lowest in between; an arrow shows the hypergradient, "
        "too flat for few terms of the series and tangent for many.",
        size=SIZE,
        still=still,
        sentence=sentence,
        sliders=(
            Slider("log decay l", LOGS, FIRST[0]),
            Slider("order K of the series", ORDERS, FIRST[1]),
        ),
        script=Path(__file__).with_suffix(".js"),
        data=data | {"scale": SCALE, "origin": ORIGIN, "right": [LEFT, WIDTH, BOTTOM, HEIGHT, TOP]},
        play=0,
    )


def _at(w: list[float]) -> tuple[float, float]:
    return ORIGIN[0] + SCALE * w[0], ORIGIN[1] - SCALE * w[1]


def _across(log: float) -> float:
    return LEFT + WIDTH * (log - LOGS[0]) / (LOGS[-1] - LOGS[0])


def _down(loss: float) -> float:
    return BOTTOM - HEIGHT * loss / TOP
