"""How the book prints a number: with the digits that its interval and another processor carry.

Prose, tables, figures' summaries, claims.json and the command line all print by these functions.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

MAKES_NO_NUMBERS = True  # no part of a result's key, see `digest`

DIGITS = 4
"""Significant digits of a number whose interval is narrower than that, or that has none."""
ROUNDING = 1e-9
"""Below this a number is taken for rounding, which differs between processors."""


def places(x: float, half_width: float = 0.0, digits: int = DIGITS) -> int:
    """Decimal places to print, negative for tens and hundreds.

    Two digits of the interval's half-width, but at most `digits` significant ones of the number.
    """
    largest = digits - 1 - _exponent(x) if x else digits - 1
    return min(largest, 1 - _exponent(half_width)) if half_width > 0 else largest


def rounded(x: float, half_width: float = 0.0, digits: int = DIGITS) -> float:
    """The number as :func:`number` prints it; infinities stay."""
    if not math.isfinite(x) or (half_width == 0 and x == round(x) and abs(x) < 1e15):
        return x
    return round(x, places(x, half_width, digits)) + 0.0  # + 0.0: no minus zero


def number(x: float, half_width: float = 0.0, digits: int = DIGITS, *, sign: bool = False) -> str:
    """A number as text.

    Args:
        x: the number; a whole number without an interval is a count and keeps all its digits.
        half_width: of its interval; 0 for none.
        digits: significant digits at most. Give fewer where another processor would print others:
            three for a float32 result.
        sign: show a plus, too.
    """
    x, half_width = float(x), float(half_width)
    if math.isnan(x):
        return "nan"
    if math.isinf(x):
        return "∞" if x > 0 else "−∞"
    short = rounded(x, half_width, digits)
    mark = "−" if short < 0 else "+" if sign else ""
    size = abs(short)
    if half_width == 0 and x == round(x) and size < 1e15:
        return f"{mark}{size:,.0f}"
    decimals = places(x, half_width, digits)
    if size and not 1e-4 <= size < 1e6:
        text = f"{size:.{max(0, decimals + _exponent(size))}e}".replace("e-0", "e-")
        text = text.replace("e+0", "e").replace("e+", "e")
    else:
        text = f"{size:,.{max(0, decimals)}f}"
    return mark + (text if half_width else _tidy(text))  # an interval's digits keep their zeros


def constant(x: float) -> str:
    """A number that somebody wrote down, such as the edge of a band: as it was written."""
    return number(x) if not math.isfinite(x) or x == round(x) else _tidy(f"{x:.6g}")


def row(values: Iterable[float], digits: int = 3) -> str:
    """Numbers side by side, for a figure's summary."""
    return " ".join(number(x, digits=digits) for x in values)


def error(x: float, limit: float = ROUNDING) -> str:
    """A numerical error: "below 1e-9" where it is, since nothing smaller survives a processor."""
    return f"below {limit:.0e}".replace("e-0", "e-") if abs(x) < limit else number(x, digits=2)


def _tidy(text: str) -> str:
    """A real minus; an exponent without plus and leading zero; no zeros after the last digit."""
    mantissa, _, exponent = text.replace("-", "−", int(text.startswith("-"))).partition("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa


def _exponent(x: float) -> int:
    return math.floor(math.log10(abs(x)))
