"""Every paper's claims: the measured verdict is the published one, and the site shows that."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from replications.core import movements, registry, rows
from replications.core.claims import Measured, Verdict, judge, measure
from replications.core.figures import OKABE_ITO, OLIVE, render
from replications.core.store import StoreError

SITE = json.loads((Path(__file__).parents[2] / "chapters" / "claims.json").read_text("utf-8"))
PAPERS = {slug: registry.paper(slug) for slug in registry.slugs()}
CLAIMS = [claim for paper in PAPERS.values() for claim in paper.claims.values()]
FIGURES = [figure for paper in PAPERS.values() for figure in paper.figures.values()]


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_measured_verdict_is_the_published_one(claim):
    (row,) = measure([claim])
    assert row.holds, f"measured {row.verdict}, {row.estimate}; published {claim.verdict}"
    assert_on_site(row)


def assert_on_site(measured: Measured):
    """claims.json holds the claim as it is declared, and its value as it is measured."""
    (shown,) = [c for c in SITE["claims"] if c["id"] == measured.claim.id]
    fresh, moved = rows.row(measured), measured.movement or 0.0
    live = measured.claim.tier == "quick"
    near = {"value", "low", "high", "margin"} if live else set()
    for name in fresh.keys() - near - ({"measured"} if live else set()):
        assert shown[name] == fresh[name], f"{name} differs: run `make book`"
    for name in near:
        if None in (shown[name], fresh[name]):
            assert shown[name] == fresh[name], f"{name} differs: run `make book`"
            continue
        # what other processors moved it by, and two units of the last printed digit
        half = max(measured.estimate.half_width, moved)
        places = rows.numbers.places(fresh[name], 0.0 if name == "margin" else half, digits(name))
        unit = max(10.0**-places, rows.TOLERANCE)
        assert abs(shown[name] - fresh[name]) <= moved + 2 * unit, f"{name}: run `make book`"


def digits(name: str) -> int:
    """How many a number of claims.json has at most."""
    return 2 if name == "margin" else rows.numbers.DIGITS


@pytest.mark.parametrize("slug", PAPERS)
def test_movements_were_measured_on_todays_records(slug):
    found, claims = movements.read(slug), PAPERS[slug].claims
    assert found.claims.keys() <= claims.keys()
    stale = [name for name in found.claims if found.of(claims[name]) is None]
    assert not stale, f"drop them or measure anew by tools/processors.py --full --write: {stale}"


@pytest.mark.parametrize(
    "claim", [c for c in CLAIMS if c.verdict == Verdict.REPRODUCED], ids=lambda claim: claim.id
)
def test_a_claim_that_holds_fails_where_its_mistake_is_planted(claim):
    assert claim.planted, "name the mistake that would break it, or make it a unit test"
    results = claim.planted(*claim.results())
    wrong = claim.measure(*(results if isinstance(results, tuple) else (results,)))
    assert judge(wrong, claim.expect) != Verdict.REPRODUCED, f"still {wrong} with the mistake"


def test_only_a_claim_that_holds_names_a_mistake():
    """Another's would be checked by nobody."""
    assert not [c.id for c in CLAIMS if c.planted and c.verdict != Verdict.REPRODUCED]


def test_site_shows_no_other_claims():
    assert [c["id"] for c in SITE["claims"]] == [claim.id for claim in CLAIMS]


def test_ids_are_unique_and_start_with_the_slug():
    ids = [claim.id for claim in CLAIMS]
    assert len(set(ids)) == len(ids)
    assert all(claim.id.startswith(f"{claim.slug}-") for claim in CLAIMS)


@pytest.mark.parametrize("slug", PAPERS)
def test_records_fit_todays_code(slug):
    """A stale record's message names the command that renews it."""
    stale = []
    for experiment in PAPERS[slug].experiments.values():
        try:
            experiment.check_records()
        except StoreError as error:
            stale.append(str(error))
    assert not stale, "\n".join(stale)


@pytest.mark.parametrize("slug", PAPERS)
def test_no_record_is_left_over(slug):
    folder = Path(registry.home(slug).__path__[0]) / "records"
    known = {p.name for e in PAPERS[slug].experiments.values() for p in e.stored("full")}
    found = {p.stem for p in folder.glob("*.npz")} if folder.exists() else set()
    assert found <= known


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: f"{figure.slug}-{figure.name}")
def test_every_figure_draws_and_has_words(figure):
    drawing, (svg,) = render(figure, "dark", "svg")
    ElementTree.fromstring(svg)  # a browser shows nothing of a file that is not well-formed
    assert len(drawing.alt) > 40, "say in alt what is drawn and what it shows"
    assert drawing.summary, "the summary holds the drawn numbers"


def test_an_arm_looks_the_same_in_every_paper():
    import importlib

    looks: dict[str, tuple] = {}
    for slug in PAPERS:
        look = importlib.import_module(f"replications.papers.{slug}.look")
        assert set(look.COLOR.values()) <= {*OKABE_ITO.values(), OLIVE}
        for arm, color in look.COLOR.items():
            seen = looks.setdefault(arm, (color, look.MARKER.get(arm)))
            assert seen == (color, look.MARKER.get(arm)), f"{arm} looks otherwise elsewhere"
