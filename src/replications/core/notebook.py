"""What a chapter's cells call: set-up, figures in both themes, sources, the tables.

Outputs are plain HTML and Markdown that Colab, GitHub and Jupyter show as well as the site does.
"""

from __future__ import annotations

import base64
import html
import inspect
import os
import textwrap
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

from replications.core import store
from replications.core.claims import Claim, Measured, measure
from replications.core.compact import svg_uri
from replications.core.experiment import TIERS, Experiment, Tier
from replications.core.figures import Draw, render

STRICT_VARIABLE = "REPLICATIONS_STRICT"
"""Environment variable under which a warning fails the cell; the book's own runs set it."""

FigureTable = Mapping[str, tuple[Draw, Experiment, Tier]]
"""A paper's FIGURES: name to (drawing function, experiment, preset)."""


def setup() -> None:
    """Prepare a chapter's kernel: one thread, so that numbers repeat; strict warnings if asked."""
    import matplotlib
    import torch

    torch.set_num_threads(1)  # torch is bit-equal from run to run with one thread only
    matplotlib.use("agg")  # figures come as HTML from show(), never twice from pyplot
    if os.environ.get(STRICT_VARIABLE):
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", module=r"ipykernel\.")  # warns of itself at shutdown


def show(
    figure: str | Draw,
    source: Any,
    name: str | None = None,
) -> None:
    """Display a figure in light and dark, with alternative text and a summary in numbers.

    Args:
        figure: a name in the paper's FIGURES, or a drawing function.
        source: the FIGURES table, or the result to draw.
        name: anchor of the figure (`fig-<name>`); by default the name in FIGURES.
    """
    if isinstance(figure, str):
        draw, experiment, tier = source[figure]
        result, name = experiment.result(tier), name or figure
    else:
        draw, result = figure, source
        name = name or figure.__name__.replace("_", "-")
    _display(_figure_bundle(draw, result, name))


def _figure_bundle(draw: Draw, result: Any, name: str) -> dict[str, Any]:
    drawing, (light, png) = render(draw, result, "light", "svg", "png")
    _, (dark,) = render(draw, result, "dark", "svg")
    alt = html.escape(drawing.alt, quote=True)
    images = "".join(
        f'<img class="only-{theme}" alt="{alt}" src="{svg_uri(svg)}"/>'
        for theme, svg in (("light", light), ("dark", dark))
    )
    # The site's theme hides one of the two; elsewhere this rule hides the dark one.
    rule = "<style>html:not([data-theme]) .replication-figure .only-dark{display:none}</style>"
    return {
        "text/html": f'<figure id="fig-{name}" class="replication-figure">{rule}{images}</figure>',
        "image/png": base64.b64encode(png).decode(),
        "text/plain": f"{drawing.alt}\n{drawing.summary}",
    }


def show_source(*objects: Any) -> None:
    """Display the source of functions, classes or modules as it is installed and tested."""
    code = "\n\n".join(textwrap.dedent(inspect.getsource(obj)).rstrip() for obj in objects)
    _display({"text/markdown": f"```python\n{code}\n```", "text/plain": code})


def say(text: str) -> None:
    """Display a paragraph of Markdown: how a measured number gets into the prose."""
    text = textwrap.dedent(text).strip()
    _display({"text/markdown": text, "text/plain": text})


def provenance_table(experiments: Iterable[Experiment]) -> None:
    """Display where a page's numbers come from: a row for each preset that it has used.

    Args:
        experiments: the paper's; a preset without a stored result was not needed and has no row.
    """
    rows = ["| experiment | preset | CPU seconds | key of its first part |", "|---|---|---|---|"]
    made: dict[str, Any] = {}
    for experiment in experiments:
        for tier in TIERS:
            paths = experiment.stored(tier)
            if not paths or not all(path.with_suffix(".json").exists() for path in paths):
                continue
            parts = [store.provenance(path) for path in paths]
            made, seconds = parts[0], sum(part["seconds"] for part in parts)
            rows.append(f"| {experiment.name} | {tier} | {seconds:.1f} | `{made['digest'][:12]}` |")
    if not made:
        raise ValueError("no experiment has a stored result yet")
    versions = ", ".join(f"{name} {made['versions'][name]}" for name in ("numpy", "torch"))
    say("\n".join(rows) + f"\n\nThe last on {made['machine']}, one thread; {versions}.")


def claims_table(claims: Iterable[Claim]) -> None:
    """Measure claims, display them, and fail if a verdict is not the published one.

    Raises:
        AssertionError: naming the claims whose measured verdict differs.
    """
    rows = measure(claims)
    _display({"text/html": table_html(rows), "text/plain": table_text(rows)})
    wrong = [
        f"{row.claim.id}: measured {row.verdict} ({row.estimate}), published {row.claim.verdict}"
        for row in rows
        if not row.holds
    ]
    assert not wrong, "verdicts differ: " + "; ".join(wrong)


def table_html(rows: Iterable[Measured]) -> str:
    """The claims as an HTML table: verdict, claim, expected, measured."""
    head = "".join(
        f'<th scope="col">{h}</th>' for h in ("Verdict", "Claim", "Expected", "Measured")
    )
    body = "".join(_row_html(row) for row in rows)
    return (
        f'<table class="claims-table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    )


def _row_html(row: Measured) -> str:
    claim, esc = row.claim, html.escape
    chip = f'<span class="verdict verdict-{row.verdict.replace(" ", "-")}">{row.verdict}</span>'
    return (
        f'<tr id="claim-{claim.id}"><td>{chip}</td>'
        f"<td>{esc(claim.says)}<br/><small>{claim.kind}, {esc(claim.place)} · "
        f'<a href="#{claim.cell}">see</a></small></td>'
        f"<td>{esc(str(claim.expect))}<br/><small>{esc(claim.expect.why)}</small></td>"
        f"<td>{esc(str(row.estimate))}<br/>"
        f"<small>n = {row.estimate.n}; {esc(row.estimate.how)}</small></td></tr>"
    )


def table_text(rows: Iterable[Measured]) -> str:
    """The claims as text with three digits: what the notebook tests compare."""
    return "\n".join(
        f"{row.verdict:<15}{row.claim.id}: {row.claim.says} "
        f"[expected {row.claim.expect}; measured {row.estimate.value:.3g}]"
        for row in rows
    )


def _display(data: dict[str, Any]) -> None:
    from IPython.display import display

    display(data, raw=True)
