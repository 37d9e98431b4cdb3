"""Our docstrings are plain text that reads well in an editor; this gives autodoc what it needs.

Indented equations become literal blocks, underlined titles bold lines, bibliography keys citations;
bars and trailing underscores are just characters.
"""

import re
from pathlib import Path

from pybtex.database import parse_file


def as_literal_blocks(lines: list[str]) -> list[str]:
    """Put `::` before an indented block that follows an unindented paragraph."""
    result: list[str] = []
    last = ""  # last line that is not blank
    for number, line in enumerate(lines):
        starts = line.startswith("    ") and number > 0 and not lines[number - 1].strip()
        after_text = last and not last.startswith((" ", "-", "*", "..", ":")) and last[-2:] != "::"
        if starts and after_text and not line.lstrip().startswith(("- ", "* ")):
            result += ["::", ""]
        result.append(line)
        last = line or last
    return result


def without_titles(lines: list[str]) -> list[str]:
    """A title is a bold line: a docstring may not open a section of the page."""
    result: list[str] = []
    for line in lines:
        if result and result[-1].strip() and re.fullmatch(r"([-=~])\1{3,}", line):
            result[-1] = f"**{result[-1]}**"
            result.append("")
        else:
            result.append(line)
    return result


def with_plain_characters(lines: list[str]) -> list[str]:
    """Escape |v| and b_, which would refer to something, outside code and literal blocks."""
    result: list[str] = []
    literal = False
    for line in lines:
        if line and not line.startswith(" "):
            literal = False
        if not literal:
            parts = re.split(r"(`+[^`]*`+|:math:`[^`]*`)", line)
            parts[::2] = [re.sub(r"\||(?<=\w)_(?!\w)", r"\\\g<0>", part) for part in parts[::2]]
            result.append("".join(parts))
        else:
            result.append(line)
        literal = literal or line.endswith("::") or line.startswith(".. math")
    return result


def process(app, what, name, obj, options, lines):
    """Mend a docstring in place."""
    keys = "|".join(app.env.bibliography_keys)
    if what == "module":
        lines[:] = as_literal_blocks(without_titles(lines))
    lines[:] = with_plain_characters(lines)
    lines[:] = [re.sub(rf"`?\b({keys})\b`?", r":cite:t:`\1`", line) for line in lines]


def read_keys(app, env, docnames):
    """The bibliography's keys, once a build."""
    env.bibliography_keys = sorted(parse_file(Path(app.srcdir) / "chapters/references.bib").entries)


def setup(app):
    """Before napoleon reads the sections."""
    app.connect("env-before-read-docs", read_keys)
    app.connect("autodoc-process-docstring", process, priority=1)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
