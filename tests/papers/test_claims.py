"""Every paper's claims: the measured verdict is the published one, and the site shows that."""

import importlib
import json
import math
from pathlib import Path
from xml.etree import ElementTree

import pytest

from replications.cli import slugs
from replications.core.claims import Kind, Measured, measure
from replications.core.store import StoreError

SITE = json.loads((Path(__file__).parents[2] / "chapters" / "claims.json").read_text("utf-8"))
CLAIMS = [
    claim
    for slug in slugs()
    for claim in importlib.import_module(f"replications.papers.{slug}.claims").CLAIMS
]


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_measured_verdict_is_the_published_one(claim):
    (row,) = measure([claim])
    assert row.holds, f"measured {row.verdict}, {row.estimate}; published {claim.verdict}"
    assert_on_site(row)


def assert_on_site(row: Measured):
    """claims.json holds the claim as it is declared and, to three digits, as it is measured."""
    (shown,) = [c for c in SITE["claims"] if c["id"] == row.claim.id]
    fresh = row.row()
    for name in fresh.keys() - {"value", "low", "high"}:
        assert shown[name] == fresh[name], f"{name} differs: run `make book`"
    scale = max(abs(row.estimate.value), row.estimate.high - row.estimate.low)
    if shown["value"] is not None and math.isfinite(scale):
        # 1 %: what another processor's rounding may do to a long float32 run
        assert math.isclose(shown["value"], fresh["value"], rel_tol=0.01, abs_tol=0.01 * scale)


def test_site_shows_no_other_claims():
    assert [c["id"] for c in SITE["claims"]] == [claim.id for claim in CLAIMS]


def test_ids_are_unique_and_start_with_the_slug():
    ids = [claim.id for claim in CLAIMS]
    assert len(set(ids)) == len(ids)
    assert all(claim.id.startswith(f"{claim.experiment.slug}-") for claim in CLAIMS)


@pytest.mark.parametrize("slug", slugs())
def test_a_chapter_judges_paper_blog_control_and_errata(slug):
    kinds = {claim.kind for claim in CLAIMS if claim.experiment.slug == slug}
    assert kinds == set(Kind)


@pytest.mark.parametrize("slug", slugs())
def test_records_fit_todays_code(slug):
    """A stale record's message names the command that renews it."""
    stale = []
    for experiment in importlib.import_module(
        f"replications.papers.{slug}.experiments"
    ).EXPERIMENTS:
        try:
            experiment.check_records()
        except StoreError as error:
            stale.append(str(error))
    assert not stale, "\n".join(stale)


@pytest.mark.parametrize("slug", slugs())
def test_every_figure_draws_and_has_words(slug):
    from replications.core.figures import render

    for name, (draw, experiment, tier) in importlib.import_module(
        f"replications.papers.{slug}.figures"
    ).FIGURES.items():
        drawing, (svg,) = render(draw, experiment.result(tier), "dark", "svg")
        ElementTree.fromstring(svg)  # a browser shows nothing of a file that is not well-formed
        assert len(drawing.alt) > 40, f"{name}: say in alt what is drawn and what it shows"
        assert drawing.summary, f"{name}: the summary holds the drawn numbers"
