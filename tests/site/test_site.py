"""The book's sources agree with one another; the pages themselves are checked by the build."""

import ast
import importlib
import json
import pkgutil
import re
import subprocess
import tomllib
from itertools import pairwise
from pathlib import Path

import jsonschema  # comes with nbformat
import pytest
import yaml
from docutils.nodes import make_id
from set_home import first_cell, first_code_cell, home

import replications
from replications.core import rows

ROOT = Path(__file__).parents[2]
CHAPTERS = ROOT / "chapters"
NOTEBOOKS = sorted(CHAPTERS.glob("*.ipynb"))
CLAIMS = json.loads((CHAPTERS / "claims.json").read_text(encoding="utf8"))["claims"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf8"))["project"]
TRACKED = subprocess.run(
    ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
).stdout.split("\0")
TRACKED = [name for name in TRACKED if (ROOT / name).is_file()]

ACROSS = ("hypergradients", "optimisers")

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(path):
    return json.loads(path.read_text(encoding="utf8"))["cells"]


def outputs(path):
    return [output for cell in cells(path) for output in cell.get("outputs", ())]


def contents():
    """Documents of _toc.yml, without suffix."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf8"))
    return [toc["root"]] + [
        chapter["file"] for part in toc["parts"] for chapter in part["chapters"]
    ]


def test_every_page_is_in_the_contents_and_exists():
    pages = {
        path.relative_to(ROOT).with_suffix("").as_posix()
        for suffix in ("md", "ipynb")
        for path in CHAPTERS.rglob(f"*.{suffix}")
        if ".ipynb_checkpoints" not in path.parts
    }
    assert len(contents()) == len(set(contents()))
    assert set(contents()) == pages | {"index"}


@each_notebook
def test_first_cell_installs_the_package_from_its_home(path):
    cell = first_code_cell({"cells": cells(path)})
    assert "".join(cell["source"]) == first_cell(ROOT)
    assert f'@v{PROJECT["version"]}"' in cell["source"][-1]  # a tag: main moves on
    assert cell["metadata"]["tags"] == ["remove-cell"]


@each_notebook
def test_outputs_are_stored_and_clean(path):
    code = [cell for cell in cells(path) if cell["cell_type"] == "code" and cell["source"]]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    assert outputs(path)
    kinds = {(output["output_type"], output.get("name")) for output in outputs(path)}
    assert not kinds & {("error", None), ("stream", "stderr")}


@each_notebook
def test_nothing_in_a_notebook_needs_this_site_to_be_read(path):
    """Colab and GitHub show a role or a directive of MyST as it is typed."""
    typed = r"\{(cite|ref|numref|eq|doc|term|prf:\w+)(:\w+)?\}+`|\"(```|:::)\{"
    assert not re.search(typed, path.read_text(encoding="utf8"))


@each_notebook
def test_notebook_uses_what_it_imports(path):
    """A name that nothing uses is often all that is left of a lost cell."""
    sources = ["".join(cell["source"]) for cell in cells(path) if cell["cell_type"] == "code"]
    code = re.sub(r"^(\s*)%.*", r"\1pass", "\n".join(sources), flags=re.MULTILINE)
    nodes = list(ast.walk(ast.parse(code)))
    imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {(name.asname or name.name).split(".")[0] for node in imports for name in node.names}
    assert names == names & {node.id for node in nodes if isinstance(node, ast.Name)}


@each_notebook
def test_notebook_is_small_and_names_no_machine(path):
    text = path.read_text(encoding="utf8")
    assert len(text.encode()) < 2_000_000
    assert not re.search(r"(/(home|root|tmp|Users)/|[A-Z]:\\\\)", text)
    # numbers that another run would print differently
    assert not re.search(r"(at|object at|function) 0x[0-9a-f]{6,}", text)


@each_notebook
def test_chapter_says_what_it_is(path):
    notebook = json.loads(path.read_text(encoding="utf8"))
    description = notebook["metadata"]["og:description"]
    assert 40 <= len(description) <= 200
    assert not set("$`\\") & set(description)
    prose = "\n".join("".join(c["source"]) for c in cells(path) if c["cell_type"] == "markdown")
    if path.stem.endswith("-audit"):
        assert re.match(r"# .+: the audit\n", prose), "the title says that it is an audit"
    elif path.stem not in ACROSS:  # these judge no paper
        assert re.match(r"# \[(~|¬)?Re\] ", prose), "the title carries the verdict"
    assert re.search(r"^## ", prose, re.M)


def anchors(path):
    """Ids that a chapter's page will have: of figures and tables, headings and named places."""
    shown = "\n".join("".join(o.get("data", {}).get("text/html", "")) for o in outputs(path))
    prose = "\n".join("".join(c["source"]) for c in cells(path) if c["cell_type"] == "markdown")
    headings = {make_id(heading) for heading in re.findall(r"^#+ (.+)$", prose, re.M)}
    headings |= set(re.findall(r"^\(([\w-]+)\)=$", prose, re.M))
    return headings | set(re.findall(r'\bid="([^"]+)"', shown))


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim["id"])
def test_a_claim_leads_to_the_cell_that_shows_it(claim):
    path = CHAPTERS / f"{claim['page']}.ipynb"
    assert path in NOTEBOOKS
    assert claim["cell"] in anchors(path)


def test_every_claim_stands_in_a_table_of_its_chapter_or_of_the_audit():
    shown = {
        path.stem: set(re.findall(r'id=\\"claim-([\w-]+)\\"', path.read_text(encoding="utf8")))
        for path in NOTEBOOKS
    }
    missing = [
        claim["id"]
        for claim in CLAIMS
        if not any(
            claim["id"] in shown.get(page, ()) for page in (claim["slug"], f"{claim['slug']}-audit")
        )
    ]
    assert not missing


def test_the_published_claims_are_as_the_schema_says():
    schema = json.loads((CHAPTERS / "claims.schema.json").read_text(encoding="utf8"))
    document = json.loads((CHAPTERS / "claims.json").read_text(encoding="utf8"))
    assert (CHAPTERS / document["$schema"]).is_file()
    jsonschema.Draft202012Validator(schema).validate(document)
    for claim in document["claims"]:
        assert claim["outcome"] == rows.outcome(claim["kind"], claim["verdict"]), claim["id"]


def test_home_is_the_same_everywhere():
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf8"))
    assert config["repository"]["url"] == home(ROOT) == PROJECT["urls"]["Repository"]
    if ".invalid" in home(ROOT):
        for name in TRACKED:
            if name.endswith((".md", ".cff")):
                assert home(ROOT) not in (ROOT / name).read_text(encoding="utf8"), name


def test_environment_is_pyproject():
    """Conda's names differ for two packages; the rest comes from the extras."""
    renamed = {"pytorch-cpu": "torch", "matplotlib-base": "matplotlib"}
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf8"))
    *conda, pip = environment["dependencies"]
    split = [re.match(r"([\w-]+)(.*)", entry).groups() for entry in conda]
    stated = {renamed.get(name, name) + rest for name, rest in split}
    assert stated == {*PROJECT["dependencies"], "python" + PROJECT["requires-python"], "pip"}
    extras = PROJECT["optional-dependencies"]
    *named, editable = pip["pip"]
    assert editable == "-e .[book,test]"
    assert set(named) < {*extras["book"], *extras["test"]}


def test_jupyter_book_is_pinned_below_2_everywhere():
    """2.x reads no _config.yml, builds nothing and exits 0."""
    pin = "jupyter-book>=1.0.4.post1,<2"
    assert pin in PROJECT["optional-dependencies"]["book"]
    assert pin in (ROOT / "environment.yml").read_text(encoding="utf8")
    assert "\njupyter-book==1." in (ROOT / "constraints.txt").read_text(encoding="utf8")


def test_the_version_is_one():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf8"))
    assert PROJECT["version"] == replications.__version__ == citation["version"]


def test_constraints_are_exact_and_cover_what_is_declared():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf8").splitlines()
    pinned = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in pinned)
    names = {re.sub(r"[-_.]+", "-", line.split("==")[0]).lower() for line in pinned}
    extras = PROJECT["optional-dependencies"]
    for requirement in [*PROJECT["dependencies"], *extras["book"], *extras["test"]]:
        name = re.match(r"[\w.-]+?(?=[\[<>=!~;\s]|$)", requirement)[0]
        assert re.sub(r"[-_.]+", "-", name).lower() in names, name


@pytest.mark.parametrize("package", ["methods", "problems"])
def test_every_module_is_on_its_api_page(package):
    page = (CHAPTERS / "api" / f"{package}.md").read_text(encoding="utf8")
    shown = set(re.findall(r"automodule:: (replications\.\w+\.\w+)", page))
    parent = importlib.import_module(f"replications.{package}")
    modules = {f"{parent.__name__}.{m.name}" for m in pkgutil.iter_modules(parent.__path__)}
    assert shown == {name for name in modules if not name.rsplit(".", 1)[1].startswith("_")}


def test_no_field_of_the_api_pages_takes_a_sentence_for_a_type():
    """Napoleon reads `"A width: of the plot"` below an attribute as one of type "A width"."""
    wrong = [
        f"{file.name}:{text.lineno} {first}"
        for folder in ("methods", "problems")
        for file in sorted((ROOT / "src/replications" / folder).glob("*.py"))
        for first, text in attribute_docstrings(file)
        if ": " in re.sub(r":[\w:]+:`[^`]*`|``.*?``", "", first)
    ]
    assert not wrong


def attribute_docstrings(file):
    """First line and node of each string that stands below an assignment."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf8"))):
        if isinstance(node, ast.Module | ast.ClassDef):
            for before, text in pairwise(node.body):
                if (
                    isinstance(before, ast.Assign | ast.AnnAssign)
                    and isinstance(text, ast.Expr)
                    and isinstance(text.value, ast.Constant)
                ):
                    yield text.value.value.splitlines()[0], text


@pytest.mark.parametrize("word", ["TO" + "DO", "FIX" + "ME", "XX" + "X"])
def test_nothing_is_left_to_do(word):
    found = [
        name
        for name in TRACKED
        if not name.endswith((".npz", ".png"))
        and re.search(rf"\b{word}\b", (ROOT / name).read_text(encoding="utf8"))
    ]
    assert not found


def test_files_in_git_are_small():
    assert not [name for name in TRACKED if (ROOT / name).stat().st_size > 2_000_000]


CHAPTER_SECTIONS = (
    "What should I do?",
    "The method",
    "Paper and ours",
    "The deciding experiments",
    "Claims",
    "In short",
    "Exercises",
    "Reproduce it",
)
"""Of every chapter on a paper, in this order; others may stand between them."""
AUDITED = [path for path in NOTEBOOKS if path.with_name(f"{path.stem}-audit.ipynb").exists()]
READ_IN_TWENTY_MINUTES = 3000
"""Words: 150 a minute, since figures and formulas take their time."""


@pytest.mark.parametrize("path", AUDITED, ids=lambda path: path.stem)
def test_a_chapter_has_the_sections_of_all_chapters(path):
    cells = json.loads(path.read_text(encoding="utf8"))["cells"]
    prose = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    heads = re.findall(r"^## (.+)$", prose, re.M)
    assert [head for head in heads if head in CHAPTER_SECTIONS] == list(CHAPTER_SECTIONS)


@pytest.mark.parametrize("path", AUDITED, ids=lambda path: path.stem)
def test_a_chapter_is_read_in_twenty_minutes(path):
    assert words(json.loads(path.read_text(encoding="utf8"))) <= READ_IN_TWENTY_MINUTES


def words(notebook):
    """Words of prose: of Markdown cells and printed Markdown, without code, formulas and HTML."""
    texts = []
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            texts.append("".join(cell["source"]))
        for output in cell.get("outputs", ()):
            texts.append("".join(output.get("data", {}).get("text/markdown", "")))
    prose = "\n".join(texts)
    for left_out in (r"```.*?```", r"<[^>]+>", r"\$\$.*?\$\$", r"(?<=\])\([^)]*\)"):
        prose = re.sub(left_out, " ", prose, flags=re.S)
    return len(re.findall(r"[A-Za-z0-9][^\s|]*", prose))
