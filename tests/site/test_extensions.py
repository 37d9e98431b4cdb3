"""The book's own Sphinx extensions, where the build would not notice an error."""

import re
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import chapter_furniture
import figure_links
import home as home_extension
import icons
import inline_figures
import pytest
import scoreboard
import source_links
import theme_repairs
import walked_links
from pybtex.database import parse_file
from sphinx.highlighting import PygmentsBridge

from replications import papers
from replications.core import notebook, rows
from replications.core.figures import PAPER, PROPERTIES, WIDTH
from tests.core.test_notebook import draw

CHAPTERS = Path(__file__).parents[2] / "chapters"

CLAIM = {
    "id": "a-claim",
    "slug": "lookahead",
    "paper": "zhang2019lookahead",
    "place": "Section <2>",
    "kind": "paper",
    "says": 'x < "y"',
    "band": [None, 1.0],
    "why": "a & b",
    "value": 0.51234,
    "low": 0.4,
    "high": None,
    "n": 10,
    "how": "t",
    "tier": "quick",
    "expected": "≤ 1",
    "measured": "0.5123 [0.4, ∞]",
    "verdict": "not reproduced",
    "outcome": "not reproduced",
    "cell": "fig-a",
    "code": "replications.papers.lookahead.claims.variance:a_claim",
    "runs": [
        {
            "experiment": "chains",
            "code": "replications.papers.lookahead.experiments.chains:chains",
            "record": "lookahead/records/chains-0.json",
            "tier": "full",
            "parts": 3,
            "key": "0123456789ab",
            "processor": "A <processor>",
        }
    ],
    "reference": "Zhang et al. 2019",
    "href": "lookahead.html#fig-a",
}


def test_a_row_says_everything_and_escapes_it():
    row = scoreboard.row(CLAIM)
    for text in (
        'id="a-claim"',
        'data-outcome="not reproduced"',
        '<span class="verdict verdict-not-reproduced">not reproduced</span>',
        '<a href="lookahead.html#fig-a">x &lt; &quot;y&quot;</a>',
        "Section &lt;2&gt;",
        "a &amp; b",
        "≤ 1",
        "0.5123 <small>[0.4, ∞]</small>",
        "n = 10",
        'href="#a-claim"',
        '<code class="source">replications.papers.lookahead.claims.variance:a_claim</code>',
        "the recorded run of <code class=",
        "<code>0123456789ab</code>, first of 3 parts, record <code class=",
        "made on A &lt;processor&gt;",
    ):
        assert text in row


def test_the_headline_keeps_the_kinds_apart():
    kinds = [("paper", "reproduced")] * 2 + [("paper", "not reproduced")]
    kinds += [("erratum", "confirmed"), ("erratum", "not confirmed"), ("control", "inconclusive")]
    headline = scoreboard.tally([{"kind": kind, "outcome": outcome} for kind, outcome in kinds])
    lines = [re.sub(r"<[^>]*>", "", line) for line in headline.split("</li>")]
    assert lines == [
        "2 of 3 statements of the papers are reproduced: 1 not reproduced",
        "1 of 2 errata are confirmed: 1 not confirmed",
        "0 of 1 controls of our own are reproduced: 1 inconclusive",
        "",
    ]


def test_tiles_are_no_stops_of_the_tab_key():
    html = scoreboard.tiles([CLAIM, CLAIM | {"kind": "erratum", "outcome": "confirmed"}])
    assert html.count("<a ") == html.count('tabindex="-1"') == 2
    assert "errata: 1 confirmed" in html
    assert ">✗<" in html and ">✓<" in html


def test_references_are_short():
    papers = parse_file(CHAPTERS / "references.bib").entries
    assert scoreboard.short_reference(papers["zhang2019lookahead"]) == "Zhang et al. 2019"


def test_title_and_first_figure_of_a_chapter():
    html = '<figure id="fig-a" class="replication-figure"><style>x</style><img src="a"/></figure>'
    cells = [
        {"cell_type": "code", "source": "# no title", "outputs": [{"data": {"text/html": html}}]},
        {"cell_type": "markdown", "source": ["# [Re] A\n", "\n", "text"]},
    ]
    assert scoreboard.title({"cells": cells}) == "[Re] A"
    assert scoreboard.first_figure({"cells": cells}) == '<img src="a"/>'
    assert scoreboard.first_figure({"cells": cells[1:]}) == ""


@pytest.mark.parametrize(
    ("url", "shown"), [("https://repository.invalid/a", False), ("https://example.org/a/b", True)]
)
def test_only_a_decided_home_is_linked(url, shown):
    options = {"repository_url": url, "launch_buttons": {"a": 1}, "use_repository_button": True}
    config = SimpleNamespace(html_theme_options=options, html_baseurl="", ogp_site_url="")
    home_extension.set_addresses(None, config)
    assert bool(options["launch_buttons"]) == options["use_repository_button"] == shown
    assert (options["repository_url"] == url) == shown
    assert config.html_baseurl == config.ogp_site_url == ""


def test_the_pages_address_follows_from_the_home():
    assert home_extension.pages_url("https://github.com/A/b") == "https://a.github.io/b/"
    assert home_extension.pages_url("https://github.com/a/a.github.io") == "https://a.github.io/"
    assert home_extension.pages_url("https://gitlab.com/a/b") == "https://a.gitlab.io/b/"
    options = {"repository_url": "https://github.com/a/b"}
    config = SimpleNamespace(html_theme_options=options, html_baseurl="", ogp_site_url="")
    home_extension.set_addresses(None, config)
    assert config.html_baseurl == config.ogp_site_url == "https://a.github.io/b/"


def test_repeated_scripts_are_dropped():
    def script(body):
        return SimpleNamespace(attributes={"body": body} if body else {})

    scripts = [script("a"), script(None), script("a"), script("b"), script(None)]
    context = {"script_files": list(scripts), "body": '<div role="doc-biblioentry">'}
    theme_repairs.drop_repeated_scripts(None, None, None, context, None)
    theme_repairs.citations_are_list_items(None, None, None, context, None)
    assert context["script_files"] == [scripts[0], scripts[1], scripts[3], scripts[4]]
    assert context["body"] == '<div role="listitem">'


def figure_html(name):
    """As a notebook stores it."""
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(notebook, "_display", seen.append)
        notebook.show(lambda: draw([1.0, 2.0]), name)
    return seen[0]["text/html"]


def test_figures_come_inline_with_names_of_their_own():
    html = inline_figures.inline(figure_html("a") + figure_html("b"))
    assert "<img" not in html
    assert html.count("role='img' aria-label=\"A &quot;rising&quot; line.\"") == 2
    svgs = re.findall(r"<svg.*?</svg>", html)
    ids = [re.findall(r"\bid='([^']+)'", svg) for svg in svgs]
    assert ids[0] and not set(ids[0]) & set(ids[1])
    for svg, own in zip(svgs, ids, strict=True):
        assert set(re.findall(r"(?:href='#|url\(#)([^')]+)", svg)) <= set(own)
        rules = re.search(r"<style type='text/css'>(.*?)</style>", svg)[1]
        assert all(rule.startswith(f"#{own[0]} ") for rule in re.findall(r"[^{}]+(?={)", rules))
        ElementTree.fromstring(svg)


def test_dark_colours_of_figures_are_those_of_the_pages():
    css = (CHAPTERS.parent / "_static" / "book.css").read_text(encoding="utf8")
    assert dict(re.findall(r"(--figure-[\w-]+): (#\w+);", css)) == dict(PROPERTIES.values())
    assert f"--pst-color-background: {PAPER['dark']};" in css


def test_named_code_records_and_claims_become_links(tmp_path, monkeypatch):
    (tmp_path / "toy" / "records").mkdir(parents=True)
    (tmp_path / "toy" / "records" / "a-0.npz").touch()
    monkeypatch.setattr(source_links, "PAPERS", tmp_path)
    html = (
        rows.source_html("replications.core.rows:chip")
        + rows.source_html("elsewhere:f")
        + rows.record_html("toy/records/a-0.npz")
        + rows.record_html("toy/records/b-0.npz")
        + '<tr id="claim-here"><a href="#claim-here">1</a><a href="#claim-there">2</a>'
    )
    linked = source_links.linked(html, "../", "scoreboard.html")
    assert re.findall(r'href="([^"]+)"', linked) == [
        "../_modules/replications/core/rows.html#chip",
        "../records/toy/records/a-0.npz",
        "#claim-here",
        "scoreboard.html#there",
    ]
    assert "<code>core.rows:chip</code>" in linked


def test_icons_are_cut_out_of_the_script():
    script = 'x={sun:[512,512,[9728],"f185","M361z"],"angle-left":[320,512,[8249],"f104","M9z"]}'
    html = '<i class="fa-solid fa-sun fa-lg"></i><span class="fas fa-angle-left"></span> fa-none'
    assert icons.names(html) == {"sun", "angle-left"}
    sheet = icons.sheet(script, icons.names(html))
    assert ".fa-sun{" in sheet and "M361z" in sheet and "M9z" in sheet
    with pytest.raises(ValueError, match="no icon moon"):
        icons.shape(script, "moon")
    tag = '<script defer src="../_static/scripts/fontawesome.js?digest=1"></script>'
    assert icons.TAG.search(tag)[1] == "../"


def test_a_chapters_line_explains_its_mark_and_leads_on():
    body = "<h1>[~Re] A</h1>" + f"<p>{'word ' * 500}</p><pre>{'code ' * 900}</pre>"
    assert chapter_furniture.minutes(body) == 2
    found = (chapter_furniture.TITLE.search(text) for text in (body, "<h1>A: the audit</h1>"))
    assert [title[1] for title in found] == ["[~Re]", None]
    line = chapter_furniture.line("[~Re]", body, {"How we judge": "a.html#b"})
    assert "some of the paper’s main statements" in line
    assert '<a href="a.html#b">How we judge</a>' in line
    plain = chapter_furniture.line(None, body, {"How we judge": "a.html#b"})
    assert plain.startswith('<p class="chapter-line">About 2 minutes') and "How we judge" in plain
    assert set(chapter_furniture.MEANS) == {"[Re]", "[~Re]", "[¬Re]"}


def test_only_a_cell_hidden_with_its_output_is_a_solution():
    cell = '<div class="cell tag_{} docutils"><details><summary>Show the code</summary></details>'
    body = chapter_furniture.solutions(cell.format("hide-input") + cell.format("hide-cell"))
    assert re.findall("<summary>(.*?)<", body) == ["Show the code", "Solution"]


def test_dead_links_are_found(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.html").write_text('<p id="here"><a href="#here">1</a><a href="#gone">2</a>')
    (tmp_path / "sub" / "b.html").write_text(
        '<a href="../a.html?x=1#here">1</a><a href="../c.html">2</a><a href="../a.html#no">3</a>'
        '<a href="https://example.org/d">4</a><img src="data:,"/>'
    )
    assert walked_links.dead_links(tmp_path) == [
        "a.html: #gone: no such anchor",
        "sub/b.html: ../a.html#no: no such anchor",
        "sub/b.html: ../c.html: no such file",
    ]


def test_source_pages_have_an_anchor_for_each_function():
    highlight = PygmentsBridge("html").highlight_block
    app = SimpleNamespace(builder=SimpleNamespace(highlighter=SimpleNamespace()))
    app.builder.highlighter.highlight_block = highlight
    pages = {name: context["body"] for name, context, _ in source_links.source_pages(app)}
    assert '<span id="chip"></span>' in pages["_modules/replications/core/rows"]
    assert '<span id="Chapter.show"></span>' in pages["_modules/replications/core/notebook"]
    body = pages["_modules/replications/core/rows"]
    lines = unescape(re.sub(r"<[^>]*>", "", body)).splitlines()
    assert 'def chip(word: str, text: str = "") -> str:' in lines


def test_ids_that_a_notebook_shows():
    outputs = [{"data": {"text/html": ['<figure id="fig-a">', '<i id="b">']}}, {"text": 'id="c"'}]
    cells = [{"source": 'id="d"', "outputs": outputs}, {"source": ""}]
    assert figure_links.shown_ids({"cells": cells}) == {"fig-a", "b"}


def test_letters_of_figures_can_be_read_on_a_phone():
    """There a figure is 600 pixels wide: 8 points are 9 pixels."""
    css = (CHAPTERS.parent / "_static" / "book.css").read_text(encoding="utf8")
    (rem,) = re.findall(r"\.replication-figure > svg \{ min-width: ([\d.]+)rem", css)
    assert 8 * float(rem) * 16 / (72 * WIDTH) > 9
    code = [file.read_text("utf8") for file in Path(papers.__file__).parent.rglob("*.py")]
    sizes = re.findall(r"\b(?:font|label|title)size=([\d.]+)", "\n".join(code))
    assert sizes and min(map(float, sizes)) >= 8


def test_only_the_search_page_loads_the_search_index(tmp_path):
    scripts = "".join(
        f'\n<script src="../{name}.js"></script>'
        for name in ("_static/searchtools", "_static/language_data", "searchindex")
    )
    for name in ("search", "a"):
        (tmp_path / f"{name}.html").write_text(f'<script src="b.js"></script>{scripts}<p>')
    app = SimpleNamespace(builder=SimpleNamespace(format="html"), outdir=tmp_path)
    theme_repairs.only_the_search_page_searches(app, None)
    assert (tmp_path / "a.html").read_text() == '<script src="b.js"></script><p>'
    assert "searchindex" in (tmp_path / "search.html").read_text()


def test_letters_of_the_icon_font_leave_the_style_sheet():
    css = '.fa-sun:before,.fa-a:before{content:"\\f185"}.fa-lg{x:y}.b:before{content:"a"}'
    assert icons.LETTER.sub("", css) == '.fa-lg{x:y}.b:before{content:"a"}'


def test_heavy_pages_are_found(tmp_path, monkeypatch):
    (tmp_path / "chapters").mkdir()
    (tmp_path / "all.js").write_text("x" * 70)
    page = tmp_path / "chapters" / "a.html"
    page.write_text('<script src="../all.js?v=1"></script><script src="../all.js"></script>')
    size = page.stat().st_size
    monkeypatch.setattr(walked_links, "PAGE", size)
    monkeypatch.setattr(walked_links, "SHARED", 70)
    assert not walked_links.too_heavy(tmp_path)
    monkeypatch.setattr(walked_links, "PAGE", size - 1)
    monkeypatch.setattr(walked_links, "SHARED", 69)
    walked_links.page_of.cache_clear()
    assert walked_links.too_heavy(tmp_path) == [
        f"a.html: {size} bytes of page, more than {size - 1}",
        "a.html: 70 bytes of scripts and styles, more than 69",
    ]
