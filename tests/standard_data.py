"""Small files in the formats of the standard data sets."""

import gzip
import pickle
import struct

import numpy as np


def write_idx(path, array):
    head = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    data = head + array.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


def write_mnist(folder, train=40, test=20, suffix=""):
    """Images of noise, brighter by class, so that something can be learned."""
    folder.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(0)
    found = {}
    for name, n in (("train", train), ("t10k", test)):
        classes = np.arange(n) % 10
        images = noise.integers(0, 30, (n, 28, 28)) + 20 * classes[:, None, None]
        write_idx(folder / f"{name}-images-idx3-ubyte{suffix}", images)
        write_idx(folder / f"{name}-labels-idx1-ubyte{suffix}", classes)
        found[name] = images, classes
    return found


def cifar(n, seed):
    noise = np.random.default_rng(seed)
    return noise.integers(0, 256, (n, 3072), dtype=np.uint8), np.arange(n) % 10


def write_cifar(folder, n=4, binary=False):
    """Five batches of training images and one of test images."""
    below = folder / ("cifar-10-batches-bin" if binary else "cifar-10-batches-py")
    below.mkdir(parents=True)
    names = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
    for seed, name in enumerate(names):
        pixels, classes = cifar(n, seed)
        if binary:
            rows = np.concatenate([classes[:, None].astype(np.uint8), pixels], axis=1)
            (below / f"{name}.bin").write_bytes(rows.tobytes())
        else:  # as Python 2 wrote them: keys of bytes, old protocol
            batch = {b"data": pixels, b"labels": classes.tolist(), b"filenames": [b"x.png"] * n}
            (below / name).write_bytes(pickle.dumps(batch, protocol=2))


def write_text(folder, lines=30):
    """Sentences of three to six words and the same words in capitals, backwards."""
    folder.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(0)
    for part in ("train", "valid"):
        sentences = [
            [f"w{i}" for i in draw.integers(0, 9, draw.integers(3, 7))] for _ in range(lines)
        ]
        sides = {"de": sentences, "en": [[w.upper() for w in s[::-1]] for s in sentences]}
        for language, side in sides.items():
            text = "".join(" ".join(sentence) + "\n" for sentence in side)
            (folder / f"{part}.{language}").write_text(text, encoding="utf-8")
