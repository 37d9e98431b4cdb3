"""Independent random streams from one seed and a name.

The same small integer must not seed two things: a noise generator that equals the initialisation's
makes the first gradient of a noisy quadratic exactly zero, and has hidden real bugs. So every
stream is named, and its generator is seeded from a hash of seed and names
(`numpy.random.SeedSequence`).
"""

from __future__ import annotations

import zlib

import numpy as np
import torch


def _sequence(seed: int, stream: tuple[str | int, ...]) -> np.random.SeedSequence:
    if seed < 0:
        raise ValueError(f"seed must be a non-negative integer, got {seed}")
    words = [zlib.crc32(str(part).encode()) for part in stream]
    return np.random.SeedSequence([seed, *words])


def generator(seed: int, *stream: str | int) -> torch.Generator:
    """A torch generator of its own for the named stream.

    Args:
        seed: the experiment's seed, non-negative.
        stream: names or numbers that tell this stream from the others, such as ``"noise"``.

    Returns:
        A CPU generator. Equal arguments give equal numbers, different ones independent numbers; a
        number and its digits as text are the same name.

    Raises:
        ValueError: if the seed is negative.
    """
    state = _sequence(seed, stream).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state >> 1))  # torch takes 63 bits


def rng(seed: int, *stream: str | int) -> np.random.Generator:
    """The same as :func:`generator`, for numpy."""
    return np.random.default_rng(_sequence(seed, stream))
