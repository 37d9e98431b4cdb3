"""Verdicts follow from intervals alone."""

import math

import pytest

from replications.core.claims import Band, Claim, Kind, Measured, Verdict, judge, measure
from replications.core.estimates import Estimate, exact
from replications.core.experiment import Experiment
from replications.core.notebook import claims_table, table_html, table_text
from tests.core import toy

BAND = Band(1.0, 2.0, "test")


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (1.2, 1.8, Verdict.REPRODUCED),
        (1.0, 2.0, Verdict.REPRODUCED),  # the band is closed
        (2.1, 2.5, Verdict.NOT_REPRODUCED),
        (0.1, 0.9, Verdict.NOT_REPRODUCED),
        (1.5, 2.5, Verdict.INCONCLUSIVE),
        (0.5, 1.5, Verdict.INCONCLUSIVE),
        (0.5, 2.5, Verdict.INCONCLUSIVE),
        (2.0, 2.5, Verdict.INCONCLUSIVE),  # touches
    ],
)
def test_verdict(low, high, verdict):
    assert judge(Estimate((low + high) / 2, low, high, 5, "test"), BAND) == verdict


def test_band_is_checked():
    with pytest.raises(ValueError, match="low <= high"):
        Band(2.0, 1.0, "test")
    with pytest.raises(ValueError, match="reason"):
        Band(1.0, 2.0, "")


def test_a_band_prints_one_number_where_its_ends_read_alike():
    assert str(Band(2.0, 2.0, "a count")) == "2"
    assert str(Band(4 - 1e-9, 4 + 1e-9, "rounding")) == "4"
    assert str(Band(1.0, 2.5, "test")) == "1 to 2.5"
    assert str(Band(-math.inf, 1.0, "test")) == "≤ 1"


def claim(tmp_path, monkeypatch, verdict):
    monkeypatch.setenv("REPLICATIONS_CACHE", str(tmp_path))
    return Claim(
        id="toy-sum",
        paper="key",
        place="Table 1",
        kind=Kind.PAPER,
        says="The sum <is> three.",
        expect=Band(2.9, math.inf, "rounding"),
        experiment=Experiment("toy", "sum", toy.run, toy.Config(3)),
        tier="quick",
        measure=lambda result: exact(result.total, "added"),
        verdict=verdict,
        cell="fig-sum",
    )


def test_measured_claim_is_exported_and_shown(tmp_path, monkeypatch):
    (row,) = measure([claim(tmp_path, monkeypatch, Verdict.REPRODUCED)])
    assert row.holds
    exported = row.row()
    assert exported["band"] == [2.9, None]
    assert (exported["value"], exported["verdict"], exported["slug"]) == (3.0, "reproduced", "toy")
    assert "The sum &lt;is&gt; three." in table_html([row])
    assert "verdict-reproduced" in table_html([row])
    assert table_text([row]).startswith("reproduced     toy-sum: ")


def test_table_fails_where_the_published_verdict_is_not_the_measured_one(tmp_path, monkeypatch):
    wrong = claim(tmp_path, monkeypatch, Verdict.INCONCLUSIVE)
    with pytest.raises(AssertionError, match="toy-sum: measured reproduced .* published inconcl"):
        claims_table([wrong])
    assert not Measured(wrong, exact(3.0, "test")).holds
