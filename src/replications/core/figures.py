"""The look of the book's figures: one column wide, Okabe-Ito colours, light and dark.

A figure is a function from a result to a :class:`Drawing`, registered by `@figure`. It takes text
and line colours from matplotlib's rcParams, so that the same function draws both themes. Pages
show one SVG for both (:func:`themed`). A paper declares the colours and markers of its arms in
`look.py`; an arm keeps them in every chapter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any, Literal

from replications.core import registry
from replications.core.compact import compact_png, compact_svg
from replications.core.experiment import Experiment, Tier

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

Theme = Literal["light", "dark"]
Kind = Literal["svg", "png"]

PAPER = {"light": "#ffffff", "dark": "#14161a"}
"""The page's ground, and a PNG's, which is seen outside the site too; an SVG has none."""

INK = {"light": "#1f2328", "dark": "#d5dae0"}
"""Letters and axes."""
FAINT = {"light": "#d8dade", "dark": "#444a52"}
"""Grids."""
CONTRAST = 4.5
"""Of coloured letters against the ground, as WCAG's level AA asks."""

WIDTH = 7.2
"""Inches: the width of the text."""

OKABE_ITO = {
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "green": "#009E73",
    "yellow": "#F0E442",
    "blue": "#0072B2",
    "vermillion": "#D55E00",
    "purple": "#CC79A7",
    "grey": "#8C8C8C",
}
"""Okabe and Ito's colours, which colour-blind readers tell apart; grey stands in for black, which
the dark theme would swallow."""

OLIVE = "#9A8F00"
"""Their yellow, darkened: lines and letters in yellow vanish on white."""


@dataclass(frozen=True)
class Drawing:
    """A figure with what a reader gets who cannot see it."""

    figure: Canvas
    alt: str
    """One or two sentences: what is drawn and what it shows."""
    summary: str
    """The drawn numbers, rounded so that another machine prints the same; a test compares it."""


def strip(
    axes: Axes,
    rows: Mapping[str, Any],
    color: Mapping[str, str],
    marker: Mapping[str, str],
    middle: Callable[[Any], float] = fmean,
) -> None:
    """Draw a row of points for each arm, the first lowest, with a bar at their middle."""
    for height, (arm, values) in enumerate(rows.items()):
        heights = [height] * len(values)
        axes.plot(values, heights, marker[arm], color=color[arm], ms=4, alpha=0.7)
        axes.plot([middle(values)], [height], "|", color=color[arm], ms=14, mew=2)
    axes.set_yticks(range(len(rows)), list(rows))
    axes.set_ylim(-0.6, len(rows) - 0.4)


Draw = Callable[..., Drawing]


@dataclass(frozen=True)
class Figure:
    """A registered figure."""

    slug: str
    name: str
    """Its anchor in the chapter is `fig-<name>`."""
    draw: Draw
    """From the experiments' results to a drawing."""
    on: tuple[Experiment, ...]
    tier: Tier

    @property
    def place_in_code(self) -> tuple[str, int, str]:
        """Module, line and name: the order in which figures are listed."""
        return self.draw.__module__, self.draw.__code__.co_firstlineno, self.name

    def __call__(self) -> Drawing:
        """Draw it."""
        return self.draw(*(experiment.result(self.tier) for experiment in self.on))


def figure(
    *, on: Experiment | tuple[Experiment, ...], tier: Tier | None = None, name: str | None = None
) -> Callable[[Draw], Draw]:
    """Register a function of one or more results as a figure; it stays a plain function.

    Args:
        on: the experiment, or several, whose results the function takes in this order.
        tier: by default "full" if all the experiments have that preset.
        name: by default the function's, with hyphens for underscores.
    """
    experiments = on if isinstance(on, tuple) else (on,)
    full = all(experiment.main_tier == "full" for experiment in experiments)

    def declare(draw: Draw) -> Draw:
        slug = registry.slug_of(draw.__module__)
        own = name or draw.__name__.replace("_", "-")
        entry = Figure(slug, own, draw, experiments, tier or ("full" if full else "quick"))
        registry.register("figures", slug, own, entry, draw.__module__)
        return draw

    return declare


@contextmanager
def style(theme: Theme = "light") -> Iterator[None]:
    """Matplotlib settings of the book, for the time of a `with` block."""
    import matplotlib as mpl
    from cycler import cycler

    ink, faint = INK[theme], FAINT[theme]
    settings: dict[str, Any] = {
        "figure.constrained_layout.use": True,
        "figure.dpi": 110,
        "figure.facecolor": "none",
        "savefig.facecolor": "none",
        "axes.facecolor": "none",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.titlesize": 10,
        "axes.titlelocation": "left",
        "axes.labelsize": 9.5,
        "axes.prop_cycle": cycler(color=list(OKABE_ITO.values())),
        "grid.color": faint,
        "grid.linewidth": 0.6,
        "font.family": ["DejaVu Sans"],  # comes with matplotlib; a missing one would be warned of
        "font.size": 9.5,
        "legend.frameon": False,
        "legend.fontsize": 9,
        "lines.linewidth": 1.6,
        "lines.markersize": 4.5,
        "xtick.labelsize": 9,
        "ytick.labelsize": 9,
        "svg.hashsalt": "replications",  # stable ids: the same figure is the same file
        "svg.fonttype": "none",  # letters as text: half the bytes, and they can be selected
    }
    for name in ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"):
        settings[name] = ink
    with mpl.rc_context(settings):  # type: ignore[arg-type]  # stubs want literal key names
        yield


def render(draw: Callable[[], Drawing], theme: Theme, *kinds: Kind) -> tuple[Drawing, list[bytes]]:
    """Draw once in a theme and encode as each of the kinds.

    Args:
        draw: a registered figure, or any function without arguments that makes a drawing.
        theme: "light" or "dark".
        kinds: "svg" or "png", any number.

    Returns:
        The drawing, its figure closed, and one file's bytes for each kind. Rasterised parts and
        PNG have 130 dots per inch.
    """
    import io

    from matplotlib import pyplot as plt

    encoded = []
    with style(theme):
        drawing = draw()
        _darken_letters(drawing.figure, theme)
        for kind in kinds:
            buffer = io.BytesIO()
            drawing.figure.savefig(
                buffer,
                format=kind,
                dpi=130,
                facecolor="none" if kind == "svg" else PAPER[theme],
                metadata={"Date": None} if kind == "svg" else {"Software": None},
            )
            compact = compact_svg if kind == "svg" else compact_png
            encoded.append(compact(buffer.getvalue()))
        plt.close(drawing.figure)
    return drawing, encoded


def contrast(one: str, other: str) -> float:
    """WCAG's contrast of two colours: 1 for equal ones, 21 for black on white."""
    darker, lighter = sorted(_luminance(color) for color in (one, other))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])


def readable(color: str, theme: Theme) -> str:
    """The colour, made darker (or, in the dark, lighter) until letters in it can be read."""
    goal = 0 if theme == "light" else 255
    for share in range(101):
        channels = (int(color[i : i + 2], 16) for i in (1, 3, 5))
        mixed = [round((c * (100 - share) + goal * share) / 100) for c in channels]
        shade = "#{:02x}{:02x}{:02x}".format(*mixed)
        if contrast(shade, PAPER[theme]) >= CONTRAST:
            return shade
    raise ValueError(f"{color} cannot be made readable")


THEMES: tuple[Theme, ...] = ("light", "dark")
LETTERS = {
    color.lower(): {theme: readable(color, theme) for theme in THEMES}
    for color in (*OKABE_ITO.values(), OLIVE)
}
"""A colour's shade for letters in each theme."""

PROPERTIES = {
    INK["light"]: ("--figure-ink", INK["dark"]),
    FAINT["light"]: ("--figure-faint", FAINT["dark"]),
} | {
    shades["light"]: (f"--figure-{color.removeprefix('#')}", shades["dark"])
    for color, shades in LETTERS.items()
}
"""A colour of the light theme: the custom property that stands for it, and its dark value."""


def themed(svg: bytes) -> bytes:
    """A light SVG whose letters and lines follow the page's theme where the page declares one.

    Shown as an image, anywhere, it is the light figure. The book's pages hold it inline and set the
    properties.
    """
    text = svg.decode()
    for light, (name, _) in PROPERTIES.items():
        text = text.replace(light, f"var({name},{light})")
    return text.encode()


def _darken_letters(figure: Canvas, theme: Theme) -> None:
    from matplotlib.colors import to_hex
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        if shades := LETTERS.get(to_hex(text.get_color())):
            text.set_color(shades[theme])
