"""Do what Colab does: one notebook alone in an empty folder, in a fresh environment.

    python tools/try_alone.py NOTEBOOK [--keep ENVIRONMENT]

The environment gets the dependencies and a Jupyter kernel, but not the package: the
notebook's own first cell installs it, from this repository's last commit. Then the outputs that
the tests compare must be the stored ones, and no version of anything else may have changed. Takes
minutes, most of them for PyTorch; with --keep the environment is made once.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

from set_home import first_cell

ROOT = Path(__file__).resolve().parents[1]


def run(*command: str | Path, **options: object) -> str:
    """Run a command; its output, or an error that shows it."""
    done = subprocess.run(  # type: ignore[call-overload]  # options are passed on
        [str(part) for part in command], text=True, capture_output=True, **options
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")
    return str(done.stdout)


def environment(folder: Path) -> Path:
    """The Python of a fresh environment with the dependencies alone."""
    python = folder / "bin" / "python"
    if not python.exists():
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf8"))["project"]
        run(sys.executable, "-m", "venv", folder)
        constraint = ("--constraint", ROOT / "constraints.txt")  # versions differ elsewhere
        wanted = [*project["dependencies"], "ipykernel", "nbclient"]
        run(python, "-m", "pip", "install", "--quiet", *constraint, *wanted)
    return python


def compared(path: Path) -> list[str]:
    """The text outputs that the notebook tests compare."""
    cells = json.loads(path.read_text(encoding="utf8"))["cells"]
    return [
        "".join(output.get("text", output.get("data", {}).get("text/plain", "")))
        for cell in cells
        if "nbval-check-output" in cell["metadata"].get("tags", ())
        for output in cell["outputs"]
    ]


def try_alone(notebook: Path, folder: Path) -> bool:
    """Execute the notebook alone; true if it prints the stored numbers and changes no version."""
    python = environment(folder)
    run(python, "-m", "pip", "uninstall", "--quiet", "--yes", "replications")
    before = run(python, "-m", "pip", "freeze")
    with tempfile.TemporaryDirectory() as empty:
        copy = Path(empty) / notebook.name
        source = first_cell(ROOT).partition("git+")[2].rstrip('"')
        text = notebook.read_text(encoding="utf8").replace(source, f"file://{ROOT}")
        copy.write_text(text, encoding="utf8")
        start = time.perf_counter()
        run(
            python,
            ROOT / "tools" / "execute_notebooks.py",
            copy,
            cwd=empty,
            env=os.environ | {"REPLICATIONS_CACHE": str(Path(empty) / "cache")},
        )
        print(f"{notebook.name}: {time.perf_counter() - start:.0f} s alone")
        alone, stored = compared(copy), compared(notebook)
    different = [
        (ours, theirs) for ours, theirs in zip(alone, stored, strict=True) if ours != theirs
    ]
    for ours, theirs in different:
        print(f"alone:\n{ours}\nstored:\n{theirs}\n")
    after = run(python, "-m", "pip", "freeze")
    changed = {line for line in after.splitlines() if not line.startswith("replications")}
    changed ^= set(before.splitlines())
    print(f"{len(stored) - len(different)} of {len(stored)} compared outputs are the stored ones")
    print(f"versions changed: {', '.join(sorted(changed)) or 'none'}")
    return not different and not changed


def main() -> int:
    """Exit status 0 if the notebook stands alone."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("notebook", type=Path)
    parser.add_argument("--keep", type=Path, help="environment to make, or to use again")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return 0 if try_alone(options.notebook.resolve(), options.keep or Path(folder)) else 1


if __name__ == "__main__":
    sys.exit(main())
