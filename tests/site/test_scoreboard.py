"""The scoreboard's script in a real browser, from a file."""

import re
from html import unescape

import pytest
import scoreboard

from tests.site.browser import needs_browser, opened
from tests.site.test_extensions import CLAIM

CLAIMS = [
    CLAIM | {"id": name, "says": says, "kind": kind, "outcome": outcome, "slug": slug}
    for name, says, kind, outcome, slug in (
        ("la-one", "the first of all", "paper", "reproduced", "lookahead"),
        ("la-two", "a second sentence", "erratum", "confirmed", "lookahead"),
        ("ra-one", "the first again", "paper", "not reproduced", "radam"),
        ("ra-all", "a last sentence", "control", "reproduced", "radam"),
    )
]


@pytest.mark.parametrize(
    ("address", "seen", "output"),
    [
        ("", "la-one la-two ra-one ra-all", "4 of 4 claims: 2 reproduced, 1 confirmed, 1 not"),
        ("?kind=paper", "la-one ra-one", "2 of 4 claims: 1 reproduced, 1 not reproduced"),
        ("?q=sentence+LAST", "ra-all", "1 of 4 claims: 1 reproduced"),
        ("?sort=id", "la-one la-two ra-all ra-one", "4 of 4 claims"),
        ("?folded=radam", "la-one la-two", "4 of 4 claims"),
        ("?folded=radam#ra-one", "la-one la-two ra-one ra-all", "4 of 4 claims"),
        ("?outcome=confirmed#ra-one", "la-one la-two ra-one ra-all", "4 of 4 claims"),
        ("?kind=nonsense", "la-one la-two ra-one ra-all", "4 of 4 claims"),
    ],
)
@needs_browser
def test_the_address_says_what_is_shown(address, seen, output, tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<!doctype html>" + "".join(scoreboard.board(CLAIMS)), encoding="utf8")
    html = opened(page.as_uri() + address, tmp_path / "profile")
    rows = re.findall(r'<tr id="([^"]+)"([^>]*)>', html)
    assert [name for name, rest in rows if "hidden" not in rest] == seen.split()
    assert output in unescape(re.sub(r"<[^>]*>", "", html))
    assert 'class="scoreboard-filter" hidden' not in html


def test_claims_that_were_not_tried_elsewhere_are_named(monkeypatch):
    known = {"tier": "full", "movement": 0.1, "verdict": "inconclusive", "unmoved": "reproduced"}
    claims = [
        known | {"id": "moved"},
        known | {"id": "still", "movement": 0.0, "verdict": "reproduced"},
        known | {"id": "unknown", "movement": None, "verdict": "reproduced"},
        known | {"id": "live", "tier": "quick", "movement": None},
    ]
    monkeypatch.setattr(scoreboard.Movements, "load", lambda self: claims)
    monkeypatch.setattr(scoreboard.Movements, "uri", lambda self, page: page)
    monkeypatch.setattr(scoreboard.Movements, "html", lambda self, text: text)
    said = re.sub(r"<[^>]*>", "", Said().run())
    assert said == (
        "Of 3 claims on recorded runs 1 move at all. 1 are inconclusive by that alone: moved. "
        "Not measured: unknown."
    )


class Said(scoreboard.Movements):
    def __init__(self):  # without a page around it
        pass
