"""The directive `scoreboard`, and others that say what claims.json holds.

claims.json is written by ``python -m replications claims --json``; nothing here judges.
"""

import json
import re
import shutil
from collections import Counter
from html import escape
from itertools import groupby
from pathlib import Path

from docutils import nodes
from pybtex.database import parse_file
from sphinx.util.docutils import SphinxDirective

from replications.core import rows

KINDS = {
    "paper": "statements of the papers",
    "blog": "statements of blogs and public code",
    "erratum": "errata",
    "control": "controls of our own",
}
GOOD = {"erratum": rows.CONFIRMED}
"""The outcome that comes first; of the other kinds it is "reproduced"."""
MARK = {"reproduced": "✓", "confirmed": "✓", "inconclusive": "?"}
SCRIPT = Path(__file__).with_suffix(".js")
PUBLISHED = ("claims.json", "claims.schema.json")
"""Files that the site offers under its own root."""


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
            key = claim["paper"]  # a chapter across papers has a name instead
            claim["reference"] = short_reference(papers[key]) if key in papers else key
            claim["href"] = f"{self.uri(claim['page'])}#{claim['cell']}"
        return sorted(claims, key=lambda claim: chapters.index(claim["slug"]))

    def uri(self, slug: str) -> str:
        """A chapter's address, seen from this page."""
        return self.env.app.builder.get_relative_uri(self.env.docname, f"chapters/{slug}")

    def root(self) -> str:
        """The site's root, seen from this page."""
        return "../" * self.env.docname.count("/")

    def html(self, *lines: str) -> list[nodes.Node]:
        """Lines of HTML as one node."""
        return [nodes.raw("", "\n".join(lines), format="html")]


class Scoreboard(Claims):
    """Every claim in one table, a part for each chapter, with a filter."""

    def run(self):
        """The table is complete without JavaScript; the filter hides, folds and sorts rows."""
        return self.html(*board(self.load()))


def board(claims: list[dict]) -> list[str]:
    """The headline, the filter, the table and its script."""
    chapters = {c["slug"]: c["reference"] for c in claims}
    jumps = (f'<a href="#claims-{slug}">{escape(name)}</a>' for slug, name in chapters.items())
    orders = {"": "of the chapters", "outcome": "by outcome", "kind": "by kind", "id": "by name"}
    return [
        tally(claims),
        f"<p>Jump to {', '.join(jumps)}.</p>",
        '<form class="scoreboard-filter" hidden>',
        '<label>Search <input type="search" name="q"/></label>',
        select("Paper", "paper", dict.fromkeys(chapters.values())),
        select("Kind", "kind", KINDS),
        select("Outcome", "outcome", [o for o in rows.OUTCOMES if o in outcomes(claims)]),
        select("Order", "sort", orders),
        '<button type="button" name="fold">Fold papers</button>',
        '<button type="reset">Reset</button>',
        '<output aria-live="polite"></output>',
        "</form>",
        '<table class="claims-table scoreboard">',
        rows.head(),
        *(part(slug, list(own)) for slug, own in groupby(claims, lambda c: c["slug"])),
        "</table>",
        f"<script>{SCRIPT.read_text(encoding='utf8')}</script>",
    ]


def outcomes(claims: list[dict], kind: str = "") -> Counter:
    """How many claims of a kind, or of all, have which outcome."""
    return Counter(c["outcome"] for c in claims if kind in ("", c["kind"]))


def tally(claims: list[dict]) -> str:
    """The headline: a line for each kind, since only the first is about the papers' truth."""
    lines = []
    for kind, name in KINDS.items():
        found = outcomes(claims, kind)
        if total := found.total():
            good = GOOD.get(kind, "reproduced")
            others = [
                f"{n} {word}" for word in rows.OUTCOMES if (n := found[word]) and word != good
            ]
            rest = f": {', '.join(others)}" if others else ""
            lines.append(
                f"<li><b>{found[good]} of {total}</b> {name} are {rows.chip(good)}{rest}</li>"
            )
    return f'<ul class="scoreboard-total">{"".join(lines)}</ul>'


def select(label: str, name: str, options) -> str:
    """A labelled drop-down list.

    Args:
        label: what stands before it.
        name: of the field.
        options: the entries, below one for all; or a dictionary from "" and more values to texts.
    """
    texts = options if "" in options else {"": "all"} | {option: option for option in options}
    entries = "".join(f'<option value="{escape(v)}">{escape(t)}</option>' for v, t in texts.items())
    return f'<label>{label} <select name="{name}">{entries}</select></label>'


def part(slug: str, claims: list[dict]) -> str:
    """The claims of one chapter under a heading of their own."""
    name = f'<th colspan="4" scope="rowgroup">{escape(claims[0]["reference"])}</th>'
    return f'<tbody id="claims-{slug}"><tr>{name}</tr>{"".join(map(row, claims))}</tbody>'


def row(claim: dict) -> str:
    """One claim."""
    text = {key: escape(str(value)) for key, value in claim.items()}
    # an erratum or a blog's sentence is not the paper's
    about = "in" if claim["kind"] == "paper" else "about"
    reference = claim["reference"]
    if claim["paper"] != reference:  # else the name of a chapter across papers
        reference = f"{about} {reference}"
    source = " · ".join((claim["kind"], claim["place"], reference, f"{claim['tier']} run"))
    attributes = (
        f'data-paper="{text["reference"]}" data-kind="{text["kind"]}" '
        f'data-outcome="{text["outcome"]}"'
    )
    return rows.as_html(claim, claim["id"], claim["href"], source, attributes)


class Files(Claims):
    """The table as data."""

    def run(self):
        """Links to what :func:`publish` puts at the site's root."""
        data, schema = (f"{self.root()}{name}" for name in PUBLISHED)
        return self.html(
            f'<p>The same table as data: <a href="{data}">claims.json</a>, described by '
            f'<a href="{schema}">claims.schema.json</a>, a JSON Schema with a version.</p>'
        )


class Chance(Claims):
    """How many intervals miss the truth where nothing but chance is at work."""

    def run(self):
        """A sentence with today's numbers."""
        claims = self.load()
        sampled = sum((claim["n"] or 0) > 1 for claim in claims)
        return self.html(
            f"<p>An interval at 95 % misses the truth by chance once in twenty times. Of "
            f"{len(claims)} claims {sampled} rest on an interval over seeds or trials, so about "
            f"{round(sampled / 20)} of these would have their interval off the true value if "
            "nothing but chance were at work.</p>"
        )


class Movements(Claims):
    """Whose verdicts another processor keeps open, and whose movement is not known."""

    def run(self):
        """A sentence with today's numbers, and links to the claims."""
        claims = [claim for claim in self.load() if claim["tier"] == "full"]
        moved = sum((claim["movement"] or 0) > 0 for claim in claims)
        kept = [c for c in claims if c["verdict"] != c["unmoved"]]
        unknown = [c for c in claims if c["movement"] is None]
        text = (
            f"Of {len(claims)} claims on recorded runs {moved} move at all. {len(kept)} are "
            f"inconclusive by that alone: {self.links(kept)}."
        )
        if unknown:
            text += f" Not measured: {self.links(unknown)}."
        return self.html(f"<p>{text}</p>")

    def links(self, claims: list[dict]) -> str:
        """Claims by their ids."""
        board = self.uri("scoreboard")
        return ", ".join(f'<a href="{board}#{c["id"]}">{escape(c["id"])}</a>' for c in claims)


class Summary(Claims):
    """One entry a chapter: its first figure, its description, one tile a claim."""

    def run(self):
        """Chapters in the order of the table of contents."""
        claims = self.load()
        return self.html(
            tally(claims),
            *(self.entry(slug, claims) for slug in dict.fromkeys(c["slug"] for c in claims)),
        )

    def entry(self, slug: str, claims: list[dict]) -> str:
        """A chapter's card."""
        name = f"chapters/{slug}.ipynb"
        self.env.note_dependency(name)
        notebook = json.loads((Path(self.env.srcdir) / name).read_text(encoding="utf8"))
        own = [claim for claim in claims if claim["slug"] == slug]
        board = f"{self.uri('scoreboard')}#claims-{slug}"
        link = f'<a href="{self.uri(slug)}">{escape(title(notebook))}</a>'
        return (
            '<div class="chapter-card">'
            f'<h3 class="chapter-title">{link}</h3>'
            f'<p class="chapter-source">{escape(own[0]["reference"])}</p>'
            f"<p>{escape(notebook['metadata']['og:description'])}</p>"
            f'<div class="chapter-picture">{first_figure(notebook)}</div>'
            f"{tiles(own)}"
            f'<p class="chapter-claims"><a href="{board}">All {len(own)} claims of '
            f"{escape(own[0]['reference'])}</a></p></div>"
        )


def tiles(claims: list[dict]) -> str:
    """One tile a claim, a line for each kind.

    A tile can be clicked, but is no stop of the Tab key and is not read aloud: the line's counts
    say it, and the scoreboard has each claim in words.
    """
    lines = []
    for kind, name in KINDS.items():
        own = [claim for claim in claims if claim["kind"] == kind]
        if not own:
            continue
        marks = "".join(
            f'<a class="tile verdict-{c["outcome"].replace(" ", "-")}" tabindex="-1" '
            f'href="{escape(c["href"])}" title="{label(c)}">{MARK.get(c["outcome"], "✗")}</a>'
            for c in own
        )
        found = outcomes(own)
        counts = ", ".join(f"{found[word]} {word}" for word in rows.OUTCOMES if found[word])
        lines.append(
            f'<div class="tile-line"><p>{name}: {counts}</p>'
            f'<div class="tiles" aria-hidden="true">{marks}</div></div>'
        )
    return "".join(lines)


def label(claim: dict) -> str:
    """What a tile says when it is pointed at."""
    return escape(f"{claim['outcome']}: {claim['says']}")


def title(notebook: dict) -> str:
    """The text of the first heading."""
    for cell in notebook["cells"]:
        found = re.search(r"^# (.+)$", "".join(cell["source"]), re.M)
        if cell["cell_type"] == "markdown" and found:
            return found[1]
    raise ValueError("a chapter needs a first-level heading")


def first_figure(notebook: dict) -> str:
    """The image of the first figure that the chapter shows."""
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            html = "".join(output.get("data", {}).get("text/html", ""))
            if 'class="replication-figure"' in html:
                return "".join(re.findall(r"<img[^>]*>", html))
    return ""


def publish(app, error):
    """Put the claims and their schema at the site's root, under names that stay."""
    if error is None and app.builder.format == "html":
        for name in PUBLISHED:
            shutil.copyfile(Path(app.srcdir) / "chapters" / name, Path(app.outdir) / name)


def setup(app):
    """Register the directives."""
    app.add_directive("scoreboard", Scoreboard)
    app.add_directive("scoreboard-chance", Chance)
    app.add_directive("scoreboard-files", Files)
    app.add_directive("scoreboard-movements", Movements)
    app.add_directive("scoreboard-summary", Summary)
    app.connect("build-finished", publish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
