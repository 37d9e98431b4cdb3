"""The site needs no network: MathJax is served from the site itself, and nothing else is fetched.

The files come from the PyPI package sphinx-mathjax-offline. Its own extension would copy all 24 MB
of it; we copy what TeX input with HTML output loads. Source maps, a third of the site, stay out.
"""

import importlib.util
import shutil
from pathlib import Path

NEEDED = ("tex-chtml.js", "input/tex/extensions/*.js", "output/chtml/fonts/woff-v2/*.woff")


def mathjax() -> Path:
    """The folder of MathJax inside the installed package (whose name is no Python identifier)."""
    spec = importlib.util.find_spec("sphinx-mathjax-offline")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("sphinx-mathjax-offline is missing: pip install -e '.[book]'")
    return Path(spec.origin).parent / "static" / "mathjax"


def finish(app, error):
    """Put MathJax into <site>/mathjax and take the source maps out."""
    if error is not None or app.builder.format != "html":
        return
    source, site = mathjax(), Path(app.outdir)
    for pattern in NEEDED:
        files = list(source.glob(pattern))
        if not files:
            raise FileNotFoundError(f"sphinx-mathjax-offline has no {pattern}")
        for file in files:
            target = site / "mathjax" / file.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
    for file in site.rglob("*.map"):
        file.unlink()


def use_copy(app, config):
    """Point every page at the copy; Sphinx reads the path relative to _static."""
    config.mathjax_path = "../mathjax/tex-chtml.js"


def setup(app):
    """Connect both halves."""
    app.connect("config-inited", use_copy)
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
