"""Make matplotlib's files small: a chapter holds a dozen figures, each in two themes and as PNG.

An SVG keeps its geometry to a hundredth of a point, long curves to a tenth, and loses what only
editors read; repeated styles become classes. A PNG gets a palette. Both look the same and take a
third of the bytes.
"""

from __future__ import annotations

import io
import re

LONG = 30
"""Points of a curve from which on a tenth of a point is enough."""
PALETTE = 128
"""Colours of a PNG: a figure's few, and their blends at the edges of letters."""


def compact_svg(svg: bytes) -> bytes:
    """Shorten an SVG file of matplotlib, for use as an image of its own."""
    text = svg.decode()
    editors = r"<\?xml.*?\?>|<!DOCTYPE.*?>|<!--.*?-->|<metadata>.*?</metadata>"
    text = re.sub(editors, "", text, flags=re.DOTALL)
    text = re.sub(r"<[^>]*>", lambda tag: _rounded(tag[0]), text)  # coordinates, never labels
    text = re.sub(r'<g id="[^"]*"', "<g", text)  # nothing refers to groups
    text = _without_plain_groups(re.sub(r"<g\b[^>]*/>", "", text))
    text = re.sub(r">\s+<", "><", re.sub(r"\s+", " ", text))
    text = re.sub(r'(?<= d=")M[^"]*(?=")', lambda m: _by_steps(m[0]), text)
    classes: dict[str, str] = {}

    def known(match: re.Match[str]) -> str:
        return f'class="{classes.setdefault(match[1], f"s{len(classes)}")}"'

    text = re.sub(r'style="([^"]*)"', known, text)
    for number, name in enumerate(re.findall(r' id="([^"]*)"', text)):
        text = re.sub(rf'(id="|#){re.escape(name)}\b', rf"\g<1>i{number}", text)
    text = text.replace("xlink:href", "href")
    rules = "".join(f".{key}{{{rule}}}" for rule, key in classes.items())
    return text.strip().replace("</style>", f"{rules}</style>", 1).encode()


def _rounded(tag: str) -> str:
    tag = re.sub(r' transform="rotate\(-?0 [^)]*\)"', "", tag)
    decimals = 1 if tag.count("L") + tag.count("C") > LONG and tag.startswith("<path") else 2
    return re.sub(r"-?\d+\.\d+", lambda m: _short(float(m[0]), decimals), tag)


def _by_steps(path: str) -> str:
    """A path without spaces that it can do without; a polyline by its steps, which are short."""
    tokens = re.findall(r"[A-Za-z]|-?[\d.]+", path)
    letters = [token for token in tokens if token.isalpha()]
    if not set(letters) <= {"M", "L", "z"}:
        return re.sub(r" ?([MLQCz]) ?", r"\1", path)
    parts: list[str] = []
    x = y = 0.0
    numbers = (float(token) for token in tokens if not token.isalpha())
    for letter in letters:
        if letter == "z":
            parts.append(letter)
            continue
        x0, y0, x, y = x, y, next(numbers), next(numbers)
        if letter == "M":
            parts.append(f"M{_short(x, 2)} {_short(y, 2)}")
        elif (x, y) != (x0, y0) or len(letters) <= LONG:  # long curves stand still at times
            step = (re.sub(r"^(-?)0\.", r"\1.", _short(d, 2)) for d in (x - x0, y - y0))
            parts.append(("l" if parts[-1][0] in "Mz" else " ") + " ".join(step))
    return "".join(parts).replace(" -", "-")


def _short(x: float, decimals: int) -> str:
    text = f"{x:.{decimals}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _without_plain_groups(text: str) -> str:
    kept, plain = [], []
    for part in re.split(r"(<g\b[^>]*>|</g>)", text):
        if part.startswith("<g"):
            plain.append(part == "<g>")
        if not (part == "<g>" or (part == "</g>" and plain.pop())):
            kept.append(part)
    return "".join(kept)


def compact_png(png: bytes) -> bytes:
    """Give a PNG file a palette in which each of its lines keeps its colour.

    Colours enter one by one, the one that is worst off first: its distance from those that are in,
    times the fourth root of its pixels. Pillow's own palettes divide by pixels, and a thin line
    takes its neighbour's colour.
    """
    import numpy as np
    from PIL import Image  # comes with matplotlib

    image = Image.open(io.BytesIO(png)).convert("RGB")
    pixels = np.asarray(image, dtype=np.uint32) @ np.array([1 << 16, 1 << 8, 1], dtype=np.uint32)
    found, places, counts = np.unique(pixels, return_inverse=True, return_counts=True)
    colors = np.stack([found >> 16, found >> 8 & 255, found & 255], axis=1).astype(float)
    chosen, nearest = [], np.zeros(len(found), dtype=np.uint8)
    apart = np.full(len(found), 4 * 255.0**2)  # of each colour from the nearest one in the palette
    for number in range(min(PALETTE, len(found))):
        chosen.append(int(np.argmax(apart * np.sqrt(counts))))
        distance = ((colors - colors[chosen[-1]]) ** 2).sum(axis=1)
        nearest[distance < apart] = number
        apart = np.minimum(apart, distance)
    small = Image.fromarray(nearest[places].reshape(pixels.shape))
    small.putpalette(colors[chosen].astype(np.uint8).tobytes())
    buffer = io.BytesIO()
    small.save(buffer, format="png", optimize=True)
    return buffer.getvalue()


def svg_uri(svg: bytes) -> str:
    """An SVG as a data address: a quarter shorter than in base64."""
    text = svg.decode().replace('"', "'")
    for char, code in (("%", "%25"), ("#", "%23"), ("<", "%3C"), (">", "%3E"), ("&", "%26")):
        text = text.replace(char, code)
    return f"data:image/svg+xml,{text}"
