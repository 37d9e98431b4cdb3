"""What the README says is so."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from replications import cli
from replications.core import registry

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf8")
DOCUMENTS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]


def test_the_lines_for_your_own_code_run_as_printed(tmp_path):
    (code,) = re.findall(r"```python\n(.*?)```", README, re.S)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    # two loops on a quadratic of curvature 2: each multiplies by 1 - alpha (1 - (1 - lr 2)^k)
    factor = (1 - 0.5 * (1 - 0.8**5)) ** 2
    (value,) = set(re.findall(r"\d\.\d+", done.stdout))
    assert float(value) == pytest.approx(factor, abs=1e-4)


def test_every_make_target_that_is_named_exists():
    text = "".join(path.read_text(encoding="utf8") for path in DOCUMENTS)
    makefile = (ROOT / "Makefile").read_text(encoding="utf8")
    targets = set(re.findall(r"^([a-z-]+):.*##", makefile, re.M))
    commands = set(re.findall(r"(?:`|^    )make ([a-z-]+)", text, re.M))
    assert {"book", "test"} <= commands <= targets


def test_command_lines_that_are_named_are_understood():
    commands = re.findall(r"^    python -m replications (.*?)(?:  .*)?$", README, re.M)
    parser = cli._parser()
    parsed = [parser.parse_args(command.split()) for command in commands]
    assert len(parsed) == 5
    (figure,) = [line for line in parsed if hasattr(line, "name")]
    assert figure.name in registry.paper(figure.slug).figures


def test_ci_calls_what_the_readme_says():
    steps = re.findall(r"^make .*$", (ROOT / ".ci" / "run").read_text(encoding="utf8"), re.M)
    assert steps == ["make test", "make site", "make processors SETTINGS=oldest"]
    workflow = (ROOT / ".github/workflows/book.yml").read_text(encoding="utf8")
    assert re.findall(r"- run: (.*)", workflow) == steps


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path):
    links = re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf8"))
    assert not [link for link in links if not (path.parent / link).exists()]


def test_picture_is_small():
    assert (ROOT / "docs" / "page.png").stat().st_size < 300_000
