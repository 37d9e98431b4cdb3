"""A movement holds for the records that it was measured on; none at all is not zero."""

from types import SimpleNamespace

import pytest
import xarray as xr

from replications.core import claims, movements, registry, rows, store
from replications.core.claims import Claim, Measured, Verdict
from replications.core.experiment import Experiment
from tests.core import toy


@pytest.fixture
def paper(tmp_path, monkeypatch):
    """A paper whose files lie in a folder of the test; a claim on a record, one on a live run."""
    record = tmp_path / "records" / "plain-0"
    monkeypatch.setattr(Experiment, "_record", lambda self, i: record)
    monkeypatch.setattr(Claim, "paper", "key")
    monkeypatch.setattr(movements, "files", lambda package: tmp_path)
    monkeypatch.setattr(registry, "home", lambda slug: None)
    plain = Experiment("toy", "plain", toy.run, toy.Config(3), toy.Config(3))

    def record_of(value):
        result = xr.Dataset({"total": ("n", [value])}, coords={"n": [3]})
        key = store.digest("plain", toy.run, toy.Config(3))
        made = {"seconds": 0.0, **store.surroundings()}
        store.save(record, result, key, toy.Config(3), made)
        plain._memory.clear()

    record_of(3.0)
    full, quick = (
        toy.toy_claim(id=f"toy-{tier}", on=(plain,), tier=tier) for tier in ("full", "quick")
    )
    claims.movements.cache_clear()
    yield SimpleNamespace(full=full, quick=quick, record=record_of)
    claims.movements.cache_clear()


def test_what_is_written_is_read_back(paper):
    found = movements.Movements(["middle"])
    found.put(paper.full, 0.05)
    found.put(paper.quick, 0.0)
    movements.write("toy", found)
    assert movements.read("toy") == found
    assert found.claims == {
        "toy-full": {"movement": 0.05, "records": movements.records_key(paper.full)},
        "toy-quick": {"movement": 0.0},
    }
    assert claims.movements("toy") == {"toy-full": 0.05, "toy-quick": 0.0}


def test_it_holds_for_the_records_it_was_measured_on(paper):
    found = movements.Movements()
    found.put(paper.full, 0.05)
    found.put(paper.quick, 0.01)
    assert (found.of(paper.full), found.of(paper.quick)) == (0.05, 0.01)
    paper.record(2.0)  # of the same code and config
    assert (found.of(paper.full), found.of(paper.quick)) == (None, 0.01)


def test_without_an_entry_it_was_not_measured(paper):
    assert claims.movements("toy") == {}
    (row,) = claims.measure([paper.full])
    assert row.movement is None and row.verdict == Verdict.REPRODUCED
    assert rows.row(row)["movement"] is None
    assert rows.row(Measured(paper.full, row.estimate, 0.0))["movement"] == 0.0


@pytest.mark.parametrize(
    ("movement", "kept"),
    [(0.0, 0.0), (0.1201, 0.13), (0.12, 0.12), (9.91e-7, 1e-6), (123.0, 130.0)],
)
def test_rounding_never_brings_it_below_a_margin(movement, kept):
    assert movements.rounded_up(movement) == kept
