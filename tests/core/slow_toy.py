"""A grid whose parts can be made to wait, and the command line on it: for processes of tests.

`python -m tests.core.slow_toy ARGUMENTS` is `python -m replications ARGUMENTS` on this one paper.
Every part notes in $SLOW_TOY/log that it began, kills its process if its number stands in
$SLOW_TOY/fatal, and waits while it stands in $SLOW_TOY/hold.
"""

import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from replications import cli
from replications.core import registry
from replications.core.experiment import Experiment, experiment


@dataclass(frozen=True)
class Config:
    """One part."""

    n: int


def run(config: Config) -> xr.Dataset:
    """Numbers that depend on n alone, at once or when they may."""
    folder = Path(os.environ["SLOW_TOY"])
    with open(folder / "log", "a") as log:
        log.write(f"{config.n} {os.getpid()}\n")
    if named(folder / "fatal", config.n):
        os.kill(os.getpid(), signal.SIGKILL)
    while named(folder / "hold", config.n):
        time.sleep(0.02)
    values = np.random.default_rng(config.n).normal(size=(1, 50))
    return xr.Dataset({"x": (("n", "i"), values)}, coords={"n": [config.n]})


def named(path: Path, n: int) -> bool:
    """Whether a number stands in a file, which need not be there."""
    return path.exists() and str(n) in path.read_text().split()


CONFIGS = tuple(Config(n) for n in range(6))
grid = experiment("grid", quick=CONFIGS, full=CONFIGS, along="n")(run)


if __name__ == "__main__":
    import tests.core.slow_toy  # the module of that name, which workers import too

    registry.slugs = lambda: ["slow_toy"]
    registry.paper = lambda slug: registry.registered(slug)
    Experiment._record = lambda self, i: Path(os.environ["SLOW_TOY"]) / "records" / f"grid-{i}"
    assert tests.core.slow_toy.grid.slug == "slow_toy"
    sys.exit(cli.main())
