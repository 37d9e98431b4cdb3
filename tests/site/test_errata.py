"""The errata page: every erratum has an entry, every entry a claim, and every check runs."""

import json
from pathlib import Path

import errata
import pytest

from replications.core import registry
from replications.core.claims import Kind
from tests.site.test_extensions import CLAIM

CHAPTERS = Path(__file__).parents[2] / "chapters"
ENTRIES = errata.read(CHAPTERS)
CLAIMS = [c for slug in registry.slugs() for c in registry.paper(slug).claims.values()]


def test_every_erratum_has_an_entry_and_every_entry_a_claim():
    missing = {c.id for c in CLAIMS if c.kind == Kind.ERRATUM} - set(ENTRIES)
    assert not missing, f"add them to chapters/{errata.FILE}"
    left_over = set(ENTRIES) - {c.id for c in CLAIMS}
    assert not left_over, f"rename or delete them in chapters/{errata.FILE}"


@pytest.mark.parametrize("name", ENTRIES)
def test_the_check_runs_and_is_short(name):
    lines = ENTRIES[name]["check"].strip().splitlines()
    assert len(lines) == 3
    assert any("assert " in line for line in lines)
    exec("\n".join(lines), {})


def test_a_block_says_all_and_escapes_it():
    entry = {"in": "blog", "source": "a <b>", "stands": "x < y", "right": "y", "check": "assert 1"}
    html = errata.block(CLAIM, entry)
    for text in ("a &lt;b&gt;", "x &lt; y", ">confirmed<", CLAIM["href"], "assert 1"):
        assert text in html
    assert '<a href="https://e.org/">a &lt;b&gt;</a>' in errata.block(
        CLAIM, entry | {"link": "https://e.org/"}
    )


def test_a_wrong_entry_is_refused(tmp_path):
    (tmp_path / errata.FILE).write_text(json.dumps({"a-b": {"in": "paper"}}), encoding="utf8")
    with pytest.raises(ValueError, match="a-b needs check"):
        errata.read(tmp_path)
