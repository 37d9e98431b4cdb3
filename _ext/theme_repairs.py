"""Three repairs of the pages that the theme, MyST-NB and docutils make."""


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


def setup(app):
    """Run after every other extension has added its scripts."""
    app.connect("html-page-context", drop_repeated_scripts, priority=900)
    app.connect("html-page-context", citations_are_list_items, priority=900)
    app.connect("html-page-context", code_is_named_as_it_reads, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
