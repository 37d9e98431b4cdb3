"""The directives `scoreboard` and, for the home page, `scoreboard-summary`.

claims.json is written by ``python -m replications claims --json``; nothing here judges.
"""

import json
import re
from collections import Counter
from html import escape
from itertools import groupby
from pathlib import Path

from docutils import nodes
from pybtex.database import parse_file
from sphinx.util.docutils import SphinxDirective

from replications.core import rows

VERDICTS = ("reproduced", "not reproduced", "inconclusive")
KINDS = ("paper", "blog", "control", "erratum")
MARK = {"reproduced": "✓", "not reproduced": "✗", "inconclusive": "?"}


def short_reference(entry) -> str:
    """Zhang et al. 2019."""
    people = [" ".join(person.last_names) for person in entry.persons["author"]]
    names = people[0] if len(people) == 1 else " and ".join(people)
    return f"{names if len(people) < 3 else people[0] + ' et al.'} {entry.fields['year']}"


class Claims(SphinxDirective):
    """What both directives read."""

    def load(self) -> list[dict]:
        """The claims in the book's order, each with its link and its paper's short reference."""
        folder = Path(self.env.srcdir) / "chapters"
        for name in ("claims.json", "references.bib"):
            self.env.note_dependency(f"chapters/{name}")
        papers = parse_file(folder / "references.bib").entries
        claims = json.loads((folder / "claims.json").read_text(encoding="utf8"))["claims"]
        chapters = [Path(document).name for document in self.env.external_site_map]
        claims = [claim for claim in claims if claim["slug"] in chapters]
        for claim in claims:
            claim["reference"] = short_reference(papers[claim["paper"]])
            claim["href"] = f"{self.uri(claim['slug'])}#{claim['cell']}"
        return sorted(claims, key=lambda claim: chapters.index(claim["slug"]))

    def uri(self, slug: str) -> str:
        """A chapter's address, seen from this page."""
        return self.env.app.builder.get_relative_uri(self.env.docname, f"chapters/{slug}")

    def html(self, *lines: str) -> list[nodes.Node]:
        """Lines of HTML as one node."""
        return [nodes.raw("", "\n".join(lines), format="html")]


class Scoreboard(Claims):
    """Every claim in one table, a part for each chapter, with a filter."""

    def run(self):
        """The table is complete without JavaScript; the filter only hides rows."""
        claims = self.load()
        chapters = {c["slug"]: c["reference"] for c in claims}
        jumps = (f'<a href="#claims-{slug}">{escape(name)}</a>' for slug, name in chapters.items())
        return self.html(
            f"<p>Jump to {', '.join(jumps)}.</p>",
            '<form class="scoreboard-filter" hidden>',
            select("Paper", "paper", dict.fromkeys(c["reference"] for c in claims)),
            select("Kind", "kind", KINDS),
            select("Verdict", "verdict", VERDICTS),
            '<output aria-live="polite"></output>',
            "</form>",
            '<table class="claims-table scoreboard">',
            rows.head(),
            *(part(slug, list(own)) for slug, own in groupby(claims, lambda c: c["slug"])),
            "</table>",
            f"<script>{Path(__file__).with_suffix('.js').read_text(encoding='utf8')}</script>",
        )


def select(label: str, name: str, options) -> str:
    """A labelled drop-down list whose first entry shows everything."""
    entries = "".join(f"<option>{escape(option)}</option>" for option in options)
    every = '<option value="">all</option>'
    return f'<label>{label} <select name="{name}">{every}{entries}</select></label>'


def part(slug: str, claims: list[dict]) -> str:
    """The claims of one chapter under a heading of their own."""
    name = f'<th colspan="4" scope="rowgroup">{escape(claims[0]["reference"])}</th>'
    return f'<tbody id="claims-{slug}"><tr>{name}</tr>{"".join(map(row, claims))}</tbody>'


def row(claim: dict) -> str:
    """One claim."""
    text = {key: escape(str(value)) for key, value in claim.items()}
    # an erratum or a blog's sentence is not the paper's
    about = "in" if claim["kind"] == "paper" else "about"
    source = " · ".join(
        (claim["kind"], claim["place"], f"{about} {claim['reference']}", f"{claim['tier']} run")
    )
    attributes = (
        f'id="{text["id"]}" data-paper="{text["reference"]}" data-kind="{text["kind"]}" '
        f'data-verdict="{text["verdict"]}"'
    )
    return rows.as_html(claim, claim["href"], source, attributes)


class Summary(Claims):
    """One entry a chapter: its first figure, its description, one tile a claim."""

    def run(self):
        """Chapters in the order of the table of contents."""
        claims = self.load()
        total, paper = (
            Counter(claim["verdict"] for claim in claims if claim["kind"] in kinds)
            for kinds in (KINDS, ("paper",))
        )
        chapters = len({claim["slug"] for claim in claims})
        return self.html(
            '<p class="scoreboard-total">'
            f"<b>{len(claims)}</b> claims in <b>{chapters}</b> chapters: "
            + " ".join(rows.chip(v, f"{total[v]} {v}") for v in VERDICTS)
            + f" Of the {paper.total()} statements of the papers themselves: "
            + ", ".join(f"{paper[v]} {v}" for v in VERDICTS)
            + ".</p>",
            *(self.entry(slug, claims) for slug in dict.fromkeys(c["slug"] for c in claims)),
        )

    def entry(self, slug: str, claims: list[dict]) -> str:
        """A chapter's card."""
        name = f"chapters/{slug}.ipynb"
        self.env.note_dependency(name)
        notebook = json.loads((Path(self.env.srcdir) / name).read_text(encoding="utf8"))
        own = [claim for claim in claims if claim["slug"] == slug]
        tiles = "".join(
            f'<a class="tile verdict-{c["verdict"].replace(" ", "-")}" href="{escape(c["href"])}" '
            f'aria-label="{label(c)}" title="{label(c)}">{MARK[c["verdict"]]}</a>'
            for c in own
        )
        link = f'<a href="{self.uri(slug)}">{escape(title(notebook))}</a>'
        return (
            '<div class="chapter-card">'
            f'<h3 class="chapter-title">{link}</h3>'
            f'<p class="chapter-source">{escape(own[0]["reference"])}</p>'
            f"<p>{escape(notebook['metadata']['og:description'])}</p>"
            f'<div class="chapter-picture">{first_figure(notebook)}</div>'
            f'<p class="tiles">{tiles}</p></div>'
        )


def label(claim: dict) -> str:
    """What a tile says when it is pointed at or read aloud."""
    return escape(f"{claim['kind']}, {claim['verdict']}: {claim['says']}")


def title(notebook: dict) -> str:
    """The text of the first heading."""
    for cell in notebook["cells"]:
        found = re.search(r"^# (.+)$", "".join(cell["source"]), re.M)
        if cell["cell_type"] == "markdown" and found:
            return found[1]
    raise ValueError("a chapter needs a first-level heading")


def first_figure(notebook: dict) -> str:
    """The images of the first figure that the chapter shows, in light and dark."""
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            html = "".join(output.get("data", {}).get("text/html", ""))
            if 'class="replication-figure"' in html:
                return "".join(re.findall(r"<img[^>]*>", html))
    return ""


def setup(app):
    """Register the two directives."""
    app.add_directive("scoreboard", Scoreboard)
    app.add_directive("scoreboard-summary", Summary)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
