"""Moving pictures: what stands without a script, and what a browser does with one."""

from pathlib import Path

import pytest

from replications.core.moving import MovingPicture, Slider
from tests.site.browser import needs_browser, opened

SCRIPT = """
(svg, index, value, data) => {
  svg.querySelector("circle").setAttribute("r", value[0] * data.scale);
  return `radius <b>${value[0]}</b> at position ${index[0]}, ${value[1]}`;
}
"""


def picture(tmp_path: Path, play: int | None = None) -> MovingPicture:
    script = tmp_path / "circle.js"
    script.write_text(SCRIPT)
    return MovingPicture(
        name="circle",
        alt="a circle <of> its own",
        size=(100, 50),
        still='<circle r="20"/>',
        sentence="radius <b>2</b>",
        sliders=(Slider("radius", (1, 2, 3.5), 2), Slider("colour", ("red", "blue"), "red")),
        script=script,
        data={"scale": 10, "end": "</script>"},
        play=play,
    )


def test_the_still_picture_needs_no_script(tmp_path):
    text = picture(tmp_path)._repr_html_().split("<script>")[0]
    assert '<circle r="20"/>' in text and "radius <b>2</b>" in text
    assert 'aria-label="a circle &lt;of&gt; its own"' in text
    assert text.count("type='range'") == 2 and "<output>2</output>" in text
    assert "button" not in text
    assert "<button" in picture(tmp_path, play=0)._repr_html_()


def test_data_cannot_end_the_script(tmp_path):
    assert picture(tmp_path)._repr_html_().count("</script>") == 1


def test_it_prints_as_its_description(tmp_path):
    assert repr(picture(tmp_path)) == "moving picture: a circle <of> its own"


def test_a_slider_starts_at_one_of_its_values():
    with pytest.raises(ValueError, match="'k' cannot start at 4"):
        Slider("k", (1, 5), 4)


@needs_browser
def test_a_slider_moves_the_picture_in_a_browser(tmp_path):
    page = tmp_path / "page.html"
    move = """<script>
const input = document.querySelectorAll("input")[0]; input.value = 2;
input.dispatchEvent(new Event("input", {bubbles: true}));
</script>"""
    page.write_text(f"<body>{picture(tmp_path)._repr_html_()}{move}</body>")
    found = opened(page.as_uri(), tmp_path / "profile")
    assert '<circle r="35">' in found
    assert "radius <b>3.5</b> at position 2, red" in found
    assert 'aria-valuetext="3.5"' in found


@needs_browser
def test_the_button_plays_to_the_end_in_a_browser(tmp_path):
    page = tmp_path / "page.html"
    click = "<script>document.querySelector('button').click();</script>"
    page.write_text(f"<body>{picture(tmp_path, play=0)._repr_html_()}{click}</body>")
    assert "radius <b>3.5</b> at position 2, red" in opened(page.as_uri(), tmp_path / "profile")
