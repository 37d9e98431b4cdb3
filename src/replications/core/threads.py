"""How many threads a number is computed with: one, so that a run repeats bit for bit.

torch, OpenBLAS, MKL and OpenMP each have a number of their own; what is said here holds for all.
torch stays at one even where another number is asked for: with two, its solver of linear systems
did not return on a machine of ours.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

MAKES_NO_NUMBERS = True  # no part of a result's key, see `digest`

VARIABLE = "REPLICATIONS_THREADS"
"""Environment variable for another number of the libraries below NumPy and SciPy: to see what two
threads change, see `make processors`.
"""


def wanted() -> int:
    """One, or what the environment says."""
    return int(os.environ.get(VARIABLE, "1"))


@contextmanager
def limited() -> Iterator[None]:
    """Inside, torch and OpenMP have one thread, linear algebra the wanted number; torch afterwards,
    too.
    """
    import scipy.linalg  # noqa: F401  # its library has to be loaded, or it could not be told
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(1)
    with threadpool_limits({"blas": wanted(), "openmp": 1}):
        yield


def most() -> int:
    """The largest number of threads that any loaded library would use now."""
    import torch
    from threadpoolctl import threadpool_info

    return max([torch.get_num_threads(), *(pool["num_threads"] for pool in threadpool_info())])
