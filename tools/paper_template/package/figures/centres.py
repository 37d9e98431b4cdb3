"""The moving picture: the spread of both estimates as more numbers are drawn; an example."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from replications.core.moving import MovingPicture, Slider

DRAWS = (10, 20, 50, 100, 200, 500, 1000)
WIDTH, HEIGHT = 300, 40
"""Of the drawing, whose width stands for the range from 0 to 1."""


def frames() -> list[list[float]]:
    """Standard deviations of the mean and, for many draws, of the median; a row for each length."""
    return [[round(x, 4) for x in (np.sqrt(1 / 12 / n), np.sqrt(1 / 4 / n))] for n in DRAWS]


def centres() -> MovingPicture:
    """Two bars, one above the other."""
    bars = "".join(
        f'<rect x="{WIDTH * (0.5 - spread):g}" y="{4 + 18 * row}" '
        f'width="{WIDTH * 2 * spread:g}" height="12" fill="currentColor" stroke="none"/>'
        for row, spread in enumerate(frames()[0])
    )
    return MovingPicture(
        name="centres",
        alt="Two bars: where the mean and, below it, the median of uniform numbers lie.",
        size=(WIDTH, HEIGHT),
        still=bars,
        sentence="One standard deviation to each side: the median needs more numbers.",
        sliders=(Slider("numbers drawn", DRAWS, DRAWS[0]),),
        script=Path(__file__).with_suffix(".js"),
        data=frames(),
        play=0,
    )
