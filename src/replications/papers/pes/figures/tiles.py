"""The moving picture: an unroll cut into windows, whose noise piles up into PES's weight."""

from __future__ import annotations

from pathlib import Path

import torch

from replications.core.moving import MovingPicture, Slider
from replications.core.numbers import number
from replications.methods.evolution import PES
from replications.papers.pes.look import COLOR
from replications.problems.linear_unroll import LinearUnroll

STEPS, SIGMA, SEED = 12, 0.3, 0
WINDOWS = (1, 2, 3, 4, 6, 12)
FIRST = (3, 9)
"""K and steps of the still picture."""
LEFT, BOX, UNIT = 8, 20, 12.0
EPS, XI = 84, 178
"""Heights of the two zero lines."""
CORNER, SIDE = (292, 44), 150


def _bar(x: float, low: float, high: float, width: float) -> str:
    return f"M{x:.1f} {low:.1f}V{high:.1f}h{width:.1f}V{low:.1f}z"


def _frames(window: int) -> list[dict[str, str]]:
    """What is seen in each window, by one pair of PES on the drifting number."""
    one, start = torch.ones(1, 1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    problem = LinearUnroll(one, one, start, STEPS, "quadratic")
    theta, count = torch.tensor([0.3], dtype=torch.float64), STEPS // window
    slope = problem.window_jacobian(theta, window)[..., 0]
    state = PES(window, SIGMA, 1).init(problem, theta, SEED)
    noise, piled, frames = [0.0], [0.0], []
    cell, width = SIDE / count, BOX * window - 3
    for t in range(count):
        _, state, info = PES(window, SIGMA, 1).step(state, theta)
        piled.append(info.directions.item() / SIGMA)
        noise.append(piled[-1] - piled[-2])
        at = [LEFT + BOX * window * i for i in range(t + 1)]
        tiles = "".join(
            _bar(x, EPS, EPS - UNIT * e, width) for x, e in zip(at, noise[1:], strict=True)
        )
        steps = "".join(
            _bar(x, XI - UNIT * a, XI - UNIT * b, width)
            for x, a, b in zip(at, piled[:-1], piled[1:], strict=True)
        )
        shade = [[], [], []]  # type: ignore[var-annotated]  # light, middle, strong
        for i in range(t + 1):
            for j in range(i + 1):
                strength = min(int(3 * (slope[i, j] / slope.max()).item()), 2)
                x, y = CORNER[0] + cell * j, CORNER[1] + cell * i
                shade[strength].append(_bar(x + 1, y + 1, y + cell - 1, cell - 2))
        own = "".join(
            _bar(
                CORNER[0] + cell * i + 1,
                CORNER[1] + cell * i + 1,
                CORNER[1] + cell * i + cell - 1,
                cell - 2,
            )
            for i in range(t + 1)
        )
        kept = 100 * (slope[: t + 1].diagonal().sum() / slope[: t + 1].sum()).item()
        last = LEFT + BOX * window * (t + 1)
        svg = (
            f'<path d="{tiles}" fill="currentColor" fill-opacity=".35" stroke="none"/>'
            f'<path d="{steps}" fill="{COLOR["PES"]}" fill-opacity=".75" stroke="none"/>'
            f'<path d="M{LEFT} {XI - UNIT * piled[-1]:.1f}H{last}" stroke="{COLOR["PES"]}" '
            'stroke-width="2"/>'
            + "".join(
                f'<path d="{"".join(d)}" fill="{COLOR["PES"]}" fill-opacity="{o}" stroke="none"/>'
                for d, o in zip(shade, (0.25, 0.55, 0.9), strict=True)
                if d
            )
            + f'<path d="{own}" stroke="{COLOR["truncated ES"]}" stroke-width="2.5"/>'
        )
        terms = (
            " + ".join(f"ε<sub>{i + 1}</sub>" for i in range(t + 1))
            if t < 3
            else (f"ε<sub>1</sub> + … + ε<sub>{t + 1}</sub>")
        )
        sentence = (
            f"Window {t + 1} of {count}: its loss is weighted with ξ = {terms} = "
            f"<b>{number(piled[-1], digits=2, sign=True)}</b> σ. Truncated ES weights it with the "
            f"last tile alone, {number(noise[-1], digits=2, sign=True)} σ, and has so far kept "
            f"<b>{number(round(kept))} %</b> of the gradient."
        )
        frames.append({"svg": svg, "sentence": sentence})
    return frames


def tiles() -> MovingPicture:
    """Two sliders, the window and the step."""
    frames = [_frames(window) for window in WINDOWS]
    now = frames[WINDOWS.index(FIRST[0])][(FIRST[1] - 1) // FIRST[0]]
    label = '<text x="{}" y="{}" fill="currentColor" stroke="none">{}</text>'
    texts = (
        (LEFT, 14, "twelve steps, cut into windows of K"),
        (LEFT, 46, "ε: each window's own noise"),
        (LEFT, 130, "ξ: the tiles piled up"),
        (CORNER[0], 14, "loss of window (down),"),
        (CORNER[0], 28, "noise of window (across)"),
        (CORNER[0], 212, "framed: all that truncated"),
        (CORNER[0], 226, "ES sees"),
    )
    grid = "".join(f"M{LEFT + BOX * i} 20v10" for i in range(STEPS + 1))
    right = LEFT + BOX * STEPS
    still = (
        f'<path d="M{LEFT} 25H{right}{grid}" opacity=".5"/>'
        f'<path d="M{LEFT} {EPS}H{right}M{LEFT} {XI}H{right}" opacity=".5"/>'
        f'<g class="frame">{now["svg"]}</g>'
        f'<path class="now" d="M{LEFT + BOX * FIRST[1]} 18V232" stroke-dasharray="2 3"/>'
        + "".join(label.format(x, y, text) for x, y, text in texts)
    )
    return MovingPicture(
        name="tiles",
        alt="An unroll of twelve steps, cut into windows. Each window has a tile of noise; PES "
        "piles the tiles up and weights a window's loss with the pile. In a table of losses "
        "against noises PES uses the whole lower triangle, truncated ES only the diagonal.",
        size=(452, 240),
        still=still,
        sentence=now["sentence"],
        sliders=(
            Slider("K, steps in a window", WINDOWS, FIRST[0]),
            Slider("steps taken", tuple(range(1, STEPS + 1)), FIRST[1]),
        ),
        script=Path(__file__).with_suffix(".js"),
        data={"frames": frames, "left": LEFT, "box": BOX},
        play=1,
    )
