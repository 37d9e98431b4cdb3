"""The same sweep on a Dask cluster: a real scheduler with two worker processes."""

import json
import os
import signal
import subprocess
import sys

import pytest

from replications import cli
from replications.core import store
from tests.core import slow_toy
from tests.core.test_sweeps import KEPT, LONG, ROOT, begun, folder, kept, start, wait_until

pytest.importorskip("distributed", reason="the extra `distributed` is not installed")
__all__ = ["folder"]
NAMES = [f"grid-{i}" for i in range(6)]


@pytest.fixture
def cluster(folder):
    """The address, and the processes of the workers."""
    where = folder / "scheduler.json"
    common = ("--scheduler-file", str(where), "--no-dashboard")

    def process(name, *arguments):
        command = [sys.executable, "-m", f"distributed.cli.{name}", *common, *arguments]
        log = (folder / f"{name}.txt").open("a")
        started.append(subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log))
        log.close()
        return started[-1]

    def worker(*arguments):
        return process("dask_worker", "--no-nanny", "--local-directory", str(folder), *arguments)

    started = []
    try:
        process("dask_scheduler", "--host", "127.0.0.1", "--port", "0")
        wait_until(where.exists)
        yield lambda: json.loads(where.read_text())["address"], worker
    finally:
        for running in started:
            running.kill()
            running.wait()


def run(address, *arguments):
    """The command line on the cluster, in a process of its own."""
    return start("run", "slow_toy", "--scheduler", address, *arguments)


def files(folder):
    return sorted(p.name for p in (folder / "cache").rglob("*") if p.is_file())


def test_same_keys_and_numbers_and_a_killed_worker_loses_nothing(folder, cluster, monkeypatch):
    address, worker = cluster
    workers = {process.pid for process in (worker("--nthreads", "1"), worker("--nthreads", "1"))}
    (folder / "hold").write_text("0 3")
    process = run(address(), "--tier", "full")
    wait_until(lambda: {0, 3} <= dict(begun(folder)).keys())
    assert {pid for _, pid in begun(folder)} == workers  # two, and none of them the caller
    killed = dict(begun(folder))[0]
    os.kill(killed, signal.SIGKILL)
    (folder / "hold").unlink()
    out, err = process.communicate(timeout=LONG)
    assert (process.returncode, out) == (0, f"slow_toy/grid: recorded {', '.join(NAMES)}\n"), err
    tries = [pid for n, pid in begun(folder) if n == 0]
    assert tries[0] == killed and {tries[-1]} == workers - {killed}  # the other made it again

    clustered, found = files(folder), slow_toy.grid.result("full")
    monkeypatch.setenv(store.CACHE_VARIABLE, str(folder / "serial" / "cache"))
    slow_toy.grid._memory.clear()
    assert slow_toy.grid.result("full", fresh=True).identical(found)
    assert files(folder / "serial") == clustered
    slow_toy.grid.check_records()


def test_interrupted_on_a_cluster_it_goes_on(folder, ctrl_c, cluster):
    address, worker = cluster
    worker("--nthreads", "1")
    worker("--nthreads", "1")
    (folder / "hold").write_text("4")
    process = run(address())
    wait_until(lambda: (folder / "cache").exists() and len(files(folder)) == 10)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=LONG)
    assert process.returncode == 130
    assert err.endswith(f"stopped; {KEPT}")
    assert "Traceback" not in err
    assert kept(folder) == [0, 1, 2, 3, 5]
    (folder / "hold").unlink()
    before = len(begun(folder))
    process = run(address())
    out, err = process.communicate(timeout=LONG)
    assert (process.returncode, out) == (0, "slow_toy/grid: quick result is in the cache\n"), err
    assert {n for n, _ in begun(folder)[before:]} <= {4}
    assert kept(folder) == [0, 1, 2, 3, 4, 5]


@pytest.fixture
def strict(monkeypatch):
    """Dask gives up a task at its second worker's death; by default at the fourth's."""
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", "1")


def test_a_cell_that_kills_every_worker_is_one_line(strict, folder, cluster):
    address, worker = cluster
    for _ in range(3):
        worker("--nthreads", "1")
    (folder / "fatal").write_text("5")
    process = run(address())
    try:
        out, err = process.communicate(timeout=LONG)
    finally:
        process.kill()
    assert (process.returncode, out) == (2, ""), err
    assert err.endswith(f"a worker process died, killed or out of memory; {KEPT}")
    assert "Traceback" not in err
    assert set(kept(folder)) <= {0, 1, 2, 3, 4}


def test_a_cluster_that_cannot_serve_is_one_line(folder, cluster, monkeypatch, capsys):
    def says(where):
        assert cli.main(["run", "slow_toy", "--scheduler", where]) == 2
        return capsys.readouterr().err

    monkeypatch.setattr("replications.core.cluster.WAIT", 0.5)
    nobody = says("tcp://127.0.0.1:1")
    assert nobody.startswith("no Dask scheduler answers at tcp://127.0.0.1:1: ")
    assert nobody.count("\n") == 1
    address, worker = cluster
    monkeypatch.setattr("replications.core.cluster.WAIT", 2)
    assert says(address()) == f"the Dask scheduler at {address()} has no workers\n"
    monkeypatch.setattr("replications.core.cluster.WAIT", 30)
    worker("--nthreads", "2")
    assert says(address()) == "start every worker with --nthreads 1: runs share no process\n"
    assert begun(folder) == []
