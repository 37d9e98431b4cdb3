"""Smaller files that show the same figure."""

import io
import re
from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np

from replications.core.compact import compact_png, compact_svg, svg_uri
from replications.core.figures import style


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
