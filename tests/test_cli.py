"""The command line on a paper of two experiments, one claim and one figure."""

import dataclasses
import json
import os
import sys
from importlib.metadata import PackageNotFoundError
from types import SimpleNamespace

import pytest
import xarray as xr
from matplotlib import pyplot as plt

from replications import cli
from replications.core import claims, registry, store
from replications.core.claims import Claim, Verdict, at_most
from replications.core.experiment import Experiment
from replications.core.figures import Drawing, Figure
from tests.core import toy


def draw(result):
    figure, axis = plt.subplots(figsize=(2, 2))
    axis.plot([0, result["total"].item()])
    return Drawing(figure, "A line.", "3")


@pytest.fixture
def paper(monkeypatch, tmp_path):
    monkeypatch.setenv(store.CACHE_VARIABLE, str(tmp_path / "cache"))
    records = tmp_path / "records"
    monkeypatch.setattr(Experiment, "_record", lambda self, i: records / f"{self.name}-{i}")
    monkeypatch.setattr(Claim, "paper", "key")
    monkeypatch.setattr(claims, "movements", lambda slug: {})
    plain = Experiment("toy", "plain", toy.run, toy.Config(3))
    grid = Experiment("toy", "grid", toy.run, (toy.Config(2),), (toy.Config(3), toy.Config(4)), "n")
    claim = toy.toy_claim(on=(plain,))
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


@pytest.fixture
def runs(paper, monkeypatch):
    """The configs that have been run, in order."""
    grid, seen = paper.entries.experiments["grid"], []

    def counted(config):
        seen.append(config.n)
        return toy.run(config)

    counted.__module__ = toy.run.__module__
    monkeypatch.setattr(grid, "run", counted)
    return seen


def test_run_records_and_verify(paper, capsys):
    assert cli.main(["verify"]) == 2
    assert "toy/grid: grid-0 does not exist; renew it" in capsys.readouterr().err
    assert cli.main(["run", "toy", "--tier", "full"]) == 0
    assert "toy/grid: recorded grid-0, grid-1" in capsys.readouterr().out
    assert sorted(p.name for p in paper.records.glob("*.npz")) == ["grid-0.npz", "grid-1.npz"]
    assert cli.main(["verify"]) == 0
    assert capsys.readouterr().out == "all records fit\n"
    assert cli.main(["run", "toy", "--only", "plain"]) == 0
    assert "plain: quick result is in the cache" in capsys.readouterr().out


def test_a_rerun_makes_every_run_again_and_goes_on_where_it_was_stopped(
    paper, runs, capsys, monkeypatch
):
    grid = paper.entries.experiments["grid"]
    assert cli.main(["run", "toy", "--tier", "full"]) == 0
    for _ in range(2):
        runs.clear()
        grid._memory.clear()  # a process of its own
        assert cli.main(["verify", "--rerun"]) == 0
        assert runs == [3, 4]
    out = capsys.readouterr().out
    assert out.endswith(
        "toy/grid: a run here differs nowhere\nall records fit, and so do runs made here\n"
    )

    def stopped(config):
        if config.n == 4:
            raise KeyboardInterrupt
        return toy.run(config)

    stopped.__module__ = toy.run.__module__
    grid._memory.clear()
    with monkeypatch.context() as patched:
        patched.setattr(grid, "run", stopped)
        assert cli.main(["verify", "--rerun"]) == 130
    runs.clear()
    assert cli.main(["verify", "--rerun"]) == 0
    assert runs == [4]


def test_fresh_claims_are_measured_on_runs_made_anew(paper, runs):
    grid = paper.entries.experiments["grid"]
    claim = dataclasses.replace(paper.claim, on=(grid,), tier="full", expect=at_most(9.0, "test"))
    paper.entries.claims["toy-sum"] = claim
    assert cli.main(["run", "toy", "--tier", "full"]) == 0
    runs.clear()
    assert cli.main(["claims", "--fresh"]) == 0
    assert runs == [3, 4]


@pytest.mark.parametrize(
    ("value", "axis", "says"),
    [
        (3.3, 3, "by at most 5.0e-02 of a variable's largest value"),  # the other part is 6
        (float("nan"), 3, "in labels, shapes, words, truth values or the places of nan"),
        (3.0, 5, "in labels, shapes, words, truth values or the places of nan"),
    ],
)
def test_a_record_that_a_run_contradicts_is_exit_1(paper, capsys, value, axis, says):
    grid = paper.entries.experiments["grid"]
    assert cli.main(["run", "toy", "--tier", "full"]) == 0
    path = grid.stored("full")[0]
    about = store.provenance(path)
    other = xr.Dataset({"total": ("n", [value])}, coords={"n": [axis]})
    store.save(path, other, about["digest"], toy.Config(3), about)
    grid._memory.clear()
    assert cli.main(["verify"]) == 0  # the file is whole
    capsys.readouterr()
    assert cli.main(["verify", "--rerun"]) == 1
    out = capsys.readouterr().out
    assert out.startswith(f"toy/grid: a run here differs {says}\n1 of 1 differ by more than 1e-06")
    assert "all records fit" not in out
    if value == 3.3:
        assert cli.main(["verify", "--rerun", "--tolerance", "0.1"]) == 0


def test_a_library_that_is_not_installed_is_one_line_and_the_others_go_on(paper, capsys):
    def outside(config):
        if config.n > 3:
            raise PackageNotFoundError("betty-ml")
        return toy.run(config)

    outside.__module__ = toy.run.__module__
    wanting = Experiment("toy", "outside", outside, toy.Config(2), toy.Config(3))
    paper.entries.experiments = {"outside": wanting} | paper.entries.experiments
    assert cli.main(["run", "toy", "--tier", "full"]) == 0
    wanting.full = toy.Config(4)
    key = store.digest("outside", outside, toy.Config(4))
    about = store.provenance(wanting.stored("full")[0])
    made = toy.run(toy.Config(4))
    store.save(wanting.stored("full")[0], made, key, toy.Config(4), about)
    claim = dataclasses.replace(paper.claim, id="toy-asks", on=(wanting,), tier="full")
    paper.entries.claims = {"toy-asks": claim} | paper.entries.claims
    for arguments, before, goes_on in (
        (["verify", "--rerun"], "", "toy/grid: a run here differs nowhere\n1 of 2 experiments cou"),
        (["run", "toy", "--tier", "full"], "", "toy/grid: recorded grid-0, grid-1\n"),
        (["claims", "--fresh"], "toy-asks: not measured: ", "reproduced      toy-sum"),
    ):
        capsys.readouterr()
        assert cli.main(arguments) == 2
        found = capsys.readouterr()
        assert found.err == (
            f"{before}toy/outside cannot run: No package metadata was found for betty-ml\n"
        )
        assert found.out.startswith(goes_on)


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_figure(paper, tmp_path, kind):
    assert cli.main(["figure", "toy", "line", "-o", str(tmp_path / f"line.{kind}")]) == 0
    assert (tmp_path / f"line.{kind}").stat().st_size > 500


def test_a_figures_data(paper, tmp_path):
    file = tmp_path / "line.csv"
    assert cli.main(["figure", "toy", "line", "-o", str(file)]) == 0
    assert file.read_text() == "variable,n,value,units\ntotal,3,3,1\n"


def test_the_data_of_several_experiments_are_one_table(paper, tmp_path):
    plain, grid = paper.entries.experiments.values()
    paper.entries.figures["line"] = Figure("toy", "line", draw, (plain, grid), "quick")
    file = tmp_path / "line.csv"
    assert cli.main(["figure", "toy", "line", "-o", str(file)]) == 0
    assert file.read_text() == (
        "experiment,variable,n,value,units\nplain,total,3,3,1\ngrid,total,2,1,1\n"
    )


@pytest.mark.parametrize("kind", ["svg", "csv"])
def test_a_figure_that_cannot_be_written_is_one_line(paper, tmp_path, kind, capsys):
    file = tmp_path / "nowhere" / f"line.{kind}"
    assert cli.main(["figure", "toy", "line", "-o", str(file)]) == 2
    assert capsys.readouterr().err == f"{file} cannot be written: No such file or directory\n"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["run", "toy", "--only", "x"], "--only must be one of plain, grid, got x"),
        (["figure", "toy", "x", "-o", "x.png"], "toy has the figures line; not x"),
        (["figure", "toy", "line", "-o", "x.gif"], "-o must end in .svg, .png or .csv, got x.gif"),
        (["verify", "--only", "plain"], "plain has no full preset: nothing is recorded"),
    ],
)
def test_bad_input(paper, args, message, capsys):
    assert cli.main(args) == 2
    assert capsys.readouterr() == ("", f"{message}\n")


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
