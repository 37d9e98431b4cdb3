"""The standard data sets, read from files that the user has: nothing is downloaded.

=============  =====================================================================================
MNIST          `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte`,
               `t10k-labels-idx1-ubyte`, each also as `.gz`
CIFAR-10       the Python version, `cifar-10-batches-py`, or the binary one, `cifar-10-batches-bin`
IWSLT'14       parallel text, a sentence a line, words between blanks: `train.de`, `train.en`,
               `valid.de`, `valid.en`, as fairseq's `prepare-iwslt14.sh` leaves them
=============  =====================================================================================

The folder that is named holds the files, or the folder in which they usually come.
"""

from __future__ import annotations

import gzip
import pickle
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch

from replications.core.errors import DataError

if TYPE_CHECKING:
    from jaxtyping import Int, UInt8
    from torch import Tensor

    Images = tuple[UInt8[Tensor, "n channels height width"], Int[Tensor, " n"]]

Sentences = list[list[str]]
Files = TypeVar("Files", str, list[str])


def mnist(folder: str | Path, part: str = "train") -> Images:
    """Handwritten digits of 28x28 pixels and their classes.

    Args:
        folder: of the four files, or above `MNIST/raw`, where torchvision puts them.
        part: "train" (60,000) or "test" (10,000).

    Raises:
        DataError: a file is missing, or is not what its name says.
        ValueError: another part.
    """
    name = _choice("MNIST", part, {"train": "train", "test": "t10k"})
    places = ("", "MNIST/raw")
    images = _idx(_find("MNIST", folder, places, f"{name}-images-idx3-ubyte"), 3)
    labels = _idx(_find("MNIST", folder, places, f"{name}-labels-idx1-ubyte"), 1)
    return _pair(images[:, None], labels, f"MNIST: the {part} files in {folder}")


def cifar10(folder: str | Path, part: str = "train") -> Images:
    """Colour photographs of 32x32 pixels and their classes.

    Args:
        folder: of the batches, or above it.
        part: "train" (50,000, five files) or "test" (10,000).

    Raises:
        DataError: as :func:`mnist`.
    """
    five = [f"data_batch_{i}" for i in range(1, 6)]
    names = _choice("CIFAR-10", part, {"train": five, "test": ["test_batch"]})
    rows, labels = [], []
    for name in names:
        path = _find("CIFAR-10", folder, ("", "cifar-10-batches-py", "cifar-10-batches-bin"), name)
        pixels, classes = _cifar_binary(path) if path.suffix == ".bin" else _cifar_pickle(path)
        rows.append(pixels)
        labels.append(classes)
    images = np.concatenate(rows).reshape(-1, 3, 32, 32)
    return _pair(images, np.concatenate(labels), f"CIFAR-10: the {part} files in {folder}")


def parallel_text(
    folder: str | Path, part: str = "train", source: str = "de", target: str = "en"
) -> tuple[Sentences, Sentences]:
    """Sentences and their translations, as lists of words.

    Args:
        folder: of the files, or above fairseq's `iwslt14.tokenized.de-en`.
        part: "train", "valid" or "test".
        source: suffix of the sentences' file.
        target: suffix of their translations'.

    Raises:
        DataError: a file is missing, or the two have not the same number of lines.
    """
    places = ("", f"iwslt14.tokenized.{source}-{target}")
    texts = []
    for language in (source, target):
        path = _find("parallel text", folder, places, f"{part}.{language}")
        lines = path.read_text(encoding="utf-8").split("\n")  # splitlines() knows ten other ends
        texts.append([line.split() for line in (lines if lines[-1] else lines[:-1])])
    if len(texts[0]) != len(texts[1]):
        counts = " and ".join(str(len(text)) for text in texts)
        raise DataError(f"parallel text: {part} in {folder} has {counts} lines")
    both = [(a, b) for a, b in zip(*texts, strict=True) if a and b]
    return [a for a, _ in both], [b for _, b in both]


def usable(device: str) -> torch.device:
    """A device that is there.

    Raises:
        DataError: a CUDA device was asked for and torch finds none.
    """
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise DataError(f"torch finds no device {device} here; --device cpu takes the processor")
    return torch.device(device)


def _choice(data: str, part: str, files: dict[str, Files]) -> Files:
    if part not in files:
        raise ValueError(f"{data}: part must be one of {tuple(files)}, got {part!r}")
    return files[part]


def _find(data: str, folder: str | Path, places: tuple[str, ...], name: str) -> Path:
    for place in places:
        for suffix in ("", ".gz", ".bin"):
            path = Path(folder) / place / (name + suffix)
            if path.is_file():
                return path
    below = " or ".join(place for place in places if place)
    raise DataError(f"{data}: no file {name} in {folder}, nor in {below} there")


def _idx(path: Path, axes: int) -> np.ndarray:
    """A file of the idx format: two zeros, type 8 for bytes, number of axes, lengths, numbers."""
    data = _read(path)
    head = 4 + 4 * axes
    if data[:4] != bytes([0, 0, 8, axes]) or len(data) < head:
        raise DataError(f"MNIST: {path} is no idx file of bytes with {axes} axes")
    shape = struct.unpack(f">{axes}I", data[4:head])
    if len(data) != head + int(np.prod(shape)):
        raise DataError(f"MNIST: {path} is cut short: its head promises {shape}")
    return np.frombuffer(data, np.uint8, offset=head).reshape(shape)


def _cifar_binary(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Rows of a class and 3072 pixels."""
    data = np.frombuffer(_read(path), np.uint8)
    if not data.size or data.size % 3073:
        raise DataError(f"CIFAR-10: {path} is no whole number of images")
    rows = data.reshape(-1, 3073)
    return rows[:, 1:], rows[:, 0]


_OF_NUMPY: dict[str, Any] = {
    "_reconstruct": np.zeros(0).__reduce__()[0],
    "ndarray": np.ndarray,
    "dtype": np.dtype,
}


class _Arrays(pickle.Unpickler):
    """Reads arrays and nothing else: a pickle can name any function."""

    def find_class(self, module: str, name: str) -> Any:
        """Arrays come by these three names of numpy, and by bytes that Python 2 wrote."""
        if module.partition(".")[0] == "numpy" and name in _OF_NUMPY:
            return _OF_NUMPY[name]
        if (module, name) == ("_codecs", "encode"):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"it names {module}.{name}")


def _cifar_pickle(path: Path) -> tuple[np.ndarray, np.ndarray]:
    try:
        with path.open("rb") as file:
            batch = _Arrays(file, encoding="bytes").load()
        return np.asarray(batch[b"data"], np.uint8), np.asarray(batch[b"labels"], np.uint8)
    except (pickle.UnpicklingError, EOFError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"CIFAR-10: {path} is no batch of images: {error}") from error


def _read(path: Path) -> bytes:
    data = path.read_bytes()
    try:
        return gzip.decompress(data) if path.suffix == ".gz" else data
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be unpacked: {error}") from error


def _pair(images: np.ndarray, labels: np.ndarray, what: str) -> Images:
    if len(images) != len(labels):
        raise DataError(f"{what} have {len(images)} images and {len(labels)} classes")
    return torch.tensor(images), torch.tensor(labels, dtype=torch.int64)
