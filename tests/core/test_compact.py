"""Smaller files that show the same figure."""

import io
import re
from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np
import pytest

from replications.core.compact import compact_png, compact_svg, svg_uri
from replications.core.figures import INK, OKABE_ITO, OLIVE, style


def encoded(kind):
    from matplotlib import pyplot as plt

    buffer = io.BytesIO()
    with style():
        figure, axes = plt.subplots(figsize=(3, 2))
        axes.plot(np.linspace(0, 1, 50) ** 2, label="a < b & 50 %")
        axes.legend()
        axes.fill_between([], [])  # an empty group
        axes.set_title("0.12345")
        figure.savefig(buffer, format=kind, facecolor="white")
        plt.close(figure)
    return buffer.getvalue()


def test_svg_is_smaller_and_still_whole():
    svg = encoded("svg")
    small = compact_svg(svg)
    assert len(small) < 0.75 * len(svg)
    count = [len(list(ElementTree.fromstring(x).iter("{*}path"))) for x in (svg, small)]
    assert count[0] == count[1]
    assert compact_svg(small) == small
    assert b">0.12345<" in small  # labels keep their digits


def points(path):
    """The places that a path visits, for each command by itself."""
    x = y = 0.0
    for letter, numbers in re.findall(r"([MLl])([^A-Za-z]*)", path):
        values = [float(n) for n in re.findall(r"-?\d*\.?\d+", numbers)]
        for dx, dy in zip(values[::2], values[1::2], strict=True):
            x, y = (x + dx, y + dy) if letter == "l" else (dx, dy)
            yield round(x, 2), round(y, 2)


def test_a_curve_goes_where_it_went():
    rng = np.random.default_rng(0)
    places = np.round(rng.normal(scale=3, size=(60, 2)), 2)
    places[20] = places[19]  # it stands still
    path = "M " + " L ".join(f"{x} {y}" for x, y in places) + " z M 1.5 -0.25 L 1.5 -0.25"
    svg = f'<svg><path d="{path}"/><path d="M 0.12 0.34 L 1.47 -0.33"/></svg>'.encode()
    found, short = re.findall(r' d="([^"]*)"', compact_svg(svg).decode())
    went = np.array(list(points(found)))
    wanted = np.delete([*places, [1.5, -0.25], [1.5, -0.25]], [20, 61], axis=0)
    assert len(found) < 0.7 * len(path)
    assert found.count("z") == 1 and found.count("M") == 2
    assert [*points(short)] == [(0.12, 0.34), (1.47, -0.33)]  # of few points: hundredths
    assert went == pytest.approx(wanted, abs=0.0501)


def test_names_are_short_and_lead_somewhere():
    text = compact_svg(encoded("svg")).decode()
    names = re.findall(r' id="([^"]*)"', text)
    assert names == [f"i{number}" for number in range(len(names))]
    assert {*re.findall(r'href="#([^"]*)"', text), *re.findall(r"url\(#([^)]*)\)", text)} <= {
        *names
    }


def test_every_group_is_closed():
    text = compact_svg(encoded("svg")).decode()
    assert text.count("<g") == text.count("</g>")


def test_uri_can_stand_in_an_attribute_and_comes_back():
    small = compact_svg(encoded("svg"))
    uri = svg_uri(small)
    assert not set(uri) & set('"<>#&')
    text = unquote(uri.removeprefix("data:image/svg+xml,"))
    assert ElementTree.canonicalize(text) == ElementTree.canonicalize(small.decode())


def test_png_is_smaller_and_looks_the_same():
    from PIL import Image

    png = encoded("png")
    small = compact_png(png)
    assert len(small) < 0.6 * len(png)
    before, after = (
        np.asarray(Image.open(io.BytesIO(x)).convert("RGB"), float) for x in (png, small)
    )
    assert np.abs(before - after).mean() < 1  # of 255: a palette only moves blends


def test_every_colour_of_the_look_survives_in_a_png():
    """With few pixels each, beside a picture of hundreds of colours that takes most of the area."""
    from matplotlib import pyplot as plt
    from PIL import Image

    buffer = io.BytesIO()
    with style():
        figure, (left, right) = plt.subplots(1, 2, figsize=(5, 2))
        left.imshow(np.arange(900.0).reshape(30, 30), cmap="viridis", aspect="auto")
        for height, color in enumerate([*OKABE_ITO.values(), OLIVE]):
            right.plot([0, 1], [height, height + 0.5], color=color, lw=1, alpha=1)
            right.text(0.5, height, "words", color=INK["light"])
        figure.savefig(buffer, format="png", dpi=130, facecolor="white")
        plt.close(figure)
    pixels = np.asarray(Image.open(io.BytesIO(buffer.getvalue())).convert("RGB")).reshape(-1, 3)
    kept = np.asarray(Image.open(io.BytesIO(compact_png(buffer.getvalue()))).convert("RGB"))
    for color in (*OKABE_ITO.values(), OLIVE, INK["light"]):
        wanted = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
        drawn = np.abs(pixels.astype(int) - wanted).max(axis=1) <= 1
        assert drawn.sum() > 20, color  # else the drawing asks nothing
        assert np.abs(kept.reshape(-1, 3)[drawn].astype(int) - wanted).max() <= 10, color
