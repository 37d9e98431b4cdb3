"""A million hyperparameters: time and memory of a hypergradient against the number of decays.

Measured in a process of its own, smallest network first, so that the peak of its memory is that of
the size just done. Seconds and bytes are the machine's; the two slopes are not.
"""

from __future__ import annotations

import dataclasses
import json
import math
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import xarray as xr
from torch import Tensor

from replications.core.experiment import experiment, quantity
from replications.core.seeds import generator
from replications.methods.decay_hypergradient import decay_hypergradient
from replications.methods.mlp_hessian import MLPHessian
from replications.methods.neumann import Neumann
from replications.papers.implicit.iris import Splits, Trainer
from replications.problems import mlp


@dataclass(frozen=True)
class Config:
    """Widths and the short run at the largest."""

    hidden: tuple[int, ...] = (28, 96, 312, 1024)
    """1024 is the blog's text: 4 * 1024 + 1024^2 + 1024 * 3 = 1,055,744 decays."""
    terms: int = 5
    """Order of the series; the blog's default."""
    step: float = 0.01
    outer: int = 8
    """Outer iterations of the short run at the largest width."""
    inner: int = 20
    """Steps in each; the blog's 100 would take minutes at this width."""
    rate: float = 0.1
    """Adam on log decays."""
    seed: int = 2000


MEASURED = {
    "gradient_seconds": ("CPU time of one training step", "s"),
    "hypergradient_seconds": ("CPU time of one hypergradient", "s"),
    "peak_bytes": ("largest resident memory of the process so far, Python and torch included", "B"),
}
"""Long name and units of what is measured at each width."""


@experiment(quick=Config(hidden=(28, 96), outer=2, inner=2), full=Config())
def million(config: Config) -> xr.Dataset:
    """Measure in a fresh process."""
    code = f"from {__name__} import child; child()"
    request = json.dumps(dataclasses.asdict(config))
    done = subprocess.run(
        [sys.executable, "-c", code], input=request, capture_output=True, text=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    variables: dict[str, Any] = {
        name: ("decays", found[name], {"long_name": long_name, "units": units})
        for name, (long_name, units) in MEASURED.items()
    }
    for name in ("train", "val"):
        long_name = {"long_name": f"{name} loss of the short run", "units": "nats"}
        variables[name] = ("outer", found[name], long_name)
    variables["base_bytes"] = (
        (),
        found["base_bytes"],
        {"long_name": "memory before the first network", "units": "B"},
    )
    variables["moved"] = (
        (),
        found["moved"],
        {"long_name": "share of the decays that the short run has changed by more than a percent"},
    )
    variables["run_seconds"] = (
        (),
        found["run_seconds"],
        {"long_name": "CPU time of the short run", "units": "s"},
    )
    coords = {"decays": found["decays"], "outer": list(range(1, config.outer + 1))}
    return xr.Dataset(variables, coords=coords)


def child() -> None:
    """Read a config from standard input, print a result."""
    torch.set_num_threads(1)
    config = Config(**json.load(sys.stdin))
    rows: dict[str, Any] = {name: [] for name in (*MEASURED, "decays", "train", "val")}
    data = Splits(1, config.seed)
    rows["base_bytes"] = _peak()
    for hidden in config.hidden:
        trainer = _trainer(config, data, hidden)
        logs = torch.full((1, sum(trainer.sizes())), math.log(1e-4 / 3))
        rows["decays"].append(logs.numel())
        repeat = 20 if logs.numel() < 1e5 else 3
        penalty = trainer.unflatten(2 * logs.exp())
        rows["gradient_seconds"].append(_seconds(repeat, trainer.step, penalty))
        ask = (_hypergradient, config, data, trainer, logs)
        rows["hypergradient_seconds"].append(_seconds(repeat, *ask))
        rows["peak_bytes"].append(_peak())

    start = time.process_time()
    trainer = _trainer(config, data, hidden)
    first = logs.clone()
    adam = torch.optim.Adam([logs], lr=config.rate, eps=1e-16)
    for _ in range(config.outer):
        penalty = trainer.unflatten(2 * logs.exp())
        for _ in range(config.inner):
            trainer.step(penalty)
        for name, part in (("train", 0), ("val", 1)):
            loss = mlp.losses(trainer.weights, data.inputs[part], data.targets[part], bias=False)
            rows[name].append(float(loss))
        logs.grad = _hypergradient(config, data, trainer, logs)
        adam.step()
    rows["run_seconds"] = time.process_time() - start
    rows["moved"] = float(((logs - first).abs() > 0.01).double().mean())
    json.dump(rows, sys.stdout)


def _trainer(config: Config, data: Splits, hidden: int) -> Trainer:
    noise = generator(config.seed, "dropout")
    return Trainer(data.inputs[0], data.targets[0], hidden, config.seed, noise)


def _peak() -> float:
    """Largest resident memory so far, in bytes (Unix only)."""
    if sys.platform == "linux":  # here ru_maxrss of a child starts at its parent's memory
        status = Path("/proc/self/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
        return float(line.split()[1]) * 1024
    import resource

    unit = 1 if sys.platform == "darwin" else 1024  # what ru_maxrss counts in
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)


def _hypergradient(config: Config, data: Splits, trainer: Trainer, logs: Tensor) -> Tensor:
    penalty = 2 * logs.exp()
    train = MLPHessian(trainer.weights, data.inputs[0], data.targets[0], trainer.unflatten(penalty))
    val = MLPHessian(trainer.weights, data.inputs[1], data.targets[1])
    solver = Neumann(config.terms, config.step, probes=0)
    # the chain rule for logarithms: c = 2 exp(log)
    return penalty * decay_hypergradient(train, val, solver, tolerance=math.inf).total


def _seconds(repeat: int, call: Any, *args: Any) -> float:
    call(*args)
    start = time.process_time()
    for _ in range(repeat):
        call(*args)
    return (time.process_time() - start) / repeat


@quantity
def mebibytes(result: xr.Dataset) -> xr.DataArray:
    """Largest resident memory so far, by number of decays."""
    return result["peak_bytes"] / 2**20
