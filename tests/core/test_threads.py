"""One thread for every library that a result may use, or as many as the environment says."""

import torch
from threadpoolctl import threadpool_info, threadpool_limits

from replications.core import store, threads
from replications.core.notebook import prepare
from replications.core.sweep import sweep


def in_a_cell(_):
    """Numbers of threads, by library."""
    return {torch.get_num_threads(), *(pool["num_threads"] for pool in threadpool_info())}


def test_every_library_has_one_thread_in_a_cell():
    with threadpool_limits(2):
        torch.set_num_threads(2)
        ((_, found, _),) = sweep(in_a_cell, [0])
    assert found == {1}


def test_two_threads_are_those_of_the_linear_algebra(monkeypatch):
    """torch keeps one: with two its solver of linear systems may never return."""
    monkeypatch.setenv(threads.VARIABLE, "2")
    ((_, found, _),) = sweep(by_library, [0])
    assert found["blas"] == {2}
    assert found["torch"] == found["openmp"] == {1}
    prepare()
    assert torch.get_num_threads() == 1


def by_library(_):
    """Numbers of threads by kind of library."""
    found = {"torch": {torch.get_num_threads()}}
    for pool in threadpool_info():
        found.setdefault(pool["user_api"], set()).add(pool["num_threads"])
    return found


def test_what_a_result_was_made_on_counts_the_threads():
    assert [made["machine"]["threads"] for _, made, _ in sweep(made_on, [0])] == [1]
    with threads.limited(), threadpool_limits(2):
        assert store.machine()["threads"] == 2


def made_on(_):
    """Of the surroundings inside a cell."""
    return store.surroundings()
