"""Every link of the built site is walked: a dead one, or an anchor that is not there, is a warning.

Sphinx checks the links that it makes itself; figures, claims, tables and code pages come as HTML.
"""

import re
from functools import cache
from html import unescape
from pathlib import Path
from urllib.parse import unquote

from sphinx.util import logging

LINK = re.compile(r"""\b(?:href|src)=(["'])(.*?)\1""")
NAME = re.compile(r"""\b(?:id|name)=(["'])(.*?)\1""")
ELSEWHERE = re.compile(r"[a-z]+:|//")
NOT_PAGES = {"404.html"}  # it links from the served root

logger = logging.getLogger(__name__)


@cache
def names(page: Path) -> frozenset[str]:
    """The anchors of a page."""
    return frozenset(unescape(found[1]) for found in NAME.findall(page.read_text("utf8")))


def dead_links(site: Path) -> list[str]:
    """Page, link and what is wrong, for each link within the site that leads nowhere."""
    names.cache_clear()
    dead = []
    for page in sorted(site.rglob("*.html")):
        if page.name in NOT_PAGES:
            continue
        links = {unescape(found[1]) for found in LINK.findall(page.read_text("utf8"))}
        for link in sorted(links):
            if ELSEWHERE.match(link):
                continue
            path, _, anchor = link.partition("#")
            path = unquote(path.split("?")[0])
            target = page.parent / path if path else page
            where = f"{page.relative_to(site)}: {link}"
            if not target.exists():
                dead.append(f"{where}: no such file")
            elif (
                anchor
                and target.suffix == ".html"
                and unquote(anchor) not in names(target.resolve())
            ):
                dead.append(f"{where}: no such anchor")
    return dead


def walk(app, error):
    """Warn of each; the build turns warnings into failure."""
    if error is None and app.builder.format == "html":
        for text in dead_links(Path(app.outdir)):
            logger.warning("dead link in %s", text)


def setup(app):
    """When all files are in place."""
    app.connect("build-finished", walk, priority=990)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
