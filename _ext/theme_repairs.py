"""Repairs of the pages that the theme, MyST-NB and docutils make."""

import re
from pathlib import Path

SEARCH = re.compile(
    r'\s*<script src="[^"]*(?:_static/(?:searchtools|language_data)|searchindex)\.js"></script>'
)


def drop_repeated_scripts(app, pagename, templatename, context, doctree):
    """Keep the first of several scripts with one body: a second `const` of a name is an error."""
    seen: set[str] = set()
    kept = []
    for script in context.get("script_files", []):
        body = (getattr(script, "attributes", None) or {}).get("body")
        if body is None or body not in seen:
            kept.append(script)
        if body is not None:
            seen.add(body)
    context["script_files"] = kept


def citations_are_list_items(app, pagename, templatename, context, doctree):
    """A list's children must be list items: docutils gives citations a role that is deprecated."""
    if "body" in context:
        context["body"] = context["body"].replace('role="doc-biblioentry"', 'role="listitem"')


def code_is_named_as_it_reads(app, pagename, templatename, context, doctree):
    """Who speaks to the page says what is written there: "Show the code"."""
    if "body" in context:
        hidden_name = ' aria-label="Toggle hidden content"'
        context["body"] = context["body"].replace(hidden_name, "")


def only_the_search_page_searches(app, error):
    """Elsewhere the theme loads the index, a quarter of a megabyte, for an option that is off."""
    if error is None and app.builder.format == "html":
        for page in Path(app.outdir).rglob("*.html"):
            if page.name != "search.html":
                html = page.read_text(encoding="utf8")
                page.write_text(SEARCH.sub("", html), encoding="utf8")


def setup(app):
    """Run after every other extension has added its scripts."""
    app.connect("build-finished", only_the_search_page_searches)
    app.connect("html-page-context", drop_repeated_scripts, priority=900)
    app.connect("html-page-context", citations_are_list_items, priority=900)
    app.connect("html-page-context", code_is_named_as_it_reads, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
