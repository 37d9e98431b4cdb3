"""A verdict that moved on a reader's machine gets its line, though a chapter fails for it."""

import os
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
import reproduced

from replications.core import claims
from replications.core.claims import Verdict
from tests.core import toy

ROOT = Path(__file__).parents[2]


READ = SimpleNamespace(result=lambda tier, fresh: toy.run(toy.Config(3)))


def broken(result):
    raise ImportError


def test_verdicts_are_measured_here_and_held_against_the_published_ones(monkeypatch):
    monkeypatch.setattr(claims, "movements", lambda slug: {})
    found = reproduced.moved(
        [
            toy.toy_claim(id="toy-a", on=(READ,)),
            toy.toy_claim(id="toy-b", on=(READ,), verdict=Verdict.NOT_REPRODUCED),
            toy.toy_claim(id="toy-c", on=(READ,), measure=broken),
        ]
    )
    assert found == [
        "toy-b: not reproduced → reproduced",
        "toy-c: reproduced → not measured, ImportError",
    ]


def test_a_line_is_a_row_of_the_table():
    head = (ROOT / "REPRODUCED.md").read_text(encoding="utf8").split("\n|---")[0].splitlines()[-1]
    assert reproduced.line(["a: b → c"]).count("|") == head.count("|")
    assert reproduced.line([]).endswith("| none |")


@pytest.mark.parametrize("failing", ["execute_notebooks.py", "replications", None])
def test_make_book_ends_with_the_line_though_the_run_fails(tmp_path, failing):
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("pyproject.toml", "constraints.txt", ".venv/.installed"):  # the newest
        (tmp_path / name).touch()
    for name in ("python", "jupyter-book"):
        (programs / name).write_text(
            f'#!/bin/sh\necho {name} "$@" >> log\ncase " $* " in *{failing}*) exit 1;; esac\n'
        )
        (programs / name).chmod(0o755)
    (tmp_path / "chapters").mkdir()
    clean = {key: text for key, text in os.environ.items() if not key.startswith("MAKE")}
    (tmp_path / "Makefile").write_text((ROOT / "Makefile").read_text())
    done = subprocess.run(["make", "book"], cwd=tmp_path, env=clean, capture_output=True, text=True)
    calls = (tmp_path / "log").read_text().splitlines()
    assert calls[-1] == "python tools/reproduced.py"
    assert (done.returncode == 0) == (failing is None), done.stderr
    assert any(call.startswith("jupyter-book") for call in calls) == (failing is None)
    assert (tmp_path / "chapters" / "claims.json").exists() == (failing is None)
