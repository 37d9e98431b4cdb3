"""The repository's home is written to all its places, or to none."""

import json
import shutil
from pathlib import Path

import pytest
import yaml
from set_home import checked, first_cell, home, set_home

ROOT = Path(__file__).parents[2]
URL = "https://example.org/someone/replications"


@pytest.fixture
def project(tmp_path):
    for name in ("pyproject.toml", "_config.yml", "README.md", "CITATION.cff", "codemeta.json"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copy(ROOT / ".zenodo.json", tmp_path)
    (tmp_path / "chapters").mkdir()
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": "# Title"},
        {"cell_type": "code", "metadata": {}, "source": first_cell(ROOT)},
    ]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "chapters" / "a.ipynb").write_text(json.dumps(notebook))
    return tmp_path


def contents(project):
    return {path: path.read_text() for path in project.rglob("*.*") if path.is_file()}


def test_url_is_written_everywhere(project):
    assert len(set_home(project, URL + ".git")) == 7
    assert home(project) == URL
    assert f"\n  url: {URL}  #" in (project / "_config.yml").read_text()
    cells = json.loads((project / "chapters" / "a.ipynb").read_text())["cells"]
    assert "".join(cells[1]["source"]) == first_cell(ROOT, URL)
    citation = yaml.safe_load((project / "CITATION.cff").read_text())
    assert citation["repository-code"] == URL
    assert json.loads((project / "codemeta.json").read_text())["codeRepository"] == URL
    related = json.loads((project / ".zenodo.json").read_text())["related_identifiers"]
    assert [x["identifier"] for x in related if x["relation"] == "isSupplementTo"] == [URL]
    assert not [text for text in contents(project).values() if home(ROOT) in text]
    before = contents(project)
    set_home(project, URL)
    assert contents(project) == before


def test_a_new_version_reaches_the_notebooks_while_no_home_is_decided(project):
    before = contents(project)
    path = project / "pyproject.toml"
    path.write_text(path.read_text().replace('\nversion = "', '\nversion = "9.'))
    assert [p.name for p in set_home(project, home(project))] == [
        "pyproject.toml", "_config.yml", "a.ipynb"
    ]  # fmt: skip
    assert "@v9." in (project / "chapters" / "a.ipynb").read_text()
    for name in ("README.md", "CITATION.cff", "codemeta.json", ".zenodo.json"):
        assert (project / name).read_text() == before[project / name]


def test_a_home_on_github_gives_the_readme_a_badge(project):
    plain = (ROOT / "README.md").read_text()
    for name in ("one", "two"):
        set_home(project, f"https://github.com/someone/{name}")
        text = (project / "README.md").read_text()
        assert text.count("[![book]") == text.count(f"/{name}/actions/workflows/book.yml)") == 1
    set_home(project, URL)
    assert (project / "README.md").read_text() == plain


@pytest.mark.parametrize(
    "url",
    ["", "replications", "http://example.org/a", "https://example.org", URL + '"; rm', URL + " b"],
)
def test_a_bad_url_is_refused(url):
    with pytest.raises(ValueError, match="URL must look like"):
        checked(url)


def test_a_notebook_without_the_cell_stops_it_before_anything_is_written(project):
    path = project / "chapters" / "b.ipynb"
    path.write_text('{"cells": [{"cell_type": "code", "metadata": {}, "source": "1"}]}')
    before = contents(project)
    with pytest.raises(ValueError, match="first code cell"):
        set_home(project, URL)
    assert contents(project) == before
