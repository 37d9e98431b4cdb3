"""Which module may know which, beyond what import-linter's contracts in pyproject.toml say."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "replications"


def imported(path: Path) -> set[str]:
    """Dotted names that a file imports anywhere."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", sorted((SOURCE / "core").glob("*.py")), ids=lambda path: path.name)
def test_core_knows_nothing_of_optimizers(path):
    assert not {name for name in imported(path) if name.startswith("torch.optim")}


@pytest.mark.parametrize(
    ("module", "allowed"),
    [
        ("replications", ()),
        ("replications.methods", ("torch",)),
        ("replications.core.experiment", ("numpy", "joblib", "tqdm")),
        ("replications.problems.data", ("numpy", "torch")),
    ],
)
def test_an_import_loads_nothing_heavy(module, allowed):
    """Nothing that importing the allowed packages would not have loaded."""
    heavy = ("torch", "sklearn", "scipy", "matplotlib", "pandas", "xarray", "IPython", "joblib")
    script = (
        "import sys\n"
        + "".join(f"import {name}\n" for name in allowed)
        + f"before = set(sys.modules)\nimport {module}\n"
        + f"print([n for n in {heavy!r} if n in sys.modules and n not in before])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_importing_the_package_sets_no_threads():
    """Only a notebook's setup() and a sweep's workers may change torch's settings."""
    script = (
        "import torch\nbefore = torch.get_num_threads()\n"
        "import replications.core.notebook, replications.core.sweep\n"
        "import replications.methods, replications.problems\n"
        "print(before, torch.get_num_threads())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        check=True,
    )
    before, after = done.stdout.split()
    assert after == before
