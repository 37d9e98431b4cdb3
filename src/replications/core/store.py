"""Results on disk: arrays in an .npz, and beside it a .json that says where they come from.

A result's key is a hash of the experiment's name, its config and the code that it runs, so that a
number cannot outlive the code that made it. The .json holds the checksum of the .npz, and the two
are put in place one right after the other: what dies between them leaves a pair that does not fit,
which is found when it is read.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
import platform
import re
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from replications.core import threads
from replications.core.digest import code_digest

if TYPE_CHECKING:
    import xarray as xr

MAKES_NO_NUMBERS = True  # no part of a result's key, see `digest`

CACHE_VARIABLE = "REPLICATIONS_CACHE"
"""Environment variable that moves the folder of live results."""
STRAY = 3600.0
"""Seconds after which a temporary file is nobody's any more."""
LIBRARIES = ("numpy", "scipy", "scikit-learn", "torch")
"""What live results are computed with: they are kept apart for each set of versions."""


class StoreError(Exception):
    """A stored result is missing, damaged, or was made by other code."""


def cache_folder() -> Path:
    """Where live results are kept: $REPLICATIONS_CACHE, or the user's cache folder."""
    if folder := os.environ.get(CACHE_VARIABLE):
        return Path(folder)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "replications"


def libraries() -> str:
    """The versions of what live results are computed with, as a folder's name."""
    return "-".join(f"{name}{version(name)}" for name in LIBRARIES)


def cache_path(key: str) -> Path:
    """Where the live result of a digest is kept, without suffix."""
    return cache_folder() / libraries() / key


@contextmanager
def anew() -> Iterator[None]:
    """Inside, live results are kept in a folder of their own, so that all runs are made again.

    At the end it is removed. An exception leaves it there: the next time goes on from it.
    """
    before, folder = os.environ.get(CACHE_VARIABLE), cache_folder() / "anew"
    os.environ[CACHE_VARIABLE] = str(folder)
    try:
        yield
    finally:
        os.environ.pop(CACHE_VARIABLE)
        if before is not None:
            os.environ[CACHE_VARIABLE] = before
    shutil.rmtree(folder, ignore_errors=True)


def digest(name: str, run: Callable[[Any], Any], config: Any) -> str:
    """The key of a result: experiment's name, config, and code."""
    text = json.dumps([name, type(config).__name__, dataclasses.asdict(config)], sort_keys=True)
    return hashlib.sha256((text + code_digest(run.__module__)).encode()).hexdigest()


def check_writable(folder: Path) -> None:
    """Make a folder, and raise :class:`StoreError` if nothing can be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise StoreError(_unwritable(folder, error)) from error


def _unwritable(folder: Path, error: OSError) -> str:
    return (
        f"no result can be kept in {folder}: {error.strerror or error}; "
        f"{CACHE_VARIABLE} names another folder for live results"
    )


def save(path: Path, result: xr.Dataset, key: str, config: Any, made: Mapping[str, Any]) -> None:
    """Write a result: the pair is whole, whoever else writes it at the same time.

    Args:
        path: without suffix; `.npz` gets the arrays, `.json` their labels and all the rest.
        result: variables and coordinates of numbers, strings or truth values.
        key: from :func:`digest`.
        config: what the result was made with.
        made: its "seconds" of CPU time, "machine" and "versions", see :func:`surroundings`.

    Raises:
        TypeError: the result is no dataset, or holds something that is no plain array.
        StoreError: it cannot be written. What was there before is left as it was, or, where the
            system fails between the two files, does not fit any more and is found out by `load`.
    """
    if type(result).__name__ != "Dataset":
        raise TypeError(f"an experiment must return an xarray.Dataset, got {type(result).__name__}")
    arrays: dict[str, Any] = {str(k): _plain(v.values) for k, v in result.variables.items()}
    if bad := [name for name, array in arrays.items() if array.dtype == object]:
        raise TypeError(f"{bad} are not plain arrays")
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    data = buffer.getvalue()
    about = {
        "digest": key,
        "checksum": hashlib.sha256(data).hexdigest(),
        "config": dataclasses.asdict(config),
        "labels": {
            "attrs": result.attrs,
            "coords": _labels(result.coords),
            "data_vars": _labels(result.data_vars),
        },
        **{name: made[name] for name in ("seconds", "machine", "versions")},
    }
    text = json.dumps(about, indent=1, sort_keys=True) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace({path.with_suffix(".npz"): data, path.with_suffix(".json"): text.encode()})
    except OSError as error:
        raise StoreError(_unwritable(path.parent, error)) from error


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

    try:
        with _locked(path.parent):  # else a writer could come between the two
            about, data = provenance(path), path.with_suffix(".npz").read_bytes()
    except OSError as error:
        raise StoreError(f"{path.name} cannot be read: {error}") from error
    if key is not None and about.get("digest") != key:
        raise StoreError(f"{path.name} was made by other code or another config")
    if hashlib.sha256(data).hexdigest() != about.get("checksum"):
        raise StoreError(f"{path.name} is damaged: its checksum does not fit")
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        arrays = dict(file)
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
    except (OSError, ValueError, TypeError) as error:
        raise StoreError(f"{path.name} is damaged: {error}") from error


def cached(name: str, run: Callable[[Any], Any], config: Any) -> xr.Dataset | None:
    """The live result of this code and config, or None; a damaged one is dropped with a warning."""
    key = digest(name, run, config)
    path = cache_path(key)
    if not os.path.exists(path.with_suffix(".json")):  # False, too, where nobody may look
        return None
    try:
        return load(path, key)
    except StoreError as error:
        warnings.warn(f"stored result of {name}: {error}; computing it again", stacklevel=2)
        return None


def keep(key: str, config: Any, result: xr.Dataset, made: Mapping[str, Any]) -> xr.Dataset:
    """Put a fresh result into the cache; returns it as it will be read back."""
    save(cache_path(key), result, key, config, made)
    return load(cache_path(key), key)


def distance(a: xr.Dataset, b: xr.Dataset) -> float:
    """How far two results of one config lie apart: the largest difference of their numbers.

    It is relative to the largest number of the variable in `a`; infinite where axes, labels,
    shapes, strings, truth values or the places of nan and infinity differ.
    """
    if {name: v.dims for name, v in a.variables.items()} != {
        name: v.dims for name, v in b.variables.items()
    }:
        return float("inf")
    if not a.coords.to_dataset().equals(b.coords.to_dataset()):
        return float("inf")
    return max((_apart(a[name].values, b[name].values) for name in a.data_vars), default=0.0)


def _apart(x: np.ndarray, y: np.ndarray) -> float:
    if x.shape != y.shape:
        return float("inf")
    same = (x == y) | ((x != x) & (y != y))
    if same.all():
        return 0.0
    if x.dtype.kind not in "iufc" or y.dtype.kind not in "iufc":
        return float("inf")
    x, y = (values.astype(complex if values.dtype.kind == "c" else float) for values in (x, y))
    gap, scale = np.abs(x[~same] - y[~same]).max(), np.abs(x[np.isfinite(x)]).max(initial=0.0)
    return float(gap / scale) if scale and np.isfinite(gap) else float("inf")


def _replace(files: Mapping[Path, bytes]) -> None:
    """Write all files under temporary names, then rename them, one writer at a time."""
    written: dict[Path, str] = {}
    try:
        for path, data in files.items():
            handle, written[path] = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.chmod(written[path], 0o644)  # mkstemp's files are readable by their owner alone
        with _locked(next(iter(files)).parent):
            for path, temporary in written.items():
                os.replace(temporary, path)
                _drop_strays(path)
    finally:
        for temporary in written.values():
            Path(temporary).unlink(missing_ok=True)


def _drop_strays(path: Path) -> None:
    """Remove what writers of this file left when they were killed; another may be writing now."""
    for stray in path.parent.glob(f".{path.name}.*"):
        with suppress(FileNotFoundError):
            if time.time() - stray.stat().st_mtime > STRAY:
                stray.unlink()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Alone among the processes that read or rename in a folder, where the system can do that."""
    handle = None
    try:
        import fcntl  # not on Windows

        handle = os.open(folder, os.O_RDONLY)
        fcntl.flock(handle, fcntl.LOCK_EX)
    except (ImportError, OSError):
        pass  # a folder that is not there, or a file system without locks
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)  # which unlocks


def surroundings() -> dict[str, Any]:
    """What a result is made on: the "machine" and "versions" of this process."""
    return {"machine": machine(), "versions": _versions()}


def machine() -> dict[str, Any]:
    """The processor, the instructions that torch uses on it, its cores, and threads in use."""
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
        about["threads"] = threads.most()
    return about


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in ("numpy", "scipy", "torch", "sklearn", "xarray"):
        if module := sys.modules.get(package):
            found[package] = module.__version__
    return found
