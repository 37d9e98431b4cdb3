"""Build the pages by plain sphinx-build and compare them with those of `make site`.

Jupyter Book 1 gets only fixes; the day it goes, its generated conf.py carries on. The copy of the
sources is built in a temporary folder, since conf.py would be written beside them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
BUILT = ROOT / "_build" / "html"


def main() -> int:
    """The number of pages that differ, named."""
    if not BUILT.is_dir():
        print("no pages to compare with: run `make site` first", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tracked = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True
        )
        for file in filter(None, tracked.stdout.decode().split("\0")):
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes((ROOT / file).read_bytes())
        run("jupyter-book", "config", "sphinx", ".", folder=folder)
        run("sphinx-build", "-W", "-q", "-b", "html", ".", "_build/html", folder=folder)
        pages = sorted(page.relative_to(BUILT) for page in BUILT.rglob("*.html"))
        differ = [page for page in pages if not same(BUILT / page, folder / "_build/html" / page)]
    for page in differ:
        print(f"{page}: plain sphinx-build makes another page", file=sys.stderr)
    print(f"{len(pages) - len(differ)} of {len(pages)} pages are the same byte for byte")
    return 1 if differ else 0


def run(command: str, *args: str, folder: Path) -> None:
    """A program of this environment, in a folder whose extensions it can import."""
    path = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(folder / "_ext")]))
    subprocess.run(
        [str(Path(sys.executable).parent / command), *args],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path},
        stdout=subprocess.DEVNULL,
        check=True,
    )


def same(one: Path, other: Path) -> bool:
    """Whether both files exist and hold the same bytes."""
    return other.is_file() and one.read_bytes() == other.read_bytes()


if __name__ == "__main__":
    sys.exit(main())
