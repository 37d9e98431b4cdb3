"""Start a chapter: `make new-paper SLUG=name KEY=bibliography-key`.

Writes the paper's package, its test, its notebook and its line in _toc.yml: a small example that
runs and passes, to be replaced piece by piece. `make run` then fills the notebook.
"""

from __future__ import annotations

import json
import keyword
import re
import sys
from pathlib import Path

from set_home import FIRST_CELL, home

TEMPLATE = Path(__file__).parent / "paper_template"


def notebook(slug: str, url: str) -> dict:
    """The chapter's cells, not yet executed."""

    def code(source: str, *tags: str) -> dict:
        return {"cell_type": "code", "metadata": {"tags": list(tags)}, "source": source}

    def markdown(source: str) -> dict:
        return {"cell_type": "markdown", "metadata": {}, "source": source}

    package = f"replications.papers.{slug}"
    cells = [
        code(FIRST_CELL.format(url=url), "remove-cell"),
        markdown(f"# [Re] {slug}\n\nThe surprising thing first.\n\n## The claim in one figure"),
        code(
            "from replications.core.notebook import Chapter, say, show_source\n"
            f"from {package}.experiments.moments import moments, spread\n\n"
            f'chapter = Chapter("{slug}")',
            "hide-input",
        ),
        code('chapter.show("spread")', "hide-input", "nbval-check-output"),
        markdown("## What should I do?\n\nThe advice, with its numbers."),
        markdown("## What you need to know\n\nAnd the notation."),
        markdown("## The method\n\nIts equations beside the tested source."),
        code("show_source(moments)", "hide-input"),
        markdown("## Paper and ours"),
        code(
            'say(f"""\n| what | paper | ours | outcome |\n|---|---|---|---|\n'
            "| the mean | 0.50 | {chapter['mean']:value} | {chapter.verdict('mean')} |\n"
            '""")',
            "hide-input",
            "nbval-check-output",
        ),
        markdown("## The experiment that decides\n\nThe live run beside the recorded one."),
        code(
            'live, recorded = (moments.result(tier) for tier in ("quick", "full"))\n'
            'ratio = spread(live, "mean") / spread(recorded, "mean")\n'
            "assert abs(ratio - 1).max() < 0.5  # a hundred seeds know a spread to 7 %\n"
            'print("the live run agrees with the record")',
            "hide-input",
            "nbval-check-output",
        ),
        markdown("## The claims"),
        code("chapter.claims()", "hide-input", "nbval-check-output"),
        markdown("## Exercises\n\n**1.** A question?"),
        code('print("its solution")', "hide-cell"),
        markdown(
            "## Reproduce it\n\n```\n"
            f"python -m replications claims {slug}\n"
            f"python -m replications run {slug} --tier full\n```"
        ),
        code("chapter.provenance()", "hide-input", "nbval-check-output"),
    ]
    for number, cell in enumerate(cells):
        cell["id"] = f"{slug}-{number}"
        if cell["cell_type"] == "code":
            cell.update(outputs=[], execution_count=None)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {
        "cells": cells,
        "metadata": {
            "kernelspec": kernel,
            "language_info": {"name": "python"},
            "og:description": f"What became of {slug}, in one plain sentence.",
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
    chapter = root / "chapters" / f"{slug}.ipynb"
    for path in (package, chapter):
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
    for source, target in (
        ("package", package),
        ("tests", root / "tests" / "papers" / slug),
    ):
        for path in sorted((TEMPLATE / source).rglob("*.py")):
            text = path.read_text(encoding="utf8").replace("SLUG", slug).replace("KEY", key)
            files[target / path.relative_to(TEMPLATE / source)] = text
    files[root / "tests" / "papers" / slug / "__init__.py"] = ""
    cells = notebook(slug, home(root))
    files[chapter] = json.dumps(cells, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf8")
    line = f"      - file: chapters/{slug}\n"
    toc.write_text(contents[: papers.end()] + line + contents[papers.end() :], encoding="utf8")
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
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
