"""Colours and markers of the arms, the same in every figure."""

from replications.core.figures import OKABE_ITO

COLOR = {
    "Adam": OKABE_ITO["orange"],
    "RAdam": OKABE_ITO["green"],
    "linear": OKABE_ITO["purple"],
    "exponential": OKABE_ITO["blue"],
    "short": OKABE_ITO["sky"],
    "long": OKABE_ITO["vermillion"],
}
MARKER = {"Adam": "^", "RAdam": "v", "linear": "P", "exponential": "o", "short": "<", "long": ">"}
