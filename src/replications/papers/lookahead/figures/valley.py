"""The moving picture: a valley in which the fast weights zigzag and the slow weights step.

The frames are runs of SGD inside Lookahead on one noisy quadratic, all with the same noise.
"""

from __future__ import annotations

from pathlib import Path

import torch

from replications.core.moving import ACCENT, MovingPicture, Slider
from replications.core.numbers import number
from replications.core.seeds import generator
from replications.methods.lookahead import lookahead_pull
from replications.papers.lookahead.look import COLOR
from replications.problems.noisy_quadratic import NoisyQuadratic

RATES, KS, ALPHAS = (0.2, 0.5, 1.0, 1.5, 1.9), (2, 5, 10), (0.2, 0.5, 0.8, 1.0)
FIRST = (1.5, 5, 0.5)
STEPS = 60
START = (-9.0, 2.0)
VALLEY = NoisyQuadratic(
    torch.tensor([0.05, 1.0], dtype=torch.float64), torch.tensor([4.0, 0.6], dtype=torch.float64)
)
"""Flat along the picture, steep across it."""
WIDTH, HEIGHT, UNIT = 440, 190, 32
"""Of the picture; and pixels of a weight."""


def paths() -> list[list[list[list[int]]]]:
    """Pixels across and down, [rate][k][alpha], of start, steps and synchronisations in order."""
    noise = torch.randn(STEPS, 2, generator=generator(0, "valley"), dtype=torch.float64)
    noise *= VALLEY.noise_variance.sqrt()
    lr, alpha = torch.tensor(RATES)[:, None, None].double(), torch.tensor(ALPHAS).double()
    found = []
    for k in KS:
        slow = torch.tensor(START).double().expand(len(RATES), len(ALPHAS), 2).clone()
        fast, points = slow.clone(), [slow.clone()]
        for step, minimum in enumerate(noise, 1):
            fast -= lr * VALLEY.curvature * (fast - minimum)
            points.append(fast.clone())
            if step % k == 0:
                lookahead_pull(slow, fast, alpha.expand(len(RATES), -1))
                points.append(fast.clone())
        found.append(torch.stack(points, 2))
    return [
        [[_pixels(runs[i, j]) for j in range(len(ALPHAS))] for runs in found]
        for i in range(len(RATES))
    ]


def settled() -> list[list[list[str]]]:
    """Loss at rest as text, [k][rate][alpha]; behind the last k, SGD's at alpha times the rate."""
    lr, alpha = torch.tensor(RATES).double(), torch.tensor(ALPHAS).double()
    half = VALLEY.expected_loss(lr[:, None] * alpha, steps=torch.inf)
    by_k = [VALLEY.expected_loss(lr[:, None], alpha, k, steps=torch.inf) for k in KS]
    return [
        [[number(x, digits=2) for x in row] for row in table.tolist()] for table in (*by_k, half)
    ]


def valley() -> MovingPicture:
    """The picture; its script redraws it."""
    runs, at_rest = paths(), settled()
    rate, k, alpha = RATES.index(FIRST[0]), KS.index(FIRST[1]), ALPHAS.index(FIRST[2])
    points = runs[rate][k][alpha]
    slow, fast, pulls = trace(points, FIRST[1])
    rings = "".join(
        f'<ellipse cx="{_across(0)}" cy="{_down(0)}" opacity=".25" '
        f'rx="{UNIT * (2 * loss / 0.05) ** 0.5:.0f}" ry="{UNIT * (2 * loss) ** 0.5:.0f}"/>'
        for loss in (0.05, 0.3, 0.9, 2.0)
    )
    still = (
        f'{rings}<path d="M{_across(0) - 4} {_down(0)}h8m-4 -4v8"/>'
        f'<path class="fast" stroke="{COLOR["SGD"]}" d="{fast}"/>'
        f'<path class="pull" stroke="{ACCENT}" stroke-dasharray="2 2" d="{pulls}"/>'
        f'<polyline class="slow" stroke="{ACCENT}" stroke-width="2.5" points="{slow}"/>'
        f'<path stroke="{COLOR["SGD"]}" d="M8 12h18"/>'
        f'<path stroke="{ACCENT}" stroke-width="2.5" d="M8 27h18"/>'
        '<g stroke="none" fill="currentColor"><text x="31" y="16">fast weights</text>'
        '<text x="31" y="31">slow weights</text></g>'
    )
    return MovingPicture(
        name="valley",
        alt="A long narrow valley seen from above. The fast weights zigzag across it; after every "
        "k steps the slow weights go part of the way towards them, nearly along its floor.",
        size=(WIDTH, HEIGHT),
        still=still,
        sentence=sentence(rate, k, alpha, at_rest),
        sliders=(
            Slider("learning rate γ", RATES, FIRST[0]),
            Slider("inner steps k", KS, FIRST[1]),
            Slider("slow step α", ALPHAS, FIRST[2]),
            Slider("steps taken", tuple(range(STEPS + 1)), STEPS),
        ),
        script=Path(__file__).with_suffix(".js"),
        data={"paths": runs, "settled": at_rest, "k": KS},
        play=3,
    )


def trace(points: list[int], k: int) -> tuple[str, str, str]:
    """The slow weights' line, the fast weights' loops and the pulls, as SVG."""
    pairs = [f"{x},{y}" for x, y in zip(points[::2], points[1::2], strict=True)]
    starts = range(0, len(pairs), k + 1)  # a loop is its start and k steps
    loops = ("M" + "L".join(pairs[i : i + k + 1]) for i in starts)
    pulls = (f"M{pairs[i - 1]}L{pairs[i]}" for i in starts if i)
    return " ".join(pairs[i] for i in starts), "".join(loops), "".join(pulls)


def sentence(rate: int, k: int, alpha: int, settled: list[list[list[str]]]) -> str:
    """What the script says too."""
    return (
        f"At rest the slow weights' loss is <b>{settled[k][rate][alpha]}</b>; that of SGD at this "
        f"rate is {settled[k][rate][-1]}, at α times this rate {settled[-1][rate][alpha]}."
    )


def _pixels(run: torch.Tensor) -> list[int]:
    across, down = (UNIT * run.T).round().int().tolist()
    return [n for x, y in zip(across, down, strict=True) for n in (_across(0) + x, _down(0) + y)]


def _across(weight: float) -> int:
    return round(UNIT * (weight + 10.2))


def _down(weight: float) -> int:
    return round(HEIGHT / 2 + UNIT * weight)
