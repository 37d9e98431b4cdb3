"""The workers of a Dask cluster as joblib's backend."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from typing import Any

from replications.core.errors import ClusterError

MAKES_NO_NUMBERS = True  # no part of a result's key, see `digest`
WAIT = 10
"""Seconds after which a cluster counts as not there."""


@contextmanager
def cluster(address: str) -> Iterator[None]:
    """What joblib runs inside is run by all workers of the scheduler at an address.

    Raises:
        ClusterError: no Dask is installed, nobody answers there, or the workers are none or unfit.
    """
    try:
        from dask.distributed import Client
    except ImportError as error:
        raise ClusterError(
            "--scheduler needs Dask: python -m pip install 'dask[distributed]'"
        ) from error
    from joblib import parallel_config

    try:
        client = Client(address, timeout=WAIT)
    except (OSError, ValueError) as error:  # nobody there, or no address
        raise ClusterError(f"no Dask scheduler answers at {address}: {error}") from error
    with client:
        try:
            client.wait_for_workers(1, timeout=WAIT)
        except TimeoutError as error:
            raise ClusterError(f"the Dask scheduler at {address} has no workers") from error
        if max(client.nthreads().values()) > 1:
            raise ClusterError("start every worker with --nthreads 1: runs share no process")
        with parallel_config(_backend(client), n_jobs=-1):  # every worker of the cluster
            yield


def _backend(client: Any) -> Any:
    """joblib's own, which waits for ever for a task that Dask gives up after it killed workers."""
    from joblib._dask import DaskDistributedBackend

    class Backend(DaskDistributedBackend):
        def submit(self, func: Any, callback: Any = None) -> Any:
            future = super().submit(func, callback)
            future.add_done_callback(lambda f: f.exception() and callback(f.exception()))
            return future

        def retrieve_result_callback(self, out: Any) -> Any:
            if isinstance(out, BaseException):
                raise BrokenExecutor(str(out)) from out
            return super().retrieve_result_callback(out)

    return Backend(client=client)
