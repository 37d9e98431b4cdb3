"""Write the repository's home where it has to stand: pyproject.toml, _config.yml, every notebook,
and what describes the book to others: README.md, CITATION.cff, codemeta.json, .zenodo.json.

    python tools/set_home.py URL     e.g. https://github.com/someone/replications
    python tools/set_home.py         the URL as it is, after a new version: notebooks name its tag

pyproject.toml is the one place the URL is read from; a test holds the others equal to it. A URL
with `.invalid` means "not decided": the pages then show no link and no Colab button, and what
describes the book to others names none.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

FIRST_CELL = """\
import importlib.util

if importlib.util.find_spec("replications") is None:
    %pip install -q --no-deps "git+{url}@v{version}\""""


def project(root: Path) -> dict:
    """What pyproject.toml says of the package."""
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf8"))["project"]


def home(root: Path) -> str:
    """The URL that pyproject.toml declares."""
    return project(root)["urls"]["Repository"]


def first_cell(root: Path, url: str = "") -> str:
    """The first code cell of every notebook: Colab installs the package, and nothing else with it.

    It asks for the tag of this version, whose numbers are the page's, not for what main has become.
    """
    return FIRST_CELL.format(url=url or home(root), version=project(root)["version"])


def checked(url: str) -> str:
    """The URL without a trailing slash or `.git`.

    Raises:
        ValueError: it is no address of a repository on the web.
    """
    url = url.rstrip("/").removesuffix(".git")
    parts = urlsplit(url)
    plain = re.fullmatch(r"[\w./:~-]+", url)
    if parts.scheme != "https" or not parts.hostname or parts.path in ("", "/") or not plain:
        raise ValueError(f"URL must look like https://host/owner/name, got {url!r}")
    return url


def first_code_cell(notebook: dict) -> dict:
    """The cell that installs the package where it is missing.

    Raises:
        ValueError: the notebook's first code cell is another one.
    """
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            if "%pip install" not in "".join(cell["source"]):
                break
            return cell
    raise ValueError("the first code cell must be the one that installs the package")


def rewritten(path: Path, pattern: str, url: str) -> str:
    """The file's text with the one URL that the pattern finds replaced.

    Raises:
        ValueError: the pattern is not there exactly once.
    """
    text, count = re.subn(
        pattern, lambda found: found[1] + url, path.read_text(encoding="utf8"), flags=re.M
    )
    if count != 1:
        raise ValueError(f"{path.name} must name the repository once, found {count} times")
    return text


def described(root: Path, url: str) -> dict[Path, str]:
    """README.md's badge, and CITATION.cff, codemeta.json and .zenodo.json with the URL."""
    readme, runs = root / "README.md", f"{url}/actions/workflows/book.yml"
    badge = f"\n[![book]({runs}/badge.svg)]({runs})\n" if "//github.com/" in url else ""
    text = readme.read_text(encoding="utf8")
    titled = re.sub(r"\A(# .+\n)(\n\[!\[book\].*\n)?", lambda found: found[1] + badge, text)
    citation = root / "CITATION.cff"
    lines = citation.read_text(encoding="utf8").splitlines()
    lines = [line for line in lines if not line.startswith("repository-code:")]
    lines.insert(lines.index("license: MIT") + 1, f'repository-code: "{url}"')
    codemeta, zenodo = root / "codemeta.json", root / ".zenodo.json"
    about = json.loads(codemeta.read_text(encoding="utf8")) | {"codeRepository": url}
    deposit = json.loads(zenodo.read_text(encoding="utf8"))
    related = [x for x in deposit["related_identifiers"] if x["relation"] != "isSupplementTo"]
    related.append({"identifier": url, "relation": "isSupplementTo", "resource_type": "software"})
    deposit["related_identifiers"] = related
    return {
        readme: titled,
        citation: "\n".join(lines) + "\n",
        codemeta: json.dumps(about, indent=2, ensure_ascii=False) + "\n",
        zenodo: json.dumps(deposit, indent=2, ensure_ascii=False) + "\n",
    }


def set_home(root: Path, url: str) -> list[Path]:
    """Write the URL everywhere, or, if anything is amiss, nowhere.

    Args:
        root: the repository's root.
        url: `https://host/owner/name`.

    Returns:
        The files that carry it.

    Raises:
        ValueError: the URL or one of the files is not as expected.
    """
    url = checked(url)
    texts = {
        path: rewritten(path, pattern, url)
        for path, pattern in (
            (root / "pyproject.toml", r'^(Repository = ")[^"]+'),
            (root / "_config.yml", r"^(repository:\n  url: )\S+"),
        )
    }
    if ".invalid" not in url:
        texts |= described(root, url)
    for path in sorted((root / "chapters").glob("*.ipynb")):
        notebook = json.loads(path.read_text(encoding="utf8"))
        first_code_cell(notebook)["source"] = first_cell(root, url).splitlines(keepends=True)
        texts[path] = json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    for path, text in texts.items():
        path.write_text(text, encoding="utf8")
    return list(texts)


def main(arguments: list[str]) -> int:
    """Exit status 2 with a message where something is amiss."""
    if len(arguments) > 1:
        print(__doc__)
        return 2
    root = Path(__file__).resolve().parents[1]
    try:
        for path in set_home(root, *(arguments or [home(root)])):
            print(f"wrote {path.relative_to(root)}")
    except ValueError as error:
        print(error)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
