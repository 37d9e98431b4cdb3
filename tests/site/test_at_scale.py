"""The numbers of the page "At scale" are those of the records and of the measured growth."""

import json
import re
from pathlib import Path

import at_scale
import measure_growth
import pytest

from replications.core import registry

ROOT = Path(__file__).parents[2]


def test_every_recorded_cell_is_counted_once():
    found = at_scale.records(ROOT)
    declared = {
        (slug, name): len(experiment.configs("full"))
        for slug in registry.slugs()
        for name, experiment in registry.paper(slug).experiments.items()
        if experiment.full is not None
    }
    assert {place: len(cells) for place, cells in found.items()} == declared
    total = sum(cell["seconds"] for cells in found.values() for cell in cells)
    shown = at_scale.cost(ROOT)
    assert f"{sum(declared.values())} cells, {at_scale.duration(total)} of one core" in shown
    assert all(f"| {slug} {name} | {n} × " in shown for (slug, name), n in declared.items())


@pytest.mark.parametrize(
    ("cells", "cores", "expected"),
    [([3, 2, 1], 1, 6), ([3, 2, 1], 2, 3), ([3, 2, 1], 100, 3), ([2, 2, 3, 3, 4], 2, 8)],
)
def test_wall_time(cells, cores, expected):
    assert at_scale.wall(cells, cores) == expected


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.3, "below 1 s"), (1.26, "1.3 s"), (119, "120 s"), (8190, "2.3 h")]
)
def test_durations(seconds, text):
    assert at_scale.duration(seconds) == text


def test_seeds_of_a_cell():
    assert at_scale.together({"seed": 3}) == 1
    assert at_scale.together({"seeds": [0, 1, 2]}) == 3
    assert at_scale.together({"seed": 0, "splits": 32}) == 32
    assert at_scale.together({"choosers": [100], "judges": [0, 1, 2, 3, 4, 5]}) == 7
    cost = at_scale.cost(ROOT)
    for row in ("hypergradients box | 1 × 8", "implicit descent |", "implicit libraries | 1 × 10"):
        assert f"| {row}" in cost
    assert re.search(r"\| implicit descent \| \d+ × 30 \|", cost)


def test_threads_are_those_that_the_records_count(monkeypatch):
    def cell(**machine):
        return {"seconds": 1.0, "config": {}, "machine": {"processor": "P", **machine}}

    cells = {("a", "b"): [cell(), cell(threads=1), cell(threads=2)]}
    monkeypatch.setattr(at_scale, "records", lambda root: cells)
    assert at_scale.cost(ROOT).endswith(
        "on P, torch with one thread in each. 2 count every library's threads: at most 2."
    )


def test_growth_is_of_todays_cases_and_can_be_measured_again():
    rows = json.loads((ROOT / "chapters" / "growth.json").read_text("utf-8"))
    cases = [(slug, name, what, times) for slug, name, what, *_, times in measure_growth.CASES]
    assert [(r["paper"], r["experiment"], r["what"], r["times"]) for r in rows] == cases
    # more work costs more, and at most twice its share: else the measurement was disturbed
    assert all(1.0 <= r["cost"] <= 2 * r["times"] for r in rows)
    share = {(r["paper"], r["what"]): r["cost"] / r["times"] for r in rows}
    seeds = (
        ("lookahead", "seeds"),
        ("implicit", "splits"),
        ("pes", "pairs of particles"),
        ("pes", "hidden units"),
    )
    assert max(share[case] for case in seeds) < 0.7 < share["radam", "seeds"]  # as the page says
    for slug, name, _, small, change, _ in measure_growth.CASES:
        config = registry.paper(slug).experiments[name].configs("quick")[0]
        assert set(small) | set(change) <= set(config.__dataclass_fields__)


def test_the_page_names_no_time_of_its_own():
    """Times stand in the directives' tables, not in the prose."""
    prose = (ROOT / "chapters" / "at-scale.md").read_text("utf-8")
    prose = re.sub(r"```.*?```", "", prose, flags=re.S)
    assert not re.findall(r"\d+ ?(?:s|seconds|min|minutes|h|hours)\b", prose)
