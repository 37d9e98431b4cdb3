"""The page "On your own problem" is executed as it is printed."""

import contextlib
import io
import re
from pathlib import Path

import pytest
import torch

PAGE = (Path(__file__).parents[2] / "chapters" / "own-problem.md").read_text(encoding="utf8")
SECTIONS = {part.split("\n")[0]: part for part in PAGE.split("\n## ")[1:]}
NUMBER = r"-?\d+\.\d+"


@pytest.mark.parametrize("title", SECTIONS)
def test_prints_what_the_page_says(title, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", SECTIONS[title], re.S)
    (expected,) = re.findall(r"```text\n(.*?)```", SECTIONS[title], re.S)
    printed, names = io.StringIO(), {"__name__": "own"}
    with contextlib.redirect_stdout(printed), torch.random.fork_rng():
        exec("\n".join(blocks), names)
    found = printed.getvalue()
    assert re.sub(NUMBER, "#", found) == re.sub(NUMBER, "#", expected)
    numbers, wanted = ([float(x) for x in re.findall(NUMBER, text)] for text in (found, expected))
    # 4 %: what another processor's rounding may do to some hundred steps of training
    assert numbers == pytest.approx(wanted, rel=0.04, abs=0.01)


@pytest.mark.parametrize("title", SECTIONS)
def test_what_you_write_is_under_twenty_lines(title):
    _, own, *_ = re.findall(r"```python\n(.*?)```", SECTIONS[title], re.S)
    assert sum(bool(line.strip()) for line in own.splitlines()) < 20
