"""The directives `scoreboard` and, for the home page, `scoreboard-summary`.

claims.json is written by ``python -m replications claims --json``; nothing here judges.
"""

import json
import re
from collections import Counter
from html import escape
from pathlib import Path

from docutils import nodes
from pybtex.database import parse_file
from sphinx.util.docutils import SphinxDirective

VERDICTS = ("reproduced", "not reproduced", "inconclusive")
MARK = {"reproduced": "✓", "not reproduced": "✗", "inconclusive": "?"}


def css(verdict: str) -> str:
    """The class that colours a verdict."""
    return "verdict-" + verdict.replace(" ", "-")


def chip(verdict: str, text: str = "") -> str:
    """A verdict as a small labelled box: a word, never colour alone."""
    return f'<span class="verdict {css(verdict)}">{text or verdict}</span>'


def number(x: float | None) -> str:
    """Four significant digits; a missing end of an interval is infinite."""
    return "∞" if x is None else f"{x:.4g}".replace("-", "−")


def band(low: float | None, high: float | None) -> str:
    """What would have confirmed the claim."""
    if low is None:
        return f"≤ {number(high)}"
    if high is None:
        return f"≥ {number(low)}"
    return number(low) if low == high else f"{number(low)} to {number(high)}"


def measured(claim: dict) -> str:
    """The estimate with its interval."""
    if claim["low"] == claim["high"]:
        return number(claim["value"])
    low = "−∞" if claim["low"] is None else number(claim["low"])
    return f"{number(claim['value'])} <small>[{low}, {number(claim['high'])}]</small>"


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
    """Every claim in one table, with a filter by paper and by verdict."""

    def run(self):
        """The table is complete without JavaScript; the filter only hides rows."""
        claims = self.load()
        return self.html(
            '<form class="scoreboard-filter" hidden>',
            select("Paper", "paper", dict.fromkeys(c["reference"] for c in claims)),
            select("Verdict", "verdict", VERDICTS),
            '<output aria-live="polite"></output>',
            "</form>",
            '<table class="claims-table scoreboard">',
            "<thead><tr><th>Verdict</th><th>Claim</th><th>Expected</th><th>Measured</th></tr></thead>",
            "<tbody>",
            *map(row, claims),
            "</tbody></table>",
            f"<script>{Path(__file__).with_suffix('.js').read_text(encoding='utf8')}</script>",
        )


def select(label: str, name: str, options) -> str:
    """A labelled drop-down list whose first entry shows everything."""
    entries = "".join(f"<option>{escape(option)}</option>" for option in options)
    every = '<option value="">all</option>'
    return f'<label>{label} <select name="{name}">{every}{entries}</select></label>'


def row(claim: dict) -> str:
    """One claim."""
    text = {key: escape(str(value)) for key, value in claim.items()}
    source = " · ".join(
        (f"{text['reference']}, {text['place']}", text["kind"], f"{text['tier']} run")
    )
    runs = f", n = {claim['n']}" if claim["n"] > 1 else ""
    return (
        f'<tr id="{text["id"]}" data-paper="{text["reference"]}" data-verdict="{text["verdict"]}">'
        f"<td>{chip(claim['verdict'])}</td>"
        f'<td><a href="{text["href"]}">{text["says"]}</a><small>{source}</small></td>'
        f"<td>{band(*claim['band'])}<small>{text['why']}</small></td>"
        f"<td>{measured(claim)}<small>{text['how']}{runs}</small></td></tr>"
    )


class Summary(Claims):
    """One entry a chapter: its first figure, its description, one tile a claim."""

    def run(self):
        """Chapters in the order of the table of contents."""
        claims = self.load()
        total = Counter(claim["verdict"] for claim in claims)
        chapters = len({claim["slug"] for claim in claims})
        return self.html(
            '<p class="scoreboard-total">'
            f"<b>{len(claims)}</b> claims in <b>{chapters}</b> chapters: "
            + " ".join(chip(v, f"{total[v]} {v}") for v in VERDICTS)
            + "</p>",
            *(self.entry(slug, claims) for slug in dict.fromkeys(c["slug"] for c in claims)),
        )

    def entry(self, slug: str, claims: list[dict]) -> str:
        """A chapter's card."""
        name = f"chapters/{slug}.ipynb"
        self.env.note_dependency(name)
        notebook = json.loads((Path(self.env.srcdir) / name).read_text(encoding="utf8"))
        own = [claim for claim in claims if claim["slug"] == slug]
        tiles = "".join(
            f'<a class="tile {css(c["verdict"])}" href="{escape(c["href"])}" '
            f'aria-label="{escape(c["verdict"] + ": " + c["says"])}" '
            f'title="{escape(c["verdict"] + ": " + c["says"])}">{MARK[c["verdict"]]}</a>'
            for c in own
        )
        link = f'<a href="{self.uri(slug)}">{escape(title(notebook))}</a>'
        return (
            '<section class="chapter-card">'
            f'<div class="chapter-picture">{first_figure(notebook)}</div>'
            f'<div><p class="chapter-title">{link}</p>'
            f"<p>{escape(notebook['metadata']['og:description'])}</p>"
            f'<p class="chapter-source">{escape(own[0]["reference"])}</p>'
            f'<p class="tiles">{tiles}</p></div></section>'
        )


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
