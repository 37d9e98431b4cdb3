"""A grid of configs, in parallel, with a progress bar.

joblib does the work: the backend is whatever `joblib.parallel_config` says, processes of this
machine or a Dask cluster. Results come as they finish, so that the caller can keep each at once
and an interrupted sweep resumes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from replications.core.threads import limited

MAKES_NO_NUMBERS = True  # no part of a result's key, see `digest`


def _task(run: Callable[[Any], Any], index: int, config: Any) -> tuple[int, Any, float]:
    with limited():  # one thread a worker: results are bit-equal from run to run
        start = _cpu_seconds()
        return index, run(config), _cpu_seconds() - start


def _cpu_seconds() -> float:
    """Of this process and of the children that it has waited for (those count on Unix only)."""
    return sum(os.times()[:4])


def sweep(
    run: Callable[[Any], Any], configs: Sequence[Any], jobs: int | None = None, label: str = ""
) -> Iterator[tuple[int, Any, float]]:
    """Run every config.

    Args:
        run: a module-level function of one config.
        configs: what to run it on.
        jobs: how many at a time; None leaves it to `joblib.parallel_config`, which without more
            stays in this process.
        label: shown before the bar.

    Yields:
        (index into configs, result, CPU seconds), in the order in which they finish.

    Raises:
        ValueError: if jobs is not positive.
    """
    if jobs is not None and jobs < 1:
        raise ValueError(f"jobs must be at least 1, got {jobs}")
    from joblib import Parallel, delayed
    from tqdm import tqdm

    calls = (delayed(_task)(run, i, config) for i, config in enumerate(configs))
    # one by one: results that came in batches would be lost in batches
    done = Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1)(calls)
    # disable=None: a bar on a terminal, none in CI and in notebooks' stored outputs
    yield from tqdm(done, total=len(configs), desc=label, disable=None)
