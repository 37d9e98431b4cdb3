"""Start a chapter: `make new-paper SLUG=name KEY=bibliography-key`.

Writes the paper's package, its test, its two pages (chapter and audit) and their lines in _toc.yml:
a small example that runs and passes, to be replaced piece by piece. `make run` fills the pages.
"""

from __future__ import annotations

import json
import keyword
import re
import sys
from pathlib import Path
from typing import Any

from set_home import first_cell

TEMPLATE = Path(__file__).parent / "paper_template"


Cell = dict[str, Any]


def code(source: str, *tags: str) -> Cell:
    """A cell that is not executed yet."""
    return {
        "cell_type": "code",
        "metadata": {"tags": list(tags)},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }


def shown(source: str) -> Cell:
    """A cell of which a reader sees the output, and a test compares it."""
    return code(source, "hide-input", "nbval-check-output")


def markdown(source: str) -> Cell:
    """A cell of prose."""
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def chapter(slug: str) -> list[Cell]:
    """The chapter: twenty minutes of a reader's time, with the sections that all chapters have."""
    package = f"replications.papers.{slug}"
    return [
        markdown(f"# [Re] {slug}\n\nThe surprising thing first."),
        code(
            "from replications.core.notebook import Chapter, say, show_source\n"
            f"from {package}.experiments.moments import moments, spread\n"
            f"from {package}.figures.centres import centres\n\n"
            f'chapter = Chapter("{slug}")',
            "hide-input",
        ),
        code("centres()", "hide-input"),
        markdown("## The claim in one figure"),
        shown('chapter.show("spread")'),
        markdown("## What should I do?\n\nThe advice, with its numbers."),
        markdown(
            "## The method\n\nWhat you need to know, and the equations beside the tested source."
        ),
        code("show_source(moments)", "hide-input"),
        markdown("## Paper and ours"),
        shown(
            'say(f"""\n| what | paper | ours | outcome |\n|---|---|---|---|\n'
            "| the mean | 0.50 | {chapter['mean']:value} | {chapter.verdict('mean')} |\n"
            '""")'
        ),
        markdown(
            "## The deciding experiments\n\n### What this one found\n\n"
            "The live run beside the recorded one."
        ),
        shown(
            'live, recorded = (moments.result(tier) for tier in ("quick", "full"))\n'
            'ratio = spread(live, "mean") / spread(recorded, "mean")\n'
            "assert abs(ratio - 1).max() < 0.5  # a hundred seeds know a spread to 7 %\n"
            'print("the live run agrees with the record")'
        ),
        markdown(
            f"## Claims\n\nThe headline ones; the rest stand in the [audit]({slug}-audit.ipynb)."
        ),
        shown('chapter.claims("mean", "median")'),
        markdown("## In short\n\nFive lines to take home."),
        markdown("## Exercises\n\n**1.** A question?"),
        code('say("Its answer, and the lines that show it.")', "hide-cell"),
        markdown(
            "## Reproduce it\n\n```\n"
            f"python -m replications claims {slug}\n"
            f"python -m replications run {slug} --tier full\n```"
        ),
        shown("chapter.provenance()"),
    ]


def audit(slug: str) -> list[Cell]:
    """The second page: what a sceptic asks, every finding that the chapter has no room for."""
    return [
        markdown(f"# {slug}: the audit\n\nWhat stands behind [the chapter]({slug}.ipynb)."),
        code(
            "from replications.core.notebook import Chapter, say\n\n"
            f'chapter = Chapter("{slug}", page="{slug}-audit")',
            "hide-input",
        ),
        markdown("## Independent checks\n\nAgainst which libraries and exact values."),
        markdown("## Errata"),
        shown(
            'say(f"""\n| where | what stands there | what is right |\n|---|---|---|\n'
            "| Equation 1 | 0 | {chapter['mean']:value} |\n"
            '""")'
        ),
        markdown("## Further claims"),
        shown('chapter.claims("mean-as-printed")'),
        markdown("## Not tested\n\nWhat the paper says and this scale cannot."),
    ]


def notebook(name: str, cells: list[Cell], install: str) -> dict[str, Any]:
    """A page's cells as a notebook.

    Args:
        name: of the file, without its ending.
        cells: below the first, which installs the package where it is not.
        install: source of that first one.
    """
    cells = [code(install, "remove-cell"), *cells]
    for number, cell in enumerate(cells):
        cell["id"] = f"{name}-{number}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {
        "cells": cells,
        "metadata": {
            "kernelspec": kernel,
            "language_info": {"name": "python"},
            "og:description": f"What became of the paper behind {name}, in one plain sentence.",
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def new_paper(root: Path, slug: str, key: str) -> list[Path]:
    """Write the scaffold, or, if anything is amiss, nothing.

    Args:
        root: the repository's root.
        slug: name of the chapter and of the package below `papers`.
        key: the paper's key in chapters/references.bib.

    Returns:
        The new files.

    Raises:
        ValueError: the slug is no plain name or is taken, or the key is not in the bibliography.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*", slug) or keyword.iskeyword(slug):
        raise ValueError(f"SLUG must be lower-case letters and digits, got {slug!r}")
    package = root / "src" / "replications" / "papers" / slug
    pages = {f"{slug}": chapter(slug), f"{slug}-audit": audit(slug)}
    taken = (root / "chapters" / f"{name}.{kind}" for name in pages for kind in ("ipynb", "md"))
    for path in (package, *taken):
        if path.exists():
            raise ValueError(f"SLUG is taken: {path.relative_to(root)} exists")
    if f"{{{key}," not in (root / "chapters" / "references.bib").read_text(encoding="utf8"):
        raise ValueError(f"KEY must be an entry of chapters/references.bib, got {key!r}")
    toc = root / "_toc.yml"
    contents = toc.read_text(encoding="utf8")
    papers = re.search(r"- caption: Papers\n    chapters:\n(      - file: .+\n)+", contents)
    if papers is None:
        raise ValueError("_toc.yml has no part named Papers")

    files: dict[Path, str] = {}
    for source, target in (("package", package), ("tests", root / "tests" / "papers" / slug)):
        for path in sorted((TEMPLATE / source).rglob("*.*")):
            if path.suffix not in (".py", ".js"):
                continue  # a cache
            text = path.read_text(encoding="utf8").replace("SLUG", slug).replace("KEY", key)
            files[target / path.relative_to(TEMPLATE / source)] = text
    files[root / "tests" / "papers" / slug / "__init__.py"] = ""
    for name, cells in pages.items():
        page = notebook(name, cells, first_cell(root))
        text = json.dumps(page, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        files[root / "chapters" / f"{name}.ipynb"] = text
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf8")
    lines = "".join(f"      - file: chapters/{name}\n" for name in pages)
    toc.write_text(contents[: papers.end()] + lines + contents[papers.end() :], encoding="utf8")
    return list(files)


def main(arguments: list[str]) -> int:
    """Exit status 2 with a message where something is amiss."""
    root = Path(__file__).resolve().parents[1]
    try:
        slug, key = arguments
        for path in new_paper(root, slug, key):
            print(f"wrote {path.relative_to(root)}")
    except ValueError as error:
        usage = "usage: make new-paper SLUG=name KEY=bibliography-key"
        print(error if all(arguments) and len(arguments) == 2 else usage)
        return 2
    run = f".venv/bin/python -m replications run {slug} --tier full"
    print(f"next: {run} && make run && make test && make site")
    print("by hand: its row in README.md, its symbols in chapters/notation.md,")
    print("         and each new module of methods or problems on its page in chapters/api")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
