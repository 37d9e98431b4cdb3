"""Colours and markers of the methods, the same in every figure."""

from replications.core.figures import OKABE_ITO

OLIVE = "#9A8F00"
"""Okabe and Ito's yellow, darkened: lines and letters in yellow vanish on white."""

COLOR = {
    "theory": OKABE_ITO["grey"],
    "PES": OKABE_ITO["vermillion"],
    "NRES": OKABE_ITO["green"],
    "truncated ES": OKABE_ITO["blue"],
    "full ES": OKABE_ITO["purple"],
    "truncated BPTT": OKABE_ITO["sky"],
    "RTRL": OKABE_ITO["orange"],
    "UORO": OLIVE,
    "BPTT": OKABE_ITO["grey"],
    "random search": OKABE_ITO["orange"],
    "CMA-ES": OLIVE,
    "Adam": OKABE_ITO["orange"],
    "SGD with momentum": OKABE_ITO["grey"],
}
MARKER = {
    "PES": "D",
    "NRES": "^",
    "truncated ES": "o",
    "full ES": "P",
    "truncated BPTT": "s",
    "RTRL": "v",
    "UORO": "h",
    "BPTT": "X",
    "random search": "*",
    "CMA-ES": "p",
    "Adam": "^",
    "SGD with momentum": "X",
}


def method(arm: str) -> str:
    """The method of an arm, without its settings."""
    return arm.split(",")[0]
