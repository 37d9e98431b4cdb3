"""The command line on a paper of two experiments, one claim and one figure."""

import dataclasses
import json
import os
import sys
from types import SimpleNamespace

import pytest
from matplotlib import pyplot as plt

from replications import cli
from replications.core import claims, registry, store
from replications.core.claims import Claim, Kind, Verdict, at_most
from replications.core.estimates import exact
from replications.core.experiment import Experiment
from replications.core.figures import Drawing, Figure
from tests.core import toy


def draw(result):
    figure, axis = plt.subplots(figsize=(2, 2))
    axis.plot([0, result["total"].item()])
    return Drawing(figure, "A line.", "3")


def total(result):
    return exact(result["total"].sum().item(), "added")


@pytest.fixture
def paper(monkeypatch, tmp_path):
    monkeypatch.setenv(store.CACHE_VARIABLE, str(tmp_path / "cache"))
    records = tmp_path / "records"
    monkeypatch.setattr(Experiment, "_record", lambda self, i: records / f"{self.name}-{i}")
    monkeypatch.setattr(Claim, "paper", "key")
    monkeypatch.setattr(claims, "movements", lambda slug: {})
    plain = Experiment("toy", "plain", toy.run, toy.Config(3))
    grid = Experiment("toy", "grid", toy.run, (toy.Config(2),), (toy.Config(3), toy.Config(4)), "n")
    claim = Claim(
        id="toy-sum",
        slug="toy",
        place="Table 1",
        kind=Kind.PAPER,
        says="The sum is three.",
        expect=at_most(3.0, "integers are exact"),
        on=(plain,),
        tier="quick",
        measure=total,
        verdict=Verdict.REPRODUCED,
        cell="fig-sum",
        page="toy",
    )
    entries = registry.Paper(
        {"plain": plain, "grid": grid},
        {"line": Figure("toy", "line", draw, (plain,), "quick")},
        {"toy-sum": claim},
    )
    monkeypatch.setattr(registry, "slugs", lambda: ["toy"])
    monkeypatch.setattr(registry, "paper", lambda slug: entries)
    return SimpleNamespace(entries=entries, claim=claim, records=records)


def test_list(paper, capsys):
    assert cli.main(["list"]) == 0
    assert "experiment grid (quick, full)" in capsys.readouterr().out


def test_claims(paper, capsys):
    assert cli.main(["claims", "toy"]) == 0
    assert "reproduced      toy-sum: The sum is three." in capsys.readouterr().out
    assert cli.main(["claims", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["claims"]
    assert row["verdict"] == "reproduced"


def test_claims_exits_1_if_a_verdict_differs(paper, capsys):
    wrong = dataclasses.replace(paper.claim, verdict=Verdict.NOT_REPRODUCED)
    paper.entries.claims["toy-sum"] = wrong
    assert cli.main(["claims"]) == 1
    assert "toy-sum: measured reproduced, published not reproduced" in capsys.readouterr().err


def test_a_missing_record_is_one_line_and_exit_2(paper, capsys):
    grid = paper.entries.experiments["grid"]
    paper.entries.claims["toy-sum"] = dataclasses.replace(paper.claim, on=(grid,), tier="full")
    assert cli.main(["claims"]) == 2
    assert capsys.readouterr().err == (
        "grid-0 does not exist; renew it with "
        "`python -m replications run toy --only grid --tier full`\n"
    )


def test_verify_looks_at_the_experiments_of_every_paper_though_names_repeat():
    chosen = cli._chosen(None)
    every = [e for slug in registry.slugs() for e in registry.paper(slug).experiments.values()]
    assert {(e.slug, e.name) for e in chosen} == {(e.slug, e.name) for e in every}
    assert len({e.name for e in every}) < len(every) == len(chosen)
    assert {e.slug for e in cli._chosen(None, "tuned")} == {"lookahead", "radam"}


def test_run_records_and_verify(paper, capsys):
    assert cli.main(["verify"]) == 1
    assert "toy/grid: grid-0 does not exist; renew it" in capsys.readouterr().err
    assert cli.main(["run", "toy", "--tier", "full"]) == 0
    assert "toy/grid: recorded grid-0, grid-1" in capsys.readouterr().out
    assert sorted(p.name for p in paper.records.glob("*.npz")) == ["grid-0.npz", "grid-1.npz"]
    assert cli.main(["verify"]) == 0
    capsys.readouterr()
    assert cli.main(["verify", "--rerun"]) == 0
    assert "toy/grid: a run here differs by at most 0.0e+00" in capsys.readouterr().out
    assert cli.main(["run", "toy", "--only", "plain"]) == 0
    assert "plain: quick result is in the cache" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_figure(paper, tmp_path, kind):
    assert cli.main(["figure", "toy", "line", "-o", str(tmp_path / f"line.{kind}")]) == 0
    assert (tmp_path / f"line.{kind}").stat().st_size > 500


def test_a_figures_data(paper, tmp_path):
    file = tmp_path / "line.csv"
    assert cli.main(["figure", "toy", "line", "-o", str(file)]) == 0
    assert file.read_text() == "variable,n,value,units\ntotal,3,3,1\n"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["run", "toy", "--only", "x"], "--only must be one of plain, grid, got x"),
        (["figure", "toy", "x", "-o", "x.png"], "toy has the figures line; not x"),
        (["figure", "toy", "line", "-o", "x.gif"], "-o must end in .svg, .png or .csv, got x.gif"),
    ],
)
def test_bad_input(paper, args, message):
    with pytest.raises(SystemExit, match=message):
        cli.main(args)


@pytest.mark.parametrize("args", [[], ["claims", "nobody"], ["run", "toy", "--jobs", "0"]])
def test_usage_errors(paper, args, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(args)
    assert stopped.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_a_reader_that_goes_away_is_no_error(paper, monkeypatch, capsys):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        assert cli.main(["list"]) == 141
    assert not capsys.readouterr().err
