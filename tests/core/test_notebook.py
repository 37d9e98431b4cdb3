"""Figures come in both themes, are the same file twice, and say what they show."""

import base64
import re
import subprocess
import sys
from urllib.parse import unquote

import pytest
from matplotlib import pyplot as plt

from replications.core import notebook
from replications.core.experiment import Experiment
from replications.core.figures import OKABE_ITO, Drawing, render
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
    assert data["text/html"].count('alt="A &quot;rising&quot; line."') == 2
    svgs = [unquote(x) for x in re.findall(r"svg\+xml,([^\"]+)", data["text/html"])]
    assert [svg.count("#d5dae0") > 0 for svg in svgs] == [
        False,
        True,
    ]  # ink of the dark theme
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")


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


def test_provenance_has_a_row_for_each_preset_used(shown, tmp_path, monkeypatch):
    monkeypatch.setenv("REPLICATIONS_CACHE", str(tmp_path))
    used = Experiment("toy", "used", toy.run, (toy.Config(3), toy.Config(4)), None, "n")
    unused = Experiment("toy", "unused", toy.run, toy.Config(5))
    with pytest.raises(ValueError, match="no experiment has a stored result"):
        notebook.provenance_table([used, unused])
    used.result()
    notebook.provenance_table([used, unused])
    text = shown[-1]["text/markdown"]
    assert re.search(r"\| used \| quick \| live \| `[0-9a-f]{12}` \|", text)
    assert "unused" not in text


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
