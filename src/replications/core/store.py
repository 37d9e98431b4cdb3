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
import sys
import tempfile
import typing
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from replications.core.digest import code_digest

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


def save(path: Path, result: Any, key: str, config: Any, seconds: float) -> None:
    """Write a result atomically.

    Args:
        path: without suffix; `.npz` and `.json` are added.
        result: a dataclass of arrays, numbers and strings.
        key: from :func:`digest`.
        config: what the result was made with.
        seconds: CPU seconds that it took.

    Raises:
        TypeError: a field of the result is neither an array, a number nor a string.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = {
        f.name: np.asarray(getattr(result, f.name)) for f in dataclasses.fields(result)
    }
    if bad := [name for name, array in arrays.items() if array.dtype == object]:
        raise TypeError(f"fields {bad} of {type(result).__name__} are not plain arrays")
    npz = _atomically(path.with_suffix(".npz"), lambda f: np.savez_compressed(f, **arrays))
    about = {
        "digest": key,
        "checksum": npz,
        "config": dataclasses.asdict(config),
        "seconds": round(seconds, 2),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "versions": _versions(),
    }
    text = json.dumps(about, indent=1, sort_keys=True) + "\n"
    _atomically(path.with_suffix(".json"), lambda f: f.write(text.encode()))


def load(path: Path, run: Callable[[Any], Any], key: str | None) -> Any:
    """Read a result back as the dataclass that `run` is annotated to return.

    Args:
        path: without suffix.
        run: the experiment's function.
        key: the digest it must have; None takes any.

    Returns:
        The result.

    Raises:
        StoreError: if the pair is missing, damaged or has another digest. It says which.
    """
    about = provenance(path)
    if key is not None and about.get("digest") != key:
        raise StoreError(f"{path.name} was made by other code or another config")
    try:
        data = path.with_suffix(".npz").read_bytes()
        if hashlib.sha256(data).hexdigest() != about.get("checksum"):
            raise StoreError(f"{path.name} is damaged: its checksum does not fit")
        with np.load(path.with_suffix(".npz"), allow_pickle=False) as arrays:
            return _rebuild(run, dict(arrays))
    except OSError as error:
        raise StoreError(f"{path.name} cannot be read: {error}") from error


def provenance(path: Path) -> dict[str, Any]:
    """What the .json beside a result says."""
    try:
        return dict(json.loads(path.with_suffix(".json").read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise StoreError(f"{path.name} does not exist") from error
    except (OSError, ValueError) as error:
        raise StoreError(f"{path.name} is damaged: {error}") from error


def cached(name: str, run: Callable[[Any], Any], config: Any) -> Any | None:
    """The live result of this code and config, or None; a damaged one is dropped with a warning."""
    key = digest(name, run, config)
    path = cache_path(key)
    if not path.with_suffix(".json").exists():
        return None
    try:
        return load(path, run, key)
    except StoreError as error:
        warnings.warn(f"stored result of {name}: {error}; computing it again", stacklevel=2)
        return None


def keep(name: str, run: Callable[[Any], Any], config: Any, result: Any, seconds: float) -> Any:
    """Put a fresh result into the cache; returns it as it will be read back."""
    key = digest(name, run, config)
    save(cache_path(key), result, key, config, seconds)
    return load(cache_path(key), run, key)


def _rebuild(run: Callable[[Any], Any], arrays: dict[str, np.ndarray]) -> Any:
    kind = typing.get_type_hints(run)["return"]
    try:
        return kind(**{name: a.item() if a.ndim == 0 else a for name, a in arrays.items()})
    except TypeError as error:
        raise StoreError(f"fields do not fit {kind.__name__}: {error}") from error


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


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in ("numpy", "scipy", "torch", "sklearn"):
        if module := sys.modules.get(package):
            found[package] = module.__version__
    return found
