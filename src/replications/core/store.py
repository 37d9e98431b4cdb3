"""Results on disk: arrays in an .npz, and beside it a .json that says where they come from.

A result's key is a hash of the experiment's name, its config and the code that it runs, so that a
number cannot outlive the code that made it. The .json is written last and holds the checksum of
the .npz: a pair is either whole or not there.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import platform
import re
import sys
import tempfile
import typing
import warnings
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from replications.core.digest import code_digest

if TYPE_CHECKING:
    import xarray as xr

MAKES_NO_NUMBERS = True  # no part of a result's key, see `digest`

CACHE_VARIABLE = "REPLICATIONS_CACHE"
"""Environment variable that moves the folder of live results."""


class StoreError(Exception):
    """A stored result is missing, damaged, or was made by other code."""


def cache_folder() -> Path:
    """Where live results are kept: $REPLICATIONS_CACHE, or the user's cache folder."""
    if folder := os.environ.get(CACHE_VARIABLE):
        return Path(folder)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "replications"


def cache_path(key: str) -> Path:
    """Where the live result of a digest is kept: apart for each version of numpy and torch."""
    versions = "-".join(f"{name}{version(name)}" for name in ("numpy", "torch"))
    return cache_folder() / versions / key


def digest(name: str, run: Callable[[Any], Any], config: Any) -> str:
    """The key of a result: experiment's name, config, and code."""
    text = json.dumps([name, type(config).__name__, dataclasses.asdict(config)], sort_keys=True)
    return hashlib.sha256((text + code_digest(run.__module__)).encode()).hexdigest()


def save(path: Path, result: xr.Dataset, key: str, config: Any, seconds: float) -> None:
    """Write a result atomically.

    Args:
        path: without suffix; `.npz` gets the arrays, `.json` their labels and all the rest.
        result: variables and coordinates of numbers, strings or truth values.
        key: from :func:`digest`.
        config: what the result was made with.
        seconds: CPU seconds that it took.

    Raises:
        TypeError: the result is no dataset, or holds something that is no plain array.
    """
    if type(result).__name__ != "Dataset":
        raise TypeError(f"an experiment must return an xarray.Dataset, got {type(result).__name__}")
    arrays = {str(name): _plain(variable.values) for name, variable in result.variables.items()}
    if bad := [name for name, array in arrays.items() if array.dtype == object]:
        raise TypeError(f"{bad} are not plain arrays")
    path.parent.mkdir(parents=True, exist_ok=True)
    npz = _atomically(path.with_suffix(".npz"), lambda f: _write_arrays(f, arrays))
    about = {
        "digest": key,
        "checksum": npz,
        "config": dataclasses.asdict(config),
        "labels": {
            "attrs": result.attrs,
            "coords": _labels(result.coords),
            "data_vars": _labels(result.data_vars),
        },
        "seconds": round(seconds, 2),
        "machine": machine(),
        "versions": _versions(),
    }
    text = json.dumps(about, indent=1, sort_keys=True) + "\n"
    _atomically(path.with_suffix(".json"), lambda f: f.write(text.encode()))


def _write_arrays(file: typing.BinaryIO, arrays: dict[str, Any]) -> None:
    np.savez_compressed(file, **arrays)


def _plain(array: Any) -> np.ndarray:
    """Strings of pandas as strings of numpy."""
    values = np.asarray(array)
    if values.dtype == object and all(isinstance(x, str) for x in values.flat):
        return values.astype(str)
    return values


def _labels(variables: Mapping[Any, Any]) -> dict[str, dict[str, Any]]:
    return {str(k): {"dims": list(v.dims), "attrs": dict(v.attrs)} for k, v in variables.items()}


def load(path: Path, key: str | None) -> xr.Dataset:
    """Read a result back.

    Args:
        path: without suffix.
        key: the digest it must have; None takes any.

    Raises:
        StoreError: if the pair is missing, damaged or has another digest. It says which.
    """
    import xarray as xr

    about = provenance(path)
    if key is not None and about.get("digest") != key:
        raise StoreError(f"{path.name} was made by other code or another config")
    try:
        data = path.with_suffix(".npz").read_bytes()
        if hashlib.sha256(data).hexdigest() != about.get("checksum"):
            raise StoreError(f"{path.name} is damaged: its checksum does not fit")
        with np.load(path.with_suffix(".npz"), allow_pickle=False) as file:
            arrays = dict(file)
    except OSError as error:
        raise StoreError(f"{path.name} cannot be read: {error}") from error
    labels = about["labels"]
    for part in ("coords", "data_vars"):
        for name, variable in labels[part].items():
            variable["data"] = arrays[name]
    return xr.Dataset.from_dict(labels)


def provenance(path: Path) -> dict[str, Any]:
    """What the .json beside a result says."""
    try:
        return dict(json.loads(path.with_suffix(".json").read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise StoreError(f"{path.name} does not exist") from error
    except (OSError, ValueError) as error:
        raise StoreError(f"{path.name} is damaged: {error}") from error


def cached(name: str, run: Callable[[Any], Any], config: Any) -> xr.Dataset | None:
    """The live result of this code and config, or None; a damaged one is dropped with a warning."""
    key = digest(name, run, config)
    path = cache_path(key)
    if not path.with_suffix(".json").exists():
        return None
    try:
        return load(path, key)
    except StoreError as error:
        warnings.warn(f"stored result of {name}: {error}; computing it again", stacklevel=2)
        return None


def keep(
    name: str, run: Callable[[Any], Any], config: Any, result: xr.Dataset, seconds: float
) -> xr.Dataset:
    """Put a fresh result into the cache; returns it as it will be read back."""
    key = digest(name, run, config)
    save(cache_path(key), result, key, config, seconds)
    return load(cache_path(key), key)


def distance(a: xr.Dataset, b: xr.Dataset) -> float:
    """How far two results of one config lie apart: the largest difference of their numbers.

    It is relative to the largest number of the variable; infinite where labels, shapes, strings or
    the places of nan differ.
    """
    worst = 0.0
    for name in {*a.variables, *b.variables}:
        if name not in a.variables or name not in b.variables:
            return float("inf")
        x, y = a[name].values, b[name].values
        if x.shape != y.shape:
            return float("inf")
        if x.dtype.kind not in "fc":
            if not np.array_equal(x, y):
                worst = float("inf") if x.dtype.kind not in "iu" else max(worst, _apart(x, y))
            continue
        worst = max(worst, _apart(x, y))
    return worst


def _apart(x: np.ndarray, y: np.ndarray) -> float:
    same = (x == y) | ((x != x) & (y != y))
    if same.all():
        return 0.0
    gap, scale = np.abs(x[~same] - y[~same]).max(), np.abs(x[np.isfinite(x)]).max(initial=0.0)
    return float(gap / scale) if scale and np.isfinite(gap) else float("inf")


def _atomically(path: Path, write: Callable[[typing.BinaryIO], Any]) -> str:
    """Write to a temporary neighbour, then rename. Returns the checksum of what was written."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
        os.chmod(temporary, 0o644)  # mkstemp makes files that only their owner may read
        checksum = hashlib.sha256(Path(temporary).read_bytes()).hexdigest()
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return checksum


def machine() -> dict[str, Any]:
    """The processor, the instructions that torch uses on it, and the number of cores."""
    try:
        found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    about: dict[str, Any] = {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": found[1] if found else platform.processor() or "unknown",
        "cores": os.cpu_count(),
    }
    if torch := sys.modules.get("torch"):
        about["instructions"] = torch.backends.cpu.get_cpu_capability()
    return about


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in ("numpy", "scipy", "torch", "sklearn", "xarray"):
        if module := sys.modules.get(package):
            found[package] = module.__version__
    return found
