"""The page of benchmarks says what the stored results say."""

import json
import re

import pytest

from benchmarks.page import PAGE, RESULTS, page

STORED = json.loads(RESULTS.read_text(encoding="utf8"))


def rows(*ratios):
    """A table of our time and of peers', as ratios to ours."""
    names = ("ours", "optax, jit", "torch RAdam")
    return {
        "script": "radam",
        "title": "A step",
        "note": "",
        "rows": [
            {"name": name, "median": x, "low": x, "high": x, "milliseconds": 10 * x}
            for name, x in zip(names, ratios, strict=False)
        ],
    }


def test_page_and_results_agree():
    assert PAGE.read_text(encoding="utf8") == page(STORED), "python benchmarks/page.py --write"


def test_every_peer_has_its_version():
    peers = [row for row in re.findall(r"^\| ([^*|]+?) \| (.*?) \|", page(STORED), re.M) if row[0]]
    assert {"betty-ml", "torchopt", "optax, jit"} <= {name for name, _ in peers}
    units = ("one gradient", "five steps of")  # torch, as the page says at its head
    assert all(version for name, version in peers if not name.startswith(units))


@pytest.mark.parametrize(
    ("ratios", "plainly"),
    [
        ((1.0, 2.0, 3.0), "Nowhere in this run."),
        ((1.0, 0.5, 3.0), "- A step: optax, jit is 2.00 times as fast."),
        ((1.0, 2.0, 1.01), "- A step: torch RAdam is as fast."),
    ],
)
def test_where_we_are_not_the_fastest_stands_first(ratios, plainly):
    text = page({**STORED, "tables": [rows(*ratios)]})
    (worse,) = re.findall(r"## Where we are not the fastest\n\n(.*?)\n\n", text, re.S)
    assert worse == plainly


def test_no_host_is_named():
    assert set(STORED) == {"date", "machine", "python", "versions", "tables"}
