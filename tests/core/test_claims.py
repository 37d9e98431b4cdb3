"""Verdicts follow from intervals alone."""

import json
import math
from pathlib import Path

import jsonschema  # comes with nbformat
import pytest

from replications.core import registry, rows
from replications.core.claims import (
    Band,
    Claim,
    Kind,
    Measured,
    Verdict,
    at_least,
    at_most,
    claim,
    judge,
    margin,
    measure,
)
from replications.core.estimates import Estimate, exact
from replications.core.notebook import claims_table, table_html, table_text
from tests.core import toy

CHAPTERS = Path(__file__).parents[2] / "chapters"
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


@pytest.mark.parametrize(
    ("low", "high", "movement", "verdict"),
    [
        (1.2, 1.8, 0.1, Verdict.REPRODUCED),
        (1.2, 1.8, 0.3, Verdict.INCONCLUSIVE),  # another processor might leave the band
        (2.1, 2.5, 0.05, Verdict.NOT_REPRODUCED),
        (2.1, 2.5, 0.2, Verdict.INCONCLUSIVE),
    ],
)
def test_a_margin_below_the_movement_is_inconclusive(low, high, movement, verdict):
    assert judge(Estimate((low + high) / 2, low, high, 5, "test"), BAND, movement) == verdict


@pytest.mark.parametrize(
    ("low", "high", "band", "expected"),
    [
        (1.2, 1.7, BAND, 0.2),  # leaves at the lower edge
        (2.1, 2.5, BAND, 0.1),  # touches the upper edge
        (0.8, 1.5, BAND, 0.2),  # enters
        (0.5, 2.5, BAND, 1.5),  # wider than the band: can only lose touch
        (3.0, 4.0, at_least(1.0, "test"), 2.0),
        (3.0, 4.0, at_most(1.0, "test"), 2.0),
        (3.0, 3.0, Band(3.0, 3.0, "a count"), 0.0),
    ],
)
def test_margin_is_the_smallest_shift_that_changes_the_verdict(low, high, band, expected):
    estimate = Estimate((low + high) / 2, low, high, 5, "test")
    assert margin(estimate, band) == pytest.approx(expected)


def test_margin_of_a_rounding_error_is_as_small():
    estimate = Estimate(2e-12, 2e-12, 2e-12, 1, "test")
    assert margin(estimate, Band(0.0, 1e-12, "test")) == pytest.approx(1e-12, rel=1e-6, abs=0)


@pytest.fixture
def toy_claim(tmp_path, monkeypatch):
    """A claim about the toy experiment, registered and taken out again."""
    monkeypatch.setenv("REPLICATIONS_CACHE", str(tmp_path))
    monkeypatch.setattr(Claim, "paper", "key")
    monkeypatch.setattr("replications.core.claims.movements", lambda slug: {})

    def declare(verdict):
        @claim(
            on=toy.plain,
            kind=Kind.PAPER,
            place="Table 1",
            expect=at_least(2.9, "rounding"),
            verdict=verdict,
            cell="fig-sum",
        )
        def toy_sum(result):
            """The sum <is>
            three."""
            return exact(result["total"].item(), "added")

        return registry.registered("test_claims").claims["toy-sum"]

    yield declare
    registry.registered("test_claims").claims.clear()


def test_a_claim_is_a_function_with_its_sentence(toy_claim):
    declared = toy_claim(Verdict.REPRODUCED)
    assert (declared.id, declared.tier) == ("toy-sum", "quick")
    assert declared.says == "The sum <is> three."
    with pytest.raises(ValueError, match="needs a docstring"):
        claim(
            on=toy.grid, kind=Kind.PAPER, place="", expect=BAND, verdict=Verdict.REPRODUCED, cell=""
        )(lambda result: None)


def test_the_export_says_what_the_interval_alone_would(toy_claim, monkeypatch):
    monkeypatch.setattr("replications.core.claims.movements", lambda slug: {"toy-sum": 0.2})
    (found,) = measure([toy_claim(Verdict.INCONCLUSIVE)])
    exported = rows.row(found)
    assert (exported["verdict"], exported["unmoved"]) == ("inconclusive", "reproduced")


def test_measured_claim_is_exported_and_shown(toy_claim):
    (found,) = measure([toy_claim(Verdict.REPRODUCED)])
    assert found.holds
    exported = rows.row(found)
    assert exported["band"] == [2.9, None]
    assert (exported["value"], exported["verdict"]) == (3.0, "reproduced")
    assert (exported["expected"], exported["measured"]) == ("≥ 2.9", "3")
    assert (exported["margin"], exported["movement"]) == (pytest.approx(0.1), None)
    assert "The sum &lt;is&gt; three." in table_html([found])
    assert "verdict-reproduced" in table_html([found])
    assert table_text([found]).startswith("reproduced      toy-sum: ")


def test_an_erratum_is_confirmed_where_what_it_quotes_is_not_reproduced():
    words = [rows.outcome("erratum", verdict) for verdict in Verdict]
    assert words == ["not confirmed", "confirmed", "inconclusive"]
    assert [rows.outcome("paper", verdict) for verdict in Verdict] == list(Verdict)


def test_claims_are_exported_as_the_schema_says(toy_claim):
    schema = json.loads((CHAPTERS / "claims.schema.json").read_text(encoding="utf8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    check = jsonschema.Draft202012Validator(schema)
    found = rows.document(measure([toy_claim(Verdict.REPRODUCED)]))
    found = json.loads(json.dumps(found, allow_nan=False))
    check.validate(found)
    claim_schema = schema["$defs"]["claim"]
    assert claim_schema["required"] == list(claim_schema["properties"]) == list(found["claims"][0])
    found["claims"][0]["outcome"] = "true"
    assert not check.is_valid(found)


def test_table_fails_where_the_published_verdict_is_not_the_measured_one(toy_claim):
    wrong = Measured(toy_claim(Verdict.INCONCLUSIVE), exact(3.0, "test"))
    assert not wrong.holds
    with pytest.raises(AssertionError, match=r"toy-sum: measured reproduced .* published inconcl"):
        claims_table([wrong])


def test_rounding_prints_as_the_scale_of_its_band():
    band = Band(0.0, 1e-12, "rounding")
    assert rows.measured_text(exact(5.28e-16, "x"), band) == "below 1e-12"
    assert rows.measured_text(exact(5.2e-16, "x"), band) == "below 1e-12"
    assert rows.measured_text(exact(3e-5, "x"), band) == "3e-5"
    # above rounding, but the band asks for no more
    assert rows.measured_text(exact(5e-9, "x"), at_most(1e-7, "test")) == "below 1e-7"
    wide = at_most(1e-5, "test")  # asks for little, and gets rounding
    assert rows.measured_text(exact(8.2e-12, "x"), wide) == "below 1e-9"


def test_movement_takes_digits_away():
    estimate, band = Estimate(0.12345, 0.1134, 0.1335, 9, "x"), at_most(1.0, "test")
    assert rows.measured_text(estimate, band) == "0.123 [0.113, 0.134]"
    assert rows.measured_text(estimate, band, movement=0.2) == "0.12 [0.11, 0.13]"


@pytest.mark.parametrize(
    ("plain", "html"),
    [
        ("the alphabet, lambda-like, weight_decay, 1e-3 and x < y", None),
        ("at every beta2.", "at every β<sub>2</sub>."),
        ("r_t and theta_{t,i}, dL/dlambda", "r<sub>t</sub> and θ<sub>t,i</sub>, dL/dλ"),
        ("before rho_inf, N(0, sigma^2)", "before ρ<sub>∞</sub>, N(0, σ<sup>2</sup>)"),
        ("(2 / alpha - 1)^(1/k) y^(-3/2)", "(2 / α - 1)<sup>1/k</sup> y<sup>−3/2</sup>"),
        ("(1 - (1 - h)^(k + f(2)))", "(1 - (1 - h)<sup>k + f(2)</sup>)"),
        ("sqrt(2/pi), Gamma(t/2)^2", "√(2/π), Γ(t/2)<sup>2</sup>"),
    ],
)
def test_formulas_of_a_sentence_are_typeset(plain, html):
    assert rows.typeset(plain) == (html or plain.replace("<", "&lt;"))
