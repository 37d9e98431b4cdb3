"""Figures inline, where their colours follow the theme.

A notebook stores a figure as one `<img>`, which shows its light colours anywhere. On our pages the
SVG stands in the page itself, so that the theme's custom properties reach it (see book.css).
"""

import re
from urllib.parse import unquote

IMAGE = re.compile(r'<img [^>]*?alt="([^"]*)" src="data:image/svg\+xml,([^"]*)"/>')


def inlined(image: re.Match, name: str) -> str:
    """The SVG of an image as part of a page.

    Args:
        image: a match of :data:`IMAGE`.
        name: unique in the page; its ids begin with it, and its rules hold for it alone.
    """
    alt, svg = image[1], unquote(image[2])
    svg = re.sub(r"(\bid='|href='#|url\(#)(i\d+)", rf"\1{name}-\2", svg)
    svg = re.sub(
        r"(?<=<style type='text/css'>).*?(?=</style>)",
        lambda rules: re.sub(r"([^{}]+)(\{[^{}]*\})", rf"#{name} \1\2", rules[0]),
        svg,
        count=1,
    )
    return svg.replace("<svg ", f"<svg id='{name}' role='img' aria-label=\"{alt}\" ", 1)


def inline(html: str, prefix: str = "svg") -> str:
    """HTML with its figures inline."""
    count = iter(range(1, 1 + len(html)))
    return IMAGE.sub(lambda image: inlined(image, f"{prefix}{next(count)}"), html)


def inline_in_page(app, pagename, templatename, context, doctree):
    """Every page's body."""
    if "body" in context:
        context["body"] = inline(context["body"])


def setup(app):
    """After every other extension has made its HTML."""
    app.connect("html-page-context", inline_in_page, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
