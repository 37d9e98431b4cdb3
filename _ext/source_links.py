"""From a figure or a claim to the code and the records behind it.

Cells name a function by `<code class="source">module:function</code>`, a record by
`<code class="record">slug/records/name.json</code>` and a claim by `href="#claim-id"`, which needs
no site. Here they become links: to pages with the source that the API pages do not show, to the
records, which are copied, and to the scoreboard where the page has no such claim.
"""

import re
import shutil
from functools import cache
from html import escape
from pathlib import Path

from sphinx.pycode import ModuleAnalyzer

import replications
from replications.core import registry
from replications.core.experiment import Experiment
from replications.core.tables import csv

PACKAGE = Path(replications.__file__).parent
SHOWN = ("papers", "core")
"""viewcode makes the pages of the packages that autodoc documents."""
PAPERS = PACKAGE / "papers"
SOURCE = re.compile(r'<code class="source">([\w.]+):(\w+)</code>')
RECORD = re.compile(r'<code class="record">([\w./-]+)</code>')
CLAIM = re.compile(r'href="#claim-([\w-]+)"')


def modules() -> dict[str, Path]:
    """Names and files of the modules that get a page."""
    files = (file for part in SHOWN for file in sorted((PACKAGE / part).rglob("*.py")))
    return {
        ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts): file
        for file in files
        if file.name != "__init__.py"
    }


def page_of(module: str) -> str:
    """Where viewcode puts a module's page, and we put ours."""
    return f"_modules/{module.replace('.', '/')}"


def source_pages(app):
    """A page for each module, with an anchor for each function and class."""
    for module, file in modules().items():
        code = file.read_text(encoding="utf8")
        lines = app.builder.highlighter.highlight_block(code, "python").splitlines()
        before, first = lines[0].split("<pre>")
        lines[0] = f"{before}<pre>{first}"
        for name, (_, start, _) in ModuleAnalyzer.for_string(code, module).find_tags().items():
            mark = f'<span id="{name}"></span>'
            head, pre, rest = lines[start - 1].partition("<pre>")
            lines[start - 1] = f"{head}{pre}{mark}{rest}" if pre else f"{mark}{lines[start - 1]}"
        body = f"<h1>Source code for {module}</h1>{chr(10).join(lines)}"
        yield page_of(module), {"title": module, "parents": [], "body": body}, "page.html"


def linked(html: str, root: str, scoreboard: str) -> str:
    """HTML with links for what its cells name.

    Args:
        html: a page's body.
        root: the site's root, seen from the page.
        scoreboard: the scoreboard's address, seen from the page.
    """
    known = modules()

    def source(found: re.Match) -> str:
        if found[1] not in known:
            return found[0]
        short = f"{found[1].removeprefix('replications.')}:{found[2]}"
        target = f"{root}{page_of(found[1])}.html#{found[2]}"
        return f'<a href="{target}"><code>{escape(short)}</code></a>'

    def record(found: re.Match) -> str:
        there = (PAPERS / found[1]).is_file() or found[1] in tables()
        return f'<a href="{root}records/{found[1]}">{found[0]}</a>' if there else found[0]

    def claim(found: re.Match) -> str:
        own = f'id="claim-{found[1]}"' in html
        return found[0] if own else f'href="{scoreboard}#{found[1]}"'

    return CLAIM.sub(claim, RECORD.sub(record, SOURCE.sub(source, html)))


def link_page(app, pagename, templatename, context, doctree):
    """Every page's body."""
    if "body" in context and not pagename.startswith("_modules/"):
        scoreboard = app.builder.get_relative_uri(pagename, "chapters/scoreboard")
        context["body"] = linked(context["body"], "../" * pagename.count("/"), scoreboard)


@cache
def tables() -> dict[str, Experiment]:
    """Experiments whose recorded result is also offered as a table, by the table's path.

    One of more than 100,000 numbers is not: its table would have tens of megabytes.
    """
    found = (e for slug in registry.slugs() for e in registry.paper(slug).experiments.values())
    return {
        f"{experiment.slug}/records/{experiment.name}.csv": experiment
        for experiment in found
        if experiment.main_tier == "full"
        and sum(variable.size for variable in experiment.result("full").values()) <= 100_000
    }


def copy_records(app, error):
    """The long runs' results, as they travel with the package and as tables."""
    if error is None and app.builder.format == "html":
        for path, experiment in tables().items():
            target = Path(app.outdir) / "records" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(csv([experiment], "full"), encoding="utf8")
        for file in PAPERS.glob("*/records/*"):
            target = Path(app.outdir) / "records" / file.relative_to(PAPERS)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)


def setup(app):
    """Pages, links, files."""
    app.connect("html-collect-pages", source_pages)
    app.connect("html-page-context", link_page, priority=900)
    app.connect("build-finished", copy_records)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
