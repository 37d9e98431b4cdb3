"""The directive `errata`: what errata.yml says beside what claims.json has measured.

Its argument is where the errors stand: paper, blog or code.
"""

from html import escape
from pathlib import Path

import yaml
from scoreboard import Claims

from replications.core import rows

FILE = "errata.yml"
FIELDS = {"in", "source", "link", "stands", "right", "check"}
PLACES = ("paper", "blog", "code")


def read(folder: Path) -> dict[str, dict]:
    """The entries by claim.

    Raises:
        ValueError: an entry lacks a field, or has one that nothing shows.
    """
    entries = yaml.safe_load((folder / FILE).read_text(encoding="utf8"))
    for name, entry in entries.items():
        if {"link", *entry} != FIELDS or entry["in"] not in PLACES:
            raise ValueError(f"{FILE}: {name} needs {', '.join(sorted(FIELDS))}; link may lack")
    return entries


class Errata(Claims):
    """All entries of one place, in the order of the chapters."""

    required_arguments = 1

    def run(self):
        """One block an erratum."""
        folder = Path(self.env.srcdir) / "chapters"
        self.env.note_dependency(f"chapters/{FILE}")
        entries = read(folder)
        chosen = {name: e for name, e in entries.items() if e["in"] == self.arguments[0]}
        claims = [claim for claim in self.load() if claim["id"] in chosen]
        return self.html(*(block(claim, chosen[claim["id"]]) for claim in claims))


def block(claim: dict, entry: dict) -> str:
    """What stands there, what is right, what was measured, and how to check it."""
    outcome = rows.outcome("erratum", claim["verdict"])
    source = escape(entry["source"])
    if "link" in entry:
        source = f'<a href="{escape(entry["link"])}">{source}</a>'
    says = claim["says"].removesuffix(".")
    asked = f"where “{rows.typeset(says)}” asks for {escape(claim['expected'])}"
    measured = f"{escape(claim['measured'])}, {asked}"
    return (
        f'<div class="erratum" id="erratum-{claim["id"]}">'
        f"<p>{rows.chip(outcome)} {source}</p><dl>"
        f"<dt>stands there</dt><dd>{rows.typeset(entry['stands'])}</dd>"
        f"<dt>right</dt><dd>{rows.typeset(entry['right'])}</dd>"
        f'<dt>measured</dt><dd>{measured} (<a href="{claim["href"]}">the cell</a>)</dd></dl>'
        f"<details><summary>Check it yourself</summary>"
        f"<pre>{escape(entry['check'].strip())}</pre></details></div>"
    )


def setup(app):
    """Register the directive."""
    app.add_directive("errata", Errata)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
