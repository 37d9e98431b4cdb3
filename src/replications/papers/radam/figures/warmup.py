"""The moving picture: r_t beside the linear warm-up over 2/(1-beta2) steps."""

from __future__ import annotations

import math
from pathlib import Path

from replications.core.moving import MovingPicture, Slider
from replications.core.numbers import number
from replications.methods.adam_variants import linear_warmup, untuned_warmup_steps
from replications.methods.rectification import rectification, rho
from replications.papers.radam.look import COLOR

BETAS = (0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995)
STEPS = (
    *(1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100, 120, 150, 200, 250, 300),
    *(400, 500, 600, 800, 1000, 1200, 1500, 2000, 2500, 3000, 4000, 5000, 6000),
)
FIRST = (0.999, 500)
WIDTH, HEIGHT, LEFT, TOP, BASE = 460, 240, 44, 26, 198


def _x(step: int) -> float:
    return LEFT + (WIDTH - LEFT - 24) * math.log(step) / math.log(STEPS[-1])


def _y(factor: float) -> float:
    return BASE - (BASE - TOP) * factor


def _line(points: list[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _frame(beta2: float) -> dict[str, object]:
    """Both curves of one beta2, as paths, heights and words."""
    r = [float(rectification(float(t), beta2)) for t in STEPS]
    w = [linear_warmup(t, untuned_warmup_steps(beta2)) for t in STEPS]
    on = [(t, x) for t, x in zip(STEPS, r, strict=True) if not math.isnan(x)]
    return {
        "rPath": _line([(_x(t), _y(x)) for t, x in on]),
        "wPath": _line([(_x(t), _y(x)) for t, x in zip(STEPS, w, strict=True)]),
        "rY": [None if math.isnan(x) else round(_y(x), 1) for x in r],
        "wY": [round(_y(x), 1) for x in w],
        "r": ["" if math.isnan(x) else number(x, digits=2) for x in r],
        "w": [number(x, digits=2) for x in w],
        "rho": [number(float(rho(float(t), beta2)), digits=2) for t in STEPS],
        "length": number(untuned_warmup_steps(beta2)),
    }


def sentence(frame: dict[str, object], i: int) -> str:
    """What the frame shows at one step; warmup.js says the same."""
    r, w, rho_t = (frame[name][i] for name in ("r", "w", "rho"))  # type: ignore[index]
    step = f"RAdam's step is <b>{r}</b> of Adam's" if r else "RAdam takes a momentum step"
    return (
        f"At step {STEPS[i]} the second moment is worth {rho_t} gradients. {step}; "
        f"the linear warm-up over {frame['length']} steps is at <b>{w}</b>."
    )


def warmup() -> MovingPicture:
    """Two sliders, beta2 and the step."""
    frames = [_frame(beta2) for beta2 in BETAS]
    now, i = frames[BETAS.index(FIRST[0])], STEPS.index(FIRST[1])
    ticks = "".join(
        f'<path d="M{_x(t):.1f} {BASE}v4"/><text x="{_x(t):.1f}" y="{BASE + 16}" '
        f'text-anchor="middle" fill="currentColor" stroke="none">{t}</text>'
        for t in (1, 10, 100, 1000, 6000)
    ) + "".join(
        f'<path d="M{LEFT - 4} {_y(f):.1f}h4"/><text x="{LEFT - 7}" y="{_y(f) + 4:.1f}" '
        f'text-anchor="end" fill="currentColor" stroke="none">{f:g}</text>'
        for f in (0, 0.5, 1)
    )
    green, purple, x = COLOR["RAdam"], COLOR["warm-up"], _x(FIRST[1])
    still = (
        f'<path d="M{LEFT} {TOP}V{BASE}H{WIDTH - 20}"/>{ticks}'
        f'<text x="{WIDTH - 22}" y="{BASE + 33}" text-anchor="end" fill="currentColor" '
        'stroke="none">step t</text>'
        f'<text x="{LEFT - 26}" y="12" fill="currentColor" stroke="none">'
        "factor of the learning rate</text>"
        f'<path class="r" d="{now["rPath"]}" stroke="{green}" stroke-width="2.5"/>'
        f'<path class="w" d="{now["wPath"]}" stroke="{purple}" stroke-width="2.5" '
        'stroke-dasharray="6 4"/>'
        f'<path class="t" d="M{x:.1f} {TOP}V{BASE}" stroke-dasharray="2 3"/>'
        f'<circle class="r" cx="{x:.1f}" cy="{now["rY"][i]}" r="5" '  # type: ignore[index]
        f'fill="{green}" stroke="none"/>'
        f'<rect class="w" x="{x - 4:.1f}" y="{now["wY"][i] - 4:.1f}" width="8" '  # type: ignore[index]
        f'height="8" fill="{purple}" stroke="none"/>'
        f'<path d="M{LEFT} {BASE + 29}h22" stroke="{green}" stroke-width="2.5"/>'
        f'<text x="{LEFT + 28}" y="{BASE + 33}" fill="currentColor" stroke="none">RAdam, r</text>'
        f'<path d="M{LEFT + 98} {BASE + 29}h22" stroke="{purple}" stroke-width="2.5" '
        'stroke-dasharray="6 4"/>'
        f'<text x="{LEFT + 126}" y="{BASE + 33}" fill="currentColor" stroke="none">'
        "linear warm-up over 2 / (1 − β₂)</text>"
    )
    return MovingPicture(
        name="warmup",
        alt="RAdam's factor of the learning rate, and that of a linear warm-up over 2/(1-beta2) "
        "steps, against the step on a logarithmic axis. The two rise together: RAdam's sooner, "
        "the line's later.",
        size=(WIDTH, HEIGHT),
        still=still,
        sentence=sentence(now, i),
        sliders=(
            Slider("β₂, how long v remembers", BETAS, FIRST[0]),
            Slider("step t", STEPS, FIRST[1]),
        ),
        script=Path(__file__).with_suffix(".js"),
        data={"frames": frames, "x": [round(_x(t), 1) for t in STEPS]},
        play=1,
    )
