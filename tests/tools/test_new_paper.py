"""A new paper's scaffold runs: its notebook executes, its tests and claims pass."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from new_paper import new_paper

ROOT = Path(__file__).parents[2]
KEY = "zhang2019lookahead"


@pytest.fixture
def project(tmp_path):
    """What the scaffold needs of the repository, with no other paper."""
    for name in ("src/replications/core", "tools"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in (
        "pyproject.toml",
        "_toc.yml",
        "chapters/references.bib",
        "src/replications/__init__.py",
        "src/replications/__main__.py",
        "src/replications/cli.py",
        "src/replications/papers/__init__.py",
        "tests/papers/test_claims.py",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_scaffold_runs(project):
    new_paper(project, "moments", KEY)
    environment = os.environ | {
        "PYTHONPATH": str(project / "src"),
        "REPLICATIONS_CACHE": str(project / "cache"),
        "REPLICATIONS_STRICT": "1",
    }

    def run(*command):
        done = subprocess.run(
            [sys.executable, *command], cwd=project, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("-m", "replications", "run", "moments", "--tier", "full")
    for page in ("moments", "moments-audit"):
        run("tools/execute_notebooks.py", f"chapters/{page}.ipynb")
    (project / "chapters" / "claims.json").write_text(run("-m", "replications", "claims", "--json"))
    assert " passed" in run("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/papers")
    run("-m", "ruff", "check", "src/replications/papers", "tests/papers/moments")
    run("-m", "ruff", "format", "--check", "src/replications/papers", "tests/papers/moments")
    run("-m", "mypy", "src/replications/papers")
    assert "- file: chapters/moments\n" in (project / "_toc.yml").read_text()


@pytest.mark.parametrize(
    ("slug", "key", "message"),
    [
        ("Mo ments", KEY, "SLUG must be lower-case"),
        ("class", KEY, "SLUG must be lower-case"),
        ("", KEY, "SLUG must be lower-case"),
        ("moments", "nobody1900", "KEY must be an entry"),
    ],
)
def test_bad_names_write_nothing(project, slug, key, message):
    before = sorted(project.rglob("*"))
    with pytest.raises(ValueError, match=message):
        new_paper(project, slug, key)
    assert sorted(project.rglob("*")) == before


def test_a_taken_slug_is_refused(project):
    new_paper(project, "moments", KEY)
    (project / "chapters" / "notation.md").touch()
    for slug in ("moments", "notation"):
        with pytest.raises(ValueError, match="is taken"):
            new_paper(project, slug, KEY)
