"""A moving picture: sliders over frames that Python made, drawn by a few lines of plain JavaScript.

It works from a file, in Jupyter and in Colab, and loads nothing. Without scripts, and until a
slider is moved, the still picture stands, which Python draws too. A paper's moving picture is
`figures/<name>.py` with `figures/<name>.js` beside it.
"""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ACCENT = "#D55E00"
"""Okabe and Ito's vermillion; all else in a moving picture is `currentColor`, so that it follows
the theme, or a colour of the paper's `look.py`."""


@dataclass(frozen=True)
class Slider:
    """One of a moving picture's sliders.

    Raises:
        ValueError: if the first value shown is none of the slider's.
    """

    label: str
    values: Sequence[float | str]
    first: float | str
    """The value that it stands at before it is moved."""

    def __post_init__(self) -> None:
        if self.first not in self.values:
            raise ValueError(f"slider {self.label!r} cannot start at {self.first}")

    @property
    def start(self) -> int:
        """Index of the first value."""
        return list(self.values).index(self.first)

    def text(self) -> str:
        """Its HTML."""
        shown = [value if isinstance(value, str) else f"{value:g}" for value in self.values]
        return (
            "<label style='display:grid;grid-template-columns:minmax(7em,13em) 1fr 4em;gap:.6em'>"
            f"{self.label}<input type='range' min='0' max='{len(shown) - 1}' value='{self.start}'"
            f" aria-valuetext='{html.escape(shown[self.start])}'/>"
            f"<output>{html.escape(shown[self.start])}</output></label>"
        )


@dataclass(frozen=True)
class MovingPicture:
    """A moving picture; as the last expression of a cell it shows itself.

    Its script is one function expression, `(svg, index, value, data) => sentence`: the picture's
    element, the sliders' positions and their values, `data`; it draws, and returns HTML that says
    what is seen.
    """

    name: str
    """Unique in the page; the element is `moving-<name>`."""
    alt: str
    """What is drawn and what it shows, for those who do not see it."""
    size: tuple[int, int]
    """Width and height of the drawing, in its own units."""
    still: str
    """SVG elements: the frame at the sliders' first values."""
    sentence: str
    """HTML: what is seen there."""
    sliders: Sequence[Slider]
    script: Path
    """The JavaScript file."""
    data: Any = None
    """Frames for the script: whatever json carries, rounded to what is drawn."""
    play: int | None = None
    """Index of the slider that a button sets in motion; none without it."""

    def __repr__(self) -> str:
        return f"moving picture: {self.alt}"

    def _repr_html_(self) -> str:
        width, height = self.size
        button = (
            "<button type='button' style='font:inherit;padding:.1em .9em'>play</button>"
            if self.play is not None
            else ""
        )
        return f"""<form id="moving-{self.name}" class="moving-picture" onsubmit="return false" \
style="max-width:38em;accent-color:{ACCENT}">
<svg viewBox="0 0 {width} {height}" width="100%" role="img" fill="none" stroke="currentColor" \
font-size="11" aria-label="{html.escape(self.alt, quote=True)}">{self.still}</svg>
{"".join(slider.text() for slider in self.sliders)}
<p aria-live="polite" style="min-height:3.2em;margin:.5em 0">{self.sentence}</p>{button}
</form>
<script>{self._script()}</script>"""

    def _script(self) -> str:
        values, data = (_compact(v) for v in ([list(s.values) for s in self.sliders], self.data))
        draw = self.script.read_text(encoding="utf-8").strip().removesuffix(";")
        return f"""(() => {{
const form = document.getElementById("moving-{self.name}"), svg = form.querySelector("svg"),
 inputs = [...form.querySelectorAll("input")], outputs = form.querySelectorAll("output"),
 said = form.querySelector("p"), button = form.querySelector("button"),
 values = {values}, data = {data};
const draw = {draw};
const show = () => {{
 const index = inputs.map(input => +input.value), value = index.map((n, i) => values[i][n]);
 inputs.forEach((input, i) => {{
  outputs[i].value = value[i]; input.setAttribute("aria-valuetext", value[i]);
 }});
 said.innerHTML = draw(svg, index, value, data);
}};
form.addEventListener("input", show);
let timer = 0;
const stop = () => {{ clearInterval(timer); timer = 0; button.textContent = "play"; }};
if (button) button.addEventListener("click", () => {{
 if (timer) return stop();
 const input = inputs[{self.play or 0}];
 if (input.value === input.max) input.value = 0;
 button.textContent = "stop";
 timer = setInterval(() => {{
  input.value = +input.value + 1; show(); if (input.value === input.max) stop();
 }}, 150);
}});
}})();"""


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).replace("</", "<\\/")
