"""The second moving picture: PES and truncated ES walk on the toy, from a start, at a sigma."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np

from replications.core.moving import MovingPicture, Slider
from replications.core.numbers import number
from replications.papers.pes.experiments.toy import toy
from replications.papers.pes.experiments.toy_starts import toy_starts
from replications.papers.pes.look import COLOR

SIDE, LEFT, TOP = 230, 40, 8
FIRST = (0.3, "A", 2000)


def _ground() -> str:
    """The surface as a small grey picture."""
    from matplotlib import colormaps
    from matplotlib.image import imsave

    surface = toy.result("full")["surface"].values[::2, ::2]
    grey = np.clip(np.log(surface / 500) / np.log(10000 / 500), 0, 1)
    buffer = io.BytesIO()
    imsave(buffer, (255 * colormaps["Greys_r"](0.25 + 0.7 * grey)).astype(np.uint8)[::-1])
    uri = base64.b64encode(buffer.getvalue()).decode()
    return (
        f'<image x="{LEFT}" y="{TOP}" width="{SIDE}" height="{SIDE}" preserveAspectRatio="none" '
        f'href="data:image/png;base64,{uri}"/>'
    )


def _line(points: list[list[float]]) -> str:
    return "M" + "L".join(f"{x} {y}" for x, y in points)


def walk() -> MovingPicture:
    """Three sliders: sigma, the start and the update."""
    result = toy_starts.result("full")
    arms = result["arm"].values.tolist()
    sigmas, updates = result["sigma"].values.tolist(), result["update"].values.tolist()
    starts = [chr(ord("A") + i) for i in range(result.sizes["start"])]
    path = result["path"].transpose("sigma", "start", "arm", "update", "parameter").values
    x, y = LEFT + SIDE * (path[..., 0] + 5) / 10, TOP + SIDE * (5 - path[..., 1]) / 10
    points = np.stack([x, y], axis=-1).clip(0, 330).round(1)
    losses = result["loss"].transpose("sigma", "start", "arm", "update").values
    words = [[[[number(v, digits=3) for v in a] for a in s] for s in g] for g in losses]
    at = sigmas.index(FIRST[0]), starts.index(FIRST[1]), updates.index(FIRST[2])
    now, said = points[at[0], at[1]], words[at[0]][at[1]]
    drawn, marks = "", ""
    for i, arm in enumerate(arms):
        dash = "" if i == 0 else ' stroke-dasharray="5 3"'
        end = now[i, at[2]]
        drawn += (
            f'<path class="p{i}" d="{_line(now[i, : at[2] + 1].tolist())}" '
            f'stroke="{COLOR[arm]}" stroke-width="2.2"{dash}/>'
        )
        marks += (
            f'<g class="m{i}" transform="translate({end[0]} {end[1]})" stroke="#fff" '
            f'fill="{COLOR[arm]}">'
            + ('<path d="M0-6L6 0L0 6L-6 0z"/>' if i == 0 else '<circle r="5"/>')
            + "</g>"
        )
        marks += (
            f'<path d="M282 {96 + 24 * i}h24" stroke="{COLOR[arm]}" stroke-width="2.2"{dash}/>'
            f'<text x="312" y="{100 + 24 * i}" fill="currentColor" stroke="none">{arm}</text>'
        )
    letters = "".join(
        f'<text x="{points[0, i, 0, 0, 0] - 4}" y="{points[0, i, 0, 0, 1] + 4}" fill="#111" '
        f'stroke="#fff" stroke-width="3" paint-order="stroke" font-weight="bold">{name}</text>'
        for i, name in enumerate(starts)
    )
    ticks = "".join(
        f'<text x="{LEFT + SIDE * (v + 5) / 10}" y="{TOP + SIDE + 14}" text-anchor="middle" '
        f'fill="currentColor" stroke="none">{v}</text><text x="{LEFT - 5}" '
        f'y="{TOP + SIDE * (5 - v) / 10 + 4}" text-anchor="end" fill="currentColor" '
        f'stroke="none">{v}</text>'.replace("-4<", "−4<")
        for v in (-4, 0, 4)
    )
    axes = (
        f'<text x="{LEFT + SIDE / 2}" y="{TOP + SIDE + 28}" text-anchor="middle" '
        'fill="currentColor" stroke="none">log of the first rate</text>'
        f'<text transform="translate(12 {TOP + SIDE / 2}) rotate(-90)" text-anchor="middle" '
        'fill="currentColor" stroke="none">log of the last rate</text>'
        '<text x="282" y="20" fill="currentColor" stroke="none">light: high loss</text>'
        '<text x="282" y="36" fill="currentColor" stroke="none">dark: the valley</text>'
    )
    return MovingPicture(
        name="walk",
        alt="The toy's surface, a rugged slope with a valley on the right, and the paths of PES "
        "and truncated ES on it from the same start, each with noise of its own. At a sigma of 0.3 "
        "PES walks into the valley and truncated ES stops half-way.",
        size=(400, 272),
        still=_ground() + ticks + axes + drawn + letters + marks,
        sentence=f"PES is at a loss of <b>{said[0][at[2]]}</b>, truncated ES at "
        f"<b>{said[1][at[2]]}</b>; the lowest is near 555.",
        sliders=(
            Slider("σ of both", tuple(sigmas), FIRST[0]),
            Slider("start", tuple(starts), FIRST[1]),
            Slider("update", tuple(updates), FIRST[2]),
        ),
        script=Path(__file__).with_suffix(".js"),
        data={"points": points.tolist(), "words": words},
        play=2,
    )
