"""What a sweep keeps when it is stopped, killed, written twice, or cannot write."""

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from replications import cli
from replications.core import registry, store
from replications.core.experiment import Experiment
from replications.core.sweep import sweep
from tests.core import slow_toy

ROOT = Path(__file__).parents[2]
LONG = 240
"""Seconds, for a machine that has much else to do."""
KEPT = "the parts that were done are kept, and the same command goes on from there\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where the slow toy keeps its log, its cache and its records."""
    monkeypatch.setenv("SLOW_TOY", str(tmp_path))
    monkeypatch.setenv(store.CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(registry, "slugs", lambda: ["slow_toy"])
    monkeypatch.setattr(registry, "paper", lambda slug: registry.registered(slug))
    monkeypatch.setattr(Experiment, "_record", lambda self, i: tmp_path / "records" / f"grid-{i}")
    slow_toy.grid._memory.clear()
    yield tmp_path
    slow_toy.grid._memory.clear()


def start(*arguments):
    """The command line on the slow toy in a process of its own."""
    command = [sys.executable, "-m", "tests.core.slow_toy", *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True)


def begun(folder):
    """Which parts have begun, in order, and in which process."""
    log = folder / "log"
    return (
        [tuple(map(int, line.split())) for line in log.read_text().splitlines()]
        if log.exists()
        else []
    )


def wait_until(condition):
    """Poll."""
    end = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def kept(folder):
    """The stored parts, each read back whole; nothing else may lie in the cache."""
    files = [path for path in (folder / "cache").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} <= {".npz", ".json"}
    assert not [path for path in files if path.name.startswith(".")]
    found = [store.load(p.with_suffix(""), p.stem) for p in files if p.suffix == ".json"]
    assert 2 * len(found) == len(files)
    return sorted(part["n"].item() for part in found)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_sweep_leaves_whole_parts_and_goes_on(folder, ctrl_c, how):
    (folder / "hold").write_text("3")
    process = start("run", "slow_toy")
    wait_until(lambda: len(begun(folder)) == 4)
    process.send_signal(how)
    out, err = process.communicate(timeout=LONG)
    if how == signal.SIGINT:
        assert (process.returncode, out, err) == (130, "", f"stopped; {KEPT}")
    assert kept(folder) == [0, 1, 2]
    (folder / "hold").unlink()
    result = slow_toy.grid.result()
    assert [n for n, _ in begun(folder)] == [0, 1, 2, 3, 3, 4, 5]
    assert result.identical(xr.concat([slow_toy.run(c) for c in slow_toy.CONFIGS], "n"))


def test_two_processes_that_write_one_record_leave_one_valid_one(tmp_path):
    code = """
import sys, xarray as xr
from pathlib import Path
from tests.core.toy import Config
from replications.core import store
for i in range(60):
    result = xr.Dataset({"x": ("i", [float(sys.argv[2])] * 99)})
    made = {"seconds": 0.0, **store.surroundings()}
    store.save(Path(sys.argv[1]), result, "key", Config(3), made)
"""
    path = tmp_path / "record"
    command = [sys.executable, "-c", code, str(path)]
    writers = [subprocess.Popen([*command, str(k)], cwd=ROOT) for k in (1, 2)]
    wait_until(path.with_suffix(".json").exists)
    reads = 0
    while any(writer.poll() is None for writer in writers):
        assert store.load(path, "key")["x"].values[0] in (1.0, 2.0)  # whole at every moment
        reads += 1
    assert [writer.returncode for writer in writers] == [0, 0]
    assert reads > 5
    assert sorted(p.name for p in tmp_path.iterdir()) == ["record.json", "record.npz"]


def test_a_writer_waits_for_the_other_between_the_two_files(tmp_path, monkeypatch):
    pytest.importorskip("fcntl")
    rename, between, done = os.replace, threading.Event(), threading.Event()

    def slow(old, new):
        rename(old, new)
        if threading.current_thread().name == "first" and str(new).endswith(".npz"):
            between.set()
            done.wait(0.3)

    def write(value):
        made = {"seconds": 0.0, **store.surroundings()}
        result = xr.Dataset({"x": ("i", [value])})
        store.save(tmp_path / "record", result, "key", slow_toy.Config(0), made)

    monkeypatch.setattr(os, "replace", slow)
    first = threading.Thread(target=write, args=(1.0,), name="first")
    first.start()
    between.wait()
    write(2.0)
    done.set()
    first.join()
    assert store.load(tmp_path / "record", "key")["x"].item() == 2.0


def test_what_a_killed_writer_left_is_found_out_and_cleared_away(tmp_path, monkeypatch):
    def write(value, key):
        made = {"seconds": 0.0, **store.surroundings()}
        store.save(path, xr.Dataset({"x": ("i", [value])}), key, slow_toy.Config(0), made)

    path, rename = tmp_path / "record", os.replace
    write(1.0, "old")

    def refused(old, new):
        if str(new).endswith(".json"):
            raise PermissionError(13, "Permission denied")
        rename(old, new)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", refused)
        with pytest.raises(store.StoreError, match="no result can be kept"):
            write(2.0, "new")
    for key in ("old", "new"):  # between the two files: neither
        with pytest.raises(store.StoreError):
            store.load(path, key)
    left, anothers = tmp_path / ".record.npz.abc", tmp_path / ".record.npz.def"
    left.touch()
    anothers.touch()
    os.utime(left, (0, 0))
    write(3.0, "new")
    assert store.load(path, "new")["x"].item() == 3.0
    assert not left.exists() and anothers.exists()


def test_a_full_disk_is_one_line(folder, capsys):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400, limits[1]))
    try:
        status = cli.main(["run", "slow_toy"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    place = store.cache_path("x").parent
    assert status == 2
    assert capsys.readouterr().err == (
        f"no result can be kept in {place}: File too large; "
        "REPLICATIONS_CACHE names another folder for live results\n"
    )
    assert kept(folder) == []


@contextlib.contextmanager
def without_rights():
    """Root may write anywhere, so it becomes somebody else for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_read_only_cache_is_one_line_before_any_work(folder, capsys, monkeypatch):
    slow_toy.grid.stored("quick")  # the keys, while the code may be read
    with tempfile.TemporaryDirectory() as closed:  # pytest's own folders are root's alone
        os.chmod(closed, 0o555)
        monkeypatch.setenv(store.CACHE_VARIABLE, closed)
        with without_rights():
            if not os.access(store.__file__, os.R_OK, effective_ids=True):
                pytest.skip("the checkout lies where its owner alone may read")
            assert cli.main(["run", "slow_toy"]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"no result can be kept in {closed}: Permission denied; REPLICATIONS_C")
    assert err.count("\n") == 1
    assert begun(folder) == []


@pytest.mark.parametrize("tier", ["quick", "full"])
def test_a_folder_that_cannot_be_made_is_one_line_before_any_work(
    folder, capsys, monkeypatch, tier
):
    (folder / "file").touch()
    if tier == "quick":
        monkeypatch.setenv(store.CACHE_VARIABLE, str(folder / "file" / "cache"))
    else:
        place = folder / "file" / "records" / "grid-0"
        monkeypatch.setattr(Experiment, "_record", lambda self, i: place)
    assert cli.main(["run", "slow_toy", "--tier", tier]) == 2
    assert "Not a directory; REPLICATIONS_CACHE" in capsys.readouterr().err
    assert begun(folder) == []


@pytest.mark.parametrize(
    ("suffix", "says"), [(".npz", "damaged: its checksum does not fit"), (".json", "damaged: ")]
)
def test_a_truncated_record_is_one_line(folder, capsys, suffix, says):
    assert cli.main(["run", "slow_toy", "--tier", "full"]) == 0
    path = folder / "records" / f"grid-2{suffix}"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    capsys.readouterr()
    assert cli.main(["verify"]) == 2
    found = capsys.readouterr()
    assert found.err.startswith("slow_toy/grid: grid-2 is " + says)
    assert found.err.endswith("run slow_toy --only grid --tier full`\n")
    assert found.err.count("\n") == 1
    assert cli.main(["run", "slow_toy", "--tier", "full"]) == 0  # from the cache: nothing is run
    assert len(begun(folder)) == 6
    assert cli.main(["verify"]) == 0


def test_a_truncated_result_of_the_cache_is_one_line_and_made_again(folder, capsys):
    assert cli.main(["run", "slow_toy"]) == 0
    path = slow_toy.grid.stored("quick")[4].with_suffix(".json")
    path.write_text("{")
    slow_toy.grid._memory.clear()
    capsys.readouterr()
    with warnings.catch_warnings():
        warnings.simplefilter("default")  # as for a user: here they are errors
        assert cli.main(["run", "slow_toy"]) == 0
    err = capsys.readouterr().err
    assert err.startswith("warning: stored result of grid: ")
    assert err.endswith("computing it again\n")
    assert err.count("\n") == 1
    assert [n for n, _ in begun(folder)] == [0, 1, 2, 3, 4, 5, 4]


def test_a_worker_with_other_code_is_found_out(folder):
    with pytest.raises(store.StoreError, match="has other code of slow_toy/grid than this machine"):
        list(sweep(slow_toy.grid._at_worker, [("key of the caller", "", slow_toy.CONFIGS[0])]))


def test_a_worker_with_other_libraries_is_found_out(folder):
    config = slow_toy.CONFIGS[0]
    task = store.digest("grid", slow_toy.run, config), "numpy1.0-torch2.0", config
    with pytest.raises(store.StoreError, match=r"has numpy\S+ and this machine numpy1.0-torch2.0"):
        list(sweep(slow_toy.grid._at_worker, [task]))


def test_a_part_notes_where_it_was_made_not_where_it_is_kept(folder, monkeypatch):
    elsewhere = {"machine": {"processor": "a worker's"}, "versions": {"numpy": "0"}}
    with monkeypatch.context() as patched:
        patched.setattr(store, "surroundings", lambda: elsewhere)
        slow_toy.grid.compute("quick")
    slow_toy.grid.record()
    about = json.loads((folder / "records" / "grid-0.json").read_text())
    assert (about["machine"], about["versions"]) == (elsewhere["machine"], elsewhere["versions"])


def test_a_dead_worker_is_one_line(folder):
    (folder / "hold").write_text("2")
    process = start("run", "slow_toy", "--jobs", "2")
    stored = folder.joinpath("cache").rglob
    wait_until(lambda: 2 in dict(begun(folder)) and len(list(stored("*.json"))) == 5)
    os.kill(dict(begun(folder))[2], signal.SIGKILL)
    _, err = process.communicate(timeout=LONG)
    assert process.returncode == 2
    assert err.endswith(f"a worker process died, killed or out of memory; {KEPT}")
    assert kept(folder) == [0, 1, 3, 4, 5]
    (folder / "hold").unlink()
    assert np.isfinite(slow_toy.grid.result()["x"]).all()


def test_scheduler_without_dask_is_one_line(folder, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "dask.distributed", None)
    assert cli.main(["run", "slow_toy", "--scheduler", "tcp://127.0.0.1:1"]) == 2
    assert capsys.readouterr().err == (
        "--scheduler needs Dask: python -m pip install 'dask[distributed]'\n"
    )
