"""What a chapter's cells call: set-up, figures in both themes, sources, claims by name, tables.

Outputs are plain HTML and Markdown that Colab, GitHub and Jupyter show as well as the site does.
"""

from __future__ import annotations

import ast
import base64
import html
import inspect
import os
import textwrap
import warnings
from collections.abc import Callable, Iterable
from typing import Any

from replications.core import registry, rows, store
from replications.core.claims import Claim, Measured, Verdict, measure
from replications.core.compact import svg_uri
from replications.core.estimates import Estimate
from replications.core.experiment import TIERS, Experiment
from replications.core.figures import Drawing, Figure, render, themed

STRICT_VARIABLE = "REPLICATIONS_STRICT"
"""Environment variable under which a warning fails the cell; the book's own runs set it."""


class Chapter:
    """A paper's chapter: its figures and its claims by name.

    Making one prepares the kernel: one thread, so that numbers repeat; strict warnings if asked.

    Args:
        slug: the paper's folder, such as "lookahead".
        page: the notebook's name where it is not the slug, such as "lookahead-audit".

    Raises:
        ValueError: if there is no such paper.
    """

    def __init__(self, slug: str, page: str | None = None) -> None:
        prepare()
        self.slug, self.page = slug, page or slug
        self._paper = registry.paper(slug)
        self._measured: dict[str, Measured] = {}

    def __getitem__(self, name: str) -> Estimate:
        """What was measured for a claim, by its id with or without the paper's slug."""
        return self.measured(name).estimate

    def verdict(self, name: str) -> Verdict:
        """The verdict on a claim, by its id with or without the paper's slug."""
        return self.measured(name).verdict

    def measured(self, name: str) -> Measured:
        """A claim with its estimate; each is measured once."""
        key = name if name.startswith(f"{self.slug}-") else f"{self.slug}-{name}"
        if key not in self._paper.claims:
            raise KeyError(f"{self.slug} has no claim {key!r}")
        if key not in self._measured:
            (self._measured[key],) = measure([self._paper.claims[key]])
        return self._measured[key]

    def show(self, name: str) -> None:
        """Display a figure with its caption, and folded: its numbers, claims, code and data."""
        if name not in self._paper.figures:
            raise KeyError(f"{self.slug} has the figures {', '.join(self._paper.figures)}")
        shown = self._paper.figures[name]
        claims = [c for c in self._paper.claims.values() if c.cell == f"fig-{name}"]
        show(shown, name, ways_on(shown, claims))

    def claims(self, *names: str) -> None:
        """Display claims, by default all; fail if a verdict is not the published one."""
        claims_table([self.measured(name) for name in names or self._paper.claims], self.page)

    def provenance(self) -> None:
        """Display where the page's numbers come from: a row for each preset that it has used."""
        provenance_table(self._paper.experiments.values())


def prepare() -> None:
    """Set a kernel up: one thread, no figures by pyplot, strict warnings if asked."""
    import matplotlib
    import torch

    torch.set_num_threads(1)  # torch is bit-equal from run to run with one thread only
    matplotlib.use("agg")  # figures come as HTML from show(), never twice from pyplot
    if os.environ.get(STRICT_VARIABLE):
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", module=r"ipykernel\.")  # warns of itself at shutdown
        # torch's own forward mode scripts; before Python 3.14 the warning has other words
        warnings.filterwarnings("ignore", "`torch.jit.script` is not supp", DeprecationWarning)


def show(draw: Callable[[], Drawing], name: str, ways: str = "") -> None:
    """Display a drawing as the figure `fig-<name>`; its alternative text is its caption.

    Args:
        draw: a registered figure, or any function without arguments that makes a drawing.
        name: unique in the page.
        ways: HTML below the caption: where to go from here.
    """
    drawing, (svg, png) = render(draw, "light", "svg", "png")
    alt = html.escape(drawing.alt, quote=True)
    # a white ground under light colours; the site takes the SVG inline and with it the theme's
    image = f'<img style="background:#fff" alt="{alt}" src="{svg_uri(themed(svg))}"/>'
    # the image has said it to those who hear the page
    caption = f'<p aria-hidden="true">{alt}</p>'
    numbers = f"<pre>{html.escape(drawing.summary)}</pre>"
    fold = f"<details><summary>numbers, claims, code and data</summary>{numbers}{ways}</details>"
    _display(
        {
            "text/html": f'<figure id="fig-{name}" class="replication-figure">{image}'
            f"<figcaption>{caption}{fold}</figcaption></figure>",
            "image/png": base64.b64encode(png).decode(),
            "text/plain": f"{drawing.alt}\n{drawing.summary}",
        }
    )


def ways_on(figure: Figure, claims: Iterable[Claim]) -> str:
    """What a figure decides, what draws it, where its data are, and the command."""
    links = [f'<a href="#claim-{c.id}">{c.id.removeprefix(c.slug + "-")}</a>' for c in claims]
    runs = ", ".join(rows.source_html(rows.place(experiment.run)) for experiment in figure.on)
    full = [experiment for experiment in figure.on if figure.tier == "full"]
    command = f"python -m replications figure {figure.slug} {figure.name} -o {figure.name}"
    parts = {
        "decides": ", ".join(links) or "no claim",
        "drawn by": rows.source_html(rows.place(figure.draw)),
        "from": f"the {'live' if figure.tier == 'quick' else 'recorded'} run of {runs}",
        "data": ", ".join(rows.record_html(f"{x.slug}/records/{x.name}.csv") for x in full),
        "commands": f"<code>{command}.svg</code>, or its data: <code>{command}.csv</code>",
    }
    rest = "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in parts.items() if text)
    return f"<dl>{rest}</dl>"


def show_source(*objects: Any, docstrings: bool = False) -> None:
    """Display the source of functions, classes or modules as it is installed and tested.

    Args:
        objects: what to show, one below the other.
        docstrings: show them too; beside prose that says the same they are in the way.
    """
    sources = (textwrap.dedent(inspect.getsource(obj)).rstrip() for obj in objects)
    code = "\n\n".join(source if docstrings else _without_docstrings(source) for source in sources)
    _display({"text/markdown": f"```python\n{code}\n```", "text/plain": code})


def _without_docstrings(source: str) -> str:
    """The source without docstrings, and without the refusals of wrong arguments."""
    drop: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        found = getattr(node, "body", None)  # of a lambda or an `if` expression it is no list
        body = found if isinstance(found, list) else []
        for i, statement in enumerate(body):
            if ast.unparse(statement).startswith("refuse_"):  # see methods.refusals
                drop |= set(range(statement.lineno, (statement.end_lineno or 0) + 1))
            text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
            if text and isinstance(statement.value.value, str) and len(body) > 1:
                end = statement.end_lineno or statement.lineno
                drop |= set(range(statement.lineno, end + 1))
                if i == 0:  # and the blank line between it and the first statement
                    drop |= set(range(end + 1, body[1].lineno)) & _blank(source)
    lines = source.splitlines()
    return "\n".join(line for n, line in enumerate(lines, 1) if n not in drop)


def _blank(source: str) -> set[int]:
    return {n for n, line in enumerate(source.splitlines(), 1) if not line.strip()}


def say(text: str) -> None:
    """Display a paragraph of Markdown: how a measured number gets into the prose."""
    text = textwrap.dedent(text).strip()
    _display({"text/markdown": text, "text/plain": text})


def provenance_table(experiments: Iterable[Experiment]) -> None:
    """Display a row for each preset that this page has used; recorded ones with their time.

    Args:
        experiments: the paper's; what lies in the cache from another page has no row.
    """
    lines = ["| experiment | preset | CPU seconds | key of its first part |", "|---|---|---|---|"]
    recorded: list[dict[str, Any]] = []
    for experiment in experiments:
        for tier in TIERS:
            if not experiment.used(tier):
                continue
            parts = [store.provenance(path) for path in experiment.stored(tier)]
            key, seconds = parts[0]["digest"][:12], "live"
            if tier == "full":  # a live run's time differs from run to run: it is no output
                recorded += parts
                total = sum(part["seconds"] for part in parts)
                seconds = f"{total:.0f}" if total >= 1 else "below 1"
            lines.append(f"| {experiment.name} | {tier} | {seconds} | `{key}` |")
    if len(lines) == 2:
        raise ValueError("no experiment has been used yet")
    text = "\n".join(lines)
    if recorded:
        processors = " or ".join(sorted({part["machine"]["processor"] for part in recorded}))
        used = sorted(
            {f"{n} {part['versions'][n]}" for part in recorded for n in ("numpy", "torch")}
        )
        # records from before the number was kept: torch had one
        most = max(part["machine"].get("threads", 1) for part in recorded)
        threads = "one thread" if most == 1 else f"up to {most} threads"
        text += f"\n\nThe recorded ones on {processors}, {threads}; {', '.join(used)}."
    say(text)


def claims_table(measured: Iterable[Measured], page: str = "") -> None:
    """Display measured claims, and fail if a verdict is not the published one.

    Args:
        measured: from `measure`.
        page: the notebook's name: claims that another page shows link there.

    Raises:
        AssertionError: naming the claims whose measured verdict differs.
    """
    found = list(measured)
    _display({"text/html": table_html(found, page), "text/plain": table_text(found)})
    wrong = [
        f"{row.claim.id}: measured {row.verdict} ({row.estimate}), published {row.claim.verdict}"
        for row in found
        if not row.holds
    ]
    assert not wrong, "verdicts differ: " + "; ".join(wrong)


def table_html(measured: Iterable[Measured], page: str = "") -> str:
    """The claims as an HTML table: verdict, claim, expected, measured."""
    body = "".join(_row_html(row.claim, rows.row(row), page) for row in measured)
    return f'<table class="claims-table">{rows.head()}<tbody>{body}</tbody></table>'


def _row_html(claim: Claim, row: dict[str, Any], page: str) -> str:
    source = f"{claim.kind}, {claim.place}"
    link = f"#{claim.cell}" if claim.page == page else f"{claim.page}.html#{claim.cell}"
    return rows.as_html(row, f"claim-{claim.id}", link, source)


def table_text(measured: Iterable[Measured]) -> str:
    """The claims as text, with the digits that are printed: what the notebook tests compare."""
    return "\n".join(rows.as_text(rows.row(row)) for row in measured)


def _display(data: dict[str, Any]) -> None:
    from IPython.display import display

    display(data, raw=True)
