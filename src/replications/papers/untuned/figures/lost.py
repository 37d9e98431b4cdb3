"""The moving picture: the full steps that each schedule has cost so far."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from replications.core.moving import MovingPicture, Slider
from replications.papers.untuned.experiments.schedule import factors
from replications.papers.untuned.look import COLOR

BETAS = (0.98, 0.99, 0.995, 0.998, 0.999)
STEPS = (*range(0, 100, 5), *range(100, 400, 10), *range(400, 1000, 50), *range(1000, 6001, 250))
ARMS = ("RAdam", "linear", "exponential")
FIRST = (0.999, 500)
LEFT, SPAN = 84, 260


def frames() -> list[list[list[float]]]:
    """Steps lost, in 1 / (1 - beta2), for each beta2, arm and step; RAdam's momentum costs none."""
    found = []
    for beta2 in BETAS:
        lost = [np.nan_to_num(1 - factors(arm, beta2, STEPS[-1])) for arm in ARMS]
        sums = np.pad(np.cumsum(lost, axis=1) * (1 - beta2), ((0, 0), (1, 0)))
        found.append(sums[:, STEPS].round(3).tolist())
    return found


def lost() -> MovingPicture:
    """Three bars that grow to the same length."""
    data, i = frames(), STEPS.index(FIRST[1])
    now = [arm[i] for arm in data[BETAS.index(FIRST[0])]]
    rows = "".join(
        f'<text x="{LEFT - 8}" y="{24 + 24 * n}" text-anchor="end" fill="currentColor" '
        f'stroke="none">{arm}</text><rect x="{LEFT}" y="{12 + 24 * n}" height="16" '
        f'width="{SPAN * now[n]:g}" fill="{COLOR[arm]}" stroke="none"/>'
        for n, arm in enumerate(ARMS)
    )
    return MovingPicture(
        name="lost",
        alt="Three bars, the full steps that RAdam, the linear and the exponential warm-up have "
        "cost so far. They grow and end within 3 % of the dashed line at 1/(1-beta2).",
        size=(400, 100),
        still=f'{rows}<path d="M{LEFT + SPAN} 6V84" stroke-dasharray="4 3"/>'
        f'<text x="{LEFT + SPAN}" y="97" text-anchor="middle" fill="currentColor" stroke="none">'
        "1 / (1 − β₂)</text>",
        sentence=f"After {FIRST[1]} steps with β₂ = {FIRST[0]} RAdam has cost <b>{now[0]}</b> of "
        f"1 / (1 − β₂) full steps, the linear warm-up {now[1]}, the exponential {now[2]}.",
        sliders=(Slider("β₂", BETAS, FIRST[0]), Slider("step", STEPS, FIRST[1])),
        script=Path(__file__).with_suffix(".js"),
        data=data,
        play=1,
    )
