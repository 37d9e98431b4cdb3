"""The built site is walked: a dead link, a missing anchor or a page that is too heavy is a warning.

Sphinx checks the links that it makes itself; figures, claims, tables and code pages come as HTML.
"""

import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

from sphinx.util import logging

ELSEWHERE = re.compile(r"[a-z]+:|//")
PAGE, SHARED = 600_000, 2_000_000
"""Bytes of a chapter, and of what all pages share, fonts of formulas apart."""
NOT_PAGES = {"404.html"}  # it links from the served root

logger = logging.getLogger(__name__)


class Page(HTMLParser):
    """Links and anchors of a page: of its tags, not of the code that it shows."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.names: set[str] = set()
        self.feed(path.read_text("utf8"))

    def handle_starttag(self, tag, attrs):
        """Collect what a tag refers to, and what it is called."""
        for key, value in attrs:
            if value and key in ("href", "src"):
                self.links.add(value)
            elif value and key in ("id", "name"):
                self.names.add(value)


page_of = cache(Page)


def dead_links(site: Path) -> list[str]:
    """Page, link and what is wrong, for each link within the site that leads nowhere."""
    page_of.cache_clear()
    dead = []
    for page in sorted(site.rglob("*.html")):
        if page.name in NOT_PAGES or "_static" in page.parts:  # the theme's templates
            continue
        for link in sorted(page_of(page).links):
            if ELSEWHERE.match(link):
                continue
            path, _, anchor = link.partition("#")
            path = unquote(path.split("?")[0])
            target = page.parent / path if path else page
            where = f"{page.relative_to(site)}: {link}"
            if not target.exists():
                dead.append(f"{where}: no such file")
            elif (
                anchor and target.suffix == ".html" and unquote(anchor) not in page_of(target).names
            ):
                dead.append(f"{where}: no such anchor")
    return dead


def too_heavy(site: Path) -> list[str]:
    """Chapters above their budget, and what the scripts and styles of one take together."""
    found = []
    for page in sorted((site / "chapters").glob("*.html")):
        links = (link.split("?")[0] for link in page_of(page).links if not ELSEWHERE.match(link))
        loaded = {
            (page.parent / link).resolve() for link in links if link.endswith((".js", ".css"))
        }
        shared = sum(file.stat().st_size for file in loaded)
        for what, size, most in (
            ("page", page.stat().st_size, PAGE),
            ("scripts and styles", shared, SHARED),
        ):
            if size > most:
                found.append(f"{page.name}: {size} bytes of {what}, more than {most}")
    return found


def walk(app, error):
    """Warn of each; the build turns warnings into failure."""
    if error is None and app.builder.format == "html":
        for text in dead_links(Path(app.outdir)):
            logger.warning("dead link in %s", text)
        for text in too_heavy(Path(app.outdir)):
            logger.warning("%s", text)


def setup(app):
    """When all files are in place."""
    app.connect("build-finished", walk, priority=990)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
