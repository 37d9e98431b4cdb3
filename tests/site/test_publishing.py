"""Workflows and the files that describe the book to others, which cannot run or be read here."""

import json
import re
from pathlib import Path

import pytest
import yaml
from pybtex.database import parse_file
from set_home import home

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
each_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
VERSION = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text("utf8"), re.M)[1]


def read(name):
    text = (ROOT / name).read_text(encoding="utf8")
    return json.loads(text) if name.endswith("json") else yaml.safe_load(text)


def steps(workflow):
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_there_is_one_for_each_purpose():
    assert [path.stem for path in WORKFLOWS] == ["book", "nightly", "pages", "release"]


@each_workflow
def test_a_workflow_is_whole(path):
    workflow = yaml.safe_load(path.read_text(encoding="utf8"))
    assert set(workflow) <= {"name", True, "permissions", "concurrency", "jobs"}  # `on` reads True
    assert workflow["name"] == path.stem
    assert workflow[True] and workflow["permissions"]
    for job in workflow["jobs"].values():
        assert job["runs-on"] == "ubuntu-latest"
        assert 0 < job["timeout-minutes"] <= 60
        assert "actions/checkout" in job["steps"][0]["uses"]
    for step in steps(workflow):
        assert ("run" in step) != ("uses" in step)
        assert set(step) <= {"run", "uses", "with", "env", "id", "name"}
        assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step.get("uses", "a/b@v1"))


@each_workflow
def test_a_workflow_calls_what_there_is(path):
    makefile = (ROOT / "Makefile").read_text(encoding="utf8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.M))
    commands = "\n".join(
        step.get("run", "") for step in steps(read(path.relative_to(ROOT).as_posix()))
    )
    assert set(re.findall(r"\bmake ([a-z-]+)", commands)) <= targets
    assert all((ROOT / tool).is_file() for tool in re.findall(r"tools/\w+\.py", commands))


def test_a_notebook_alone_is_tried_on_our_python_colabs_and_the_newest():
    job = read(".github/workflows/nightly.yml")["jobs"]["alone"]
    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.13", "3.14"]
    assert any("tools/try_alone.py" in step.get("run", "") for step in job["steps"])


def test_descriptions_agree():
    citation, codemeta, zenodo = map(read, ("CITATION.cff", "codemeta.json", ".zenodo.json"))
    assert citation["version"] == codemeta["version"] == zenodo["version"] == VERSION
    assert citation["title"] == zenodo["title"] == citation["preferred-citation"]["title"]
    names = [citation["authors"], citation["preferred-citation"]["authors"], zenodo["creators"]]
    assert all(name == names[0] for name in names)
    assert citation["keywords"] == codemeta["keywords"] == zenodo["keywords"]


def test_the_judged_papers_are_named_in_all():
    keys = {claim["paper"] for claim in read("chapters/claims.json")["claims"]}
    keys = {key for key in keys if not key.startswith("Across papers")}
    entries = parse_file(ROOT / "chapters" / "references.bib").entries
    arxiv = {entries[key].fields["eprint"] for key in keys}
    cited = {reference["url"] for reference in read("CITATION.cff")["references"]}
    assert (
        cited
        == {f"https://arxiv.org/abs/{x}" for x in arxiv}
        == set(read("codemeta.json")["isBasedOn"])
    )
    related = {x["identifier"] for x in read(".zenodo.json")["related_identifiers"]}
    assert {f"arXiv:{x}" for x in arxiv} <= related


def test_no_file_names_a_home_that_is_not_decided():
    if ".invalid" in home(ROOT):
        for name in ("CITATION.cff", "codemeta.json", ".zenodo.json", *WORKFLOWS):
            text = (ROOT / name).read_text(encoding="utf8")
            assert ".invalid" not in text and "repository-code" not in text, name


def test_other_settings_can_be_read():
    assert {x["package-ecosystem"] for x in read(".github/dependabot.yml")["updates"]} == {
        "pip",
        "github-actions",
    }
    for hook in read(".pre-commit-config.yaml")["repos"][0]["hooks"]:
        assert hook["entry"].startswith(".venv/bin/")
    target = read(".devcontainer/devcontainer.json")["postCreateCommand"].removeprefix("make ")
    assert "STAMP := " + target in (ROOT / "Makefile").read_text(encoding="utf8")
