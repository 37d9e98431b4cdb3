"""What another processor would print is caught: cells, verdicts, shifts."""

import subprocess
from types import SimpleNamespace

import processors
import pytest

from replications.core import movements, registry, threads

HERE = {
    "a": processors.Value(0.9, 1.0, 1.1, "reproduced"),
    "b": processors.Value(3.0, 3.0, 3.0, "reproduced"),
}
LOG = """
FAILED chapters/a.ipynb::Cell 3 - nbval...
FAILED chapters/b.ipynb::Cell 10
2 failed, 40 passed in 10.0s
"""


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine whose settings give what the test says."""
    found = {"here": HERE, "oldest": HERE, "middle": HERE, "threads": HERE}
    monkeypatch.setattr(processors, "FOLDER", tmp_path)
    monkeypatch.setattr(processors, "notebooks", lambda setting, cache: ([], 42))
    monkeypatch.setattr(processors, "claims", lambda setting, cache, full: found[setting])
    return found


def test_equal_numbers_pass(machine, capsys):
    assert processors.main([]) == 0
    table = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in table[1:]] == ["oldest", "middle", "threads"]
    assert "0 of 42" in table[1]


def test_a_verdict_that_differs_fails(machine, capsys):
    machine["middle"] = HERE | {"a": processors.Value(1.1, 1.2, 1.3, "inconclusive")}
    assert processors.main(["middle"]) == 1
    out = capsys.readouterr().out
    assert "2 (a)" in out  # intervals
    assert "a: reproduced here, inconclusive there" in out
    assert processors.main(["oldest"]) == 0


def test_a_cell_that_differs_fails(machine, monkeypatch, capsys):
    """Such as a training run at the edge of chaos, printed with three digits."""
    monkeypatch.setattr(processors, "notebooks", lambda *a: (processors.cells(LOG), 42))
    assert processors.main(["threads"]) == 1
    assert "chapters/a.ipynb::Cell 3\n" in capsys.readouterr().out


def test_notebooks_that_could_not_be_run_are_named(monkeypatch, tmp_path):
    log = "ERROR chapters/b.ipynb\nERROR chapters/c.ipynb - nbformat...\n1 passed, 2 errors in 3s\n"
    for status, more in ((1, []), (2, ["pytest's exit status 2"])):
        done = subprocess.CompletedProcess([], status, log, "")
        monkeypatch.setattr(subprocess, "run", lambda *a, done=done, **k: done)
        monkeypatch.setattr(processors, "FOLDER", tmp_path)
        found, count = processors.notebooks("oldest", tmp_path)
        assert (found, count) == (["chapters/b.ipynb", "chapters/c.ipynb", *more], 3)
    assert processors.cells(LOG) == ["chapters/a.ipynb::Cell 3", "chapters/b.ipynb::Cell 10"]


def test_two_threads_are_asked_of_all_that_count(tmp_path):
    two = processors.environment("threads", tmp_path)
    assert {two[name] for name in processors.ONE_THREAD} == {"2"}
    assert two[threads.VARIABLE] == "2"
    assert processors.environment("middle", tmp_path)[threads.VARIABLE] == "1"


def test_shifts():
    there = processors.Value(0.9, 1.02, 1.15, "reproduced")  # an end moves further than the value
    assert processors.in_intervals(HERE["a"], there) == pytest.approx(0.5)
    there = processors.Value(3.3, 3.3, 3.3, "")
    assert processors.in_intervals(HERE["b"], there) == pytest.approx(0.1)
    infinite = processors.Value(0.0, float("inf"), float("inf"), "")
    assert processors.shift(infinite, infinite) == 0.0


def test_unknown_settings_are_named(capsys):
    with pytest.raises(SystemExit):
        processors.main(["newest"])
    assert "SETTING must be one of oldest, middle, threads, got newest" in capsys.readouterr().err


@pytest.fixture
def file(monkeypatch):
    """What is written for a paper of a live claim, "a", and a recorded one, "b"."""
    declared = {
        "a": SimpleNamespace(id="a", tier="quick"),
        "b": SimpleNamespace(id="b", tier="full"),
    }
    kept = {"toy": movements.Movements()}
    monkeypatch.setattr(registry, "slugs", lambda: ["toy"])
    monkeypatch.setattr(registry, "paper", lambda slug: registry.Paper(claims=declared))
    monkeypatch.setattr(movements, "read", kept.__getitem__)
    monkeypatch.setattr(movements, "write", kept.__setitem__)
    records = {"b": "old"}
    monkeypatch.setattr(movements, "records_key", lambda claim: records.get(claim.id))
    return SimpleNamespace(records=records, claims=lambda: kept["toy"].claims, kept=kept)


def test_movements_are_written_for_what_was_run(file):
    processors.write_movements({"a": 0.1234, "b": 0.5}, ["oldest"], full=True)
    processors.write_movements({"a": 0.2, "b": 0.0}, ["oldest"], full=False)
    assert file.claims() == {"a": {"movement": 0.2}, "b": {"movement": 0.5, "records": "old"}}
    file.records["b"] = "new"
    processors.write_movements({"a": 0.1}, ["oldest"], full=False)
    assert file.claims() == {"a": {"movement": 0.1}}  # of the new records nothing is known


def test_what_moved_further_under_another_setting_stays(file):
    processors.write_movements({"a": 0.3, "b": 0.1}, ["middle"], full=True)
    processors.write_movements({"a": 0.2, "b": 0.4}, ["oldest"], full=True)
    assert sorted(file.kept["toy"].settings) == ["middle", "oldest"]
    assert [entry["movement"] for entry in file.claims().values()] == [0.3, 0.4]
    processors.write_movements({"a": 0.2}, ["middle", "oldest"], full=True)  # b: no library
    assert [entry["movement"] for entry in file.claims().values()] == [0.2, 0.4]


def test_a_claim_that_cannot_be_measured_is_left_out(machine, capsys):
    machine["middle"] = {"a": HERE["a"]}
    assert processors.main(["middle", "--full"]) == 0
