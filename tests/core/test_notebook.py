"""Figures come in both themes, are the same file twice, and say what they show."""

import base64
import json
import re
import subprocess
import sys
from types import SimpleNamespace
from urllib.parse import unquote

import pytest
from matplotlib import pyplot as plt

from replications.core import notebook
from replications.core.experiment import Experiment
from replications.core.figures import (
    INK,
    LETTERS,
    OKABE_ITO,
    PAPER,
    PROPERTIES,
    Drawing,
    Figure,
    contrast,
    render,
    style,
    themed,
)
from tests.core import toy


def draw(result):
    figure, axis = plt.subplots(figsize=(3, 2))
    axis.plot(result, color=OKABE_ITO["blue"], marker="o")
    axis.set_xlabel("step")
    return Drawing(figure, 'A "rising" line.', f"last value {result[-1]:.1f}")


@pytest.fixture
def shown(monkeypatch):
    seen = []
    monkeypatch.setattr(notebook, "_display", seen.append)
    return seen


def test_show(shown):
    notebook.show(lambda: draw([1.0, 2.0, 3.0]), "line")
    (data,) = shown
    assert data["text/plain"] == 'A "rising" line.\nlast value 3.0'
    assert '<figure id="fig-line"' in data["text/html"]
    assert data["text/html"].count('alt="A &quot;rising&quot; line."') == 1
    (svg,) = (unquote(x) for x in re.findall(r"svg\+xml,([^\"]+)", data["text/html"]))
    assert f"var(--figure-ink,{INK['light']})" in svg
    assert 'style="background:#fff"' in data["text/html"]  # where no page sets the properties
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")


def test_both_themes_are_one_drawing():
    """The themed SVG with the dark values is what the dark theme draws."""
    light, dark = (
        render(lambda: draw([1.0, 2.0]), theme, "svg")[1][0].decode() for theme in ("light", "dark")
    )
    text = themed(light.encode()).decode()
    assert "color:" not in text
    for color, (name, value) in PROPERTIES.items():
        text = text.replace(f"var({name},{color})", value)
    for shades in LETTERS.values():  # a line's colour is also the letters' where that can be read
        text, dark = (x.replace(shades["dark"], shades["light"]) for x in (text, dark))
    assert text == dark


def test_coloured_letters_can_be_read():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#777777") == 1
    for theme in ("light", "dark"):
        assert all(contrast(shades[theme], PAPER[theme]) >= 4.5 for shades in LETTERS.values())
        assert contrast(INK[theme], PAPER[theme]) >= 4.5
    with style("light"):
        figure = plt.figure()
        text = figure.text(0, 0, "x", color=OKABE_ITO["yellow"])
        _, _ = render(lambda: Drawing(figure, "", ""), "light", "png")
    assert text.get_color() == LETTERS[OKABE_ITO["yellow"].lower()]["light"]


def test_a_figure_says_what_it_decides_and_where_it_comes_from():
    figure = Figure("toy", "sum", draw, (toy.plain,), "quick")
    claims = [SimpleNamespace(id=f"toy-{name}", slug="toy") for name in ("one", "two")]
    html = notebook.ways_on(figure, claims)
    for text in (
        '<a href="#claim-toy-one">one</a>, <a href="#claim-toy-two">two</a>',
        '<code class="source">tests.core.test_notebook:draw</code>',
        'the live run of <code class="source">tests.core.toy:run</code>',
        "python -m replications figure toy sum -o sum.csv",
    ):
        assert text in html
    assert "no claim" in notebook.ways_on(figure, [])


def test_a_figure_is_the_same_file_twice():
    first, second = (render(lambda: draw([1.0, 2.0]), "light", "svg", "png")[1] for _ in range(2))
    assert first == second


def test_figures_are_closed():
    render(lambda: draw([1.0]), "dark", "svg")
    assert not plt.get_fignums()


def test_say_and_source(shown):
    notebook.say("The ratio is **0.44**.")
    notebook.show_source(draw)
    assert shown[0]["text/markdown"] == "The ratio is **0.44**."
    assert shown[1]["text/markdown"].startswith("```python\ndef draw(result):")


class Documented:
    """A class."""

    n: int = 1
    """A field."""

    def method(self):
        """Two
        lines.
        """

        text = """no docstring"""
        return text

    def only(self):
        """Nothing else."""


def test_source_is_shown_without_docstrings(shown):
    notebook.show_source(Documented)
    notebook.show_source(Documented, docstrings=True)
    short, whole = (data["text/plain"] for data in shown)
    assert short.splitlines() == [
        "class Documented:",
        "    n: int = 1",
        "",
        "    def method(self):",
        '        text = """no docstring"""',
        "        return text",
        "",
        "    def only(self):",
        '        """Nothing else."""',
    ]
    assert '"""A field."""' in whole


def test_provenance_has_a_row_for_each_preset_used(shown, tmp_path, monkeypatch):
    monkeypatch.setenv("REPLICATIONS_CACHE", str(tmp_path))
    used = Experiment("toy", "used", toy.run, (toy.Config(3), toy.Config(4)), None, "n")
    unused = Experiment("toy", "unused", toy.run, toy.Config(5))
    Experiment("toy", "unused", toy.run, toy.Config(5)).result()  # another page's, in the cache
    with pytest.raises(ValueError, match="no experiment has been used"):
        notebook.provenance_table([used, unused])
    used.result()
    notebook.provenance_table([used, unused])
    text = shown[-1]["text/markdown"]
    assert re.search(r"\| used \| quick \| live \| `[0-9a-f]{12}` \|", text)
    assert "unused" not in text


@pytest.mark.parametrize(("seconds", "shown_as"), [(0.4, "below 1"), (74.6, "75")])
def test_provenance_says_what_a_record_cost(shown, tmp_path, monkeypatch, seconds, shown_as):
    monkeypatch.setenv("REPLICATIONS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(Experiment, "_record", lambda self, i: tmp_path / f"{self.name}-{i}")
    recorded = Experiment("toy", "recorded", toy.run, None, toy.Config(3))
    (path,) = {path.with_suffix(".json") for path in recorded.record()}
    path.write_text(json.dumps(json.loads(path.read_text()) | {"seconds": seconds}))
    recorded.result("full")
    notebook.provenance_table([recorded])
    assert f"| recorded | full | {shown_as} | `" in shown[-1]["text/markdown"]


def test_setup_is_strict_when_asked(tmp_path):
    code = (
        "import warnings; from replications.core.notebook import prepare; prepare(); "
        "import torch; assert torch.get_num_threads() == 1; warnings.warn('x')"
    )
    for strict, status in (("", 0), ("1", 1)):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={"REPLICATIONS_STRICT": strict, "PATH": ""},
            capture_output=True,
        )
        assert done.returncode == status, done.stderr
