"""Papers find what is registered in their modules."""

import pickle

import pytest

from replications.core import registry
from replications.core.figures import figure
from tests.core import toy


def test_slugs_come_from_folders():
    assert registry.slug_of("replications.papers.radam.experiments.variance") == "radam"
    assert registry.slug_of("tests.core.toy") == "toy"


def test_one_name_belongs_to_one_module():
    assert registry.registered("toy").experiments["grid"] is toy.grid
    registry.register("experiments", "toy", "grid", toy.grid, toy.run.__module__)  # a reload
    with pytest.raises(ValueError, match=r"grid is registered twice: in tests.core.toy and in x"):
        registry.register("experiments", "toy", "grid", None, "x")


def test_an_unknown_paper_is_named():
    with pytest.raises(ValueError, match="slug must be one of .*, got 'nobody'"):
        registry.paper("nobody")


def test_workers_find_an_experiment_by_name():
    assert pickle.loads(pickle.dumps(toy.grid)) is toy.grid
    assert toy.grid(toy.Config(4))["total"].item() == 6
    assert toy.grid.__doc__ == toy.run.__doc__


def test_a_figure_is_drawn_from_records_where_all_its_experiments_have_them():
    def draw(*results):
        """Nothing."""

    for name, on in {"a": toy.grid, "b": toy.plain, "c": (toy.grid, toy.plain)}.items():
        assert figure(on=on, name=name)(draw) is draw
    figure(on=toy.grid, name="d", tier="quick")(draw)
    found = registry.registered(registry.slug_of(__name__)).figures
    assert [found[name].tier for name in "abcd"] == ["full", "quick", "quick", "quick"]
