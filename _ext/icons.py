"""The pages' dozen icons as a small style sheet.

The theme draws them by a script with all of Font Awesome, 1.5 MB on every page, and has a rule for
each of its letters in the style sheet, which would load its fonts besides. The shapes that our
pages name are taken out of that script, and script and rules go.
"""

import re
import shutil
from pathlib import Path

SCRIPT = "_static/scripts/fontawesome.js"
SHEET = "_static/icons.css"
THEME = "_static/styles/pydata-sphinx-theme.css"
LETTER = re.compile(r"(?:\.fa-[a-z0-9-]+:{1,2}before,?)+\{[^{}]*\}")
"""A rule that writes an icon as a letter of the font."""
SURPLUS = (SCRIPT, f"{SCRIPT}.LICENSE.txt")
TAG = re.compile(r'<script[^>]* src="([^"]*)_static/scripts/fontawesome\.js[^"]*"></script>')
NO_SHAPE = {"solid", "lg"}
# of no specificity: the theme hides two of its three switches by rules of its own
RULE = (
    "{display:inline-block;width:1em;height:1em;vertical-align:-.125em;background:currentColor;"
    "-webkit-mask:var(--icon) center/contain no-repeat;mask:var(--icon) center/contain no-repeat}"
)


def shape(script: str, name: str) -> str:
    """An icon as a data address.

    Raises:
        ValueError: the script has no such icon.
    """
    # "magnifying-glass":[width, height, [other names], "f002", "path"], or without quotes
    entry = rf'[{{,]"?{re.escape(name)}"?:\[(\d+),(\d+),\[[^\]]*\],"[0-9a-f]+","([^"]+)"\]'
    found = re.search(entry, script)
    if found is None:
        raise ValueError(f"Font Awesome has no icon {name}")
    width, height, path = found.groups()
    svg = f"%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}'%3E"
    return f"url(\"data:image/svg+xml,{svg}%3Cpath d='{path}'/%3E%3C/svg%3E\")"


def names(html: str) -> set[str]:
    """The icons that a page's classes name."""
    classes = " ".join(re.findall(r'<(?:i|span)\b[^>]* class="([^"]*)"', html))
    return set(re.findall(r"\bfa-([a-z-]+)", classes)) - NO_SHAPE


def sheet(script: str, wanted: set[str]) -> str:
    """The style sheet."""
    shapes = "".join(f".fa-{name}{{--icon:{shape(script, name)}}}\n" for name in sorted(wanted))
    return f":where(.fa-solid,.fas){RULE}\n.fa-lg{{font-size:1.25em}}\n{shapes}"


def finish(app, error):
    """Write the sheet, put it in the script's place, and take the script and the rules out."""
    if error is not None or app.builder.format != "html":
        return
    site = Path(app.outdir)
    script = site / SCRIPT
    if not script.exists():  # done by an earlier build into the same folder
        return
    wanted: set[str] = set()
    for page in site.rglob("*.html"):
        html = page.read_text(encoding="utf8")
        wanted |= names(html)
        link = rf'<link rel="stylesheet" href="\1{SHEET}"/>'
        page.write_text(TAG.sub(link, html), encoding="utf8")
    (site / SHEET).write_text(sheet(script.read_text(encoding="utf8"), wanted), encoding="utf8")
    theme = site / THEME
    theme.write_text(LETTER.sub("", theme.read_text(encoding="utf8")), encoding="utf8")
    for name in SURPLUS:
        path = site / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def setup(app):
    """When all pages are written."""
    app.connect("build-finished", finish, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
