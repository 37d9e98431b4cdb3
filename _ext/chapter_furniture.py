"""What every chapter's page gets: a line under its title, and exercises whose fold says so."""

import re
from html import unescape
from pathlib import Path

TITLE = re.compile(r"<h1>(?:(\[(?:~|¬)?Re\]) )?(.*?)</h1>", re.S)
MEANS = {
    "[Re]": "the paper’s main statements were reproduced",
    "[~Re]": "some of the paper’s main statements were reproduced, others were not",
    "[¬Re]": "the paper’s main statements were not reproduced",
}
WAYS = (
    ("How we judge", "chapters/how-we-judge", "the-verdict"),
    ("Its claims", "chapters/scoreboard", "claims-{slug}"),
    ("Its symbols", "chapters/notation", "notation-{slug}"),
    ("Its code", "chapters/api/methods", "api-{slug}"),
)
"""Name, page and anchor of where a chapter's line leads."""
WORDS_A_MINUTE = 200
SOLUTION = re.compile(r'<div class="cell tag_hide-cell.*?</summary>', re.S)


def minutes(body: str) -> int:
    """Reading time of a page's paragraphs, without code, tables and figures."""
    paragraphs = re.findall(r"<(?:p|li)\b[^>]*>(.*?)</(?:p|li)>", body, re.S)
    words = sum(len(unescape(re.sub(r"<[^>]*>", " ", text)).split()) for text in paragraphs)
    return max(1, round(words / WORDS_A_MINUTE))


def line(mark: str | None, body: str, links: dict[str, str]) -> str:
    """What the mark in the title means, how long the page is, and where else to look.

    An audit, and a chapter that judges no paper, have no mark.
    """
    meaning = f"<b>{mark}</b> {MEANS[mark]}. " if mark else ""
    ways = " · ".join(f'<a href="{target}">{name}</a>' for name, target in links.items())
    return f'<p class="chapter-line">{meaning}About {minutes(body)} minutes to read. {ways}</p>'


def solutions(body: str) -> str:
    """A cell that is hidden with its output is a solution."""
    return SOLUTION.sub(
        lambda cell: (
            cell[0]
            .replace("Show the code", "Solution")
            .replace("Hide the code", "Hide the solution")
        ),
        body,
    )


def has_target(page: Path, anchor: str) -> bool:
    """Whether a page declares an anchor; those that are made for every page and paper count."""
    made = anchor == "the-verdict" or anchor.startswith("claims-")
    return made or f"({anchor})=" in page.read_text(encoding="utf8")


def furnish(app, pagename, templatename, context, doctree):
    """Chapters are the pages that are notebooks."""
    body = context.get("body", "")
    title = TITLE.search(body)
    if title is None or not app.env.doc2path(pagename).endswith(".ipynb"):
        return
    slug = Path(pagename).name.removesuffix("-audit")
    links = {}
    for name, page, anchor in WAYS:
        anchor = anchor.format(slug=slug)
        if has_target(Path(app.srcdir) / f"{page}.md", anchor):
            links[name] = f"{app.builder.get_relative_uri(pagename, page)}#{anchor}"
    below = f"{title[0]}{line(title[1], body, links)}"
    context["body"] = solutions(body.replace(title[0], below, 1))


def setup(app):
    """After MyST-NB has made the cells."""
    app.connect("html-page-context", furnish, priority=800)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
