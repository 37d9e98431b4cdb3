"""Links to what a cell shows: `[text](#fig-name)` in a notebook, where a cell's HTML has that id.

MyST knows the ids of headings and targets, not those inside outputs. Jupyter follows the same link.
"""

import json
import re
from pathlib import Path

from docutils import nodes
from sphinx.transforms import SphinxTransform


class FigureLinks(SphinxTransform):
    """Resolve the links whose target stands in an output of the same notebook."""

    default_priority = 870  # before MyST's own ResolveAnchorIds (879) would call them unknown

    def apply(self, **options):
        """Make them plain links within the page."""
        path = Path(self.env.doc2path(self.env.docname))
        if path.suffix != ".ipynb":
            return
        ids = shown_ids(json.loads(path.read_text(encoding="utf8")))
        for link in self.document.findall(nodes.reference):
            if link.get("id_link") and link["refuri"][1:] in ids:
                link["refid"] = link["refuri"][1:]
                del link["refuri"], link["id_link"]


def shown_ids(notebook: dict) -> set[str]:
    """Ids in the HTML of all outputs."""
    outputs = (output for cell in notebook["cells"] for output in cell.get("outputs", ()))
    html = "\n".join("".join(output.get("data", {}).get("text/html", "")) for output in outputs)
    return set(re.findall(r'\bid="([^"]+)"', html))


def setup(app):
    """Run on every document."""
    app.add_transform(FigureLinks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
