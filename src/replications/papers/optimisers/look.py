"""Colours and markers of the arms, the same in every figure."""

from replications.core.figures import OKABE_ITO

COLOR = {
    "Adam": OKABE_ITO["orange"],
    "warm-up": OKABE_ITO["purple"],
    "RAdam": OKABE_ITO["green"],
    "Lookahead(Adam)": OKABE_ITO["vermillion"],
    "Lookahead(RAdam)": OKABE_ITO["blue"],
    "Adam, averaged": OKABE_ITO["sky"],
}
MARKER = {
    "Adam": "^",
    "warm-up": "P",
    "RAdam": "v",
    "Lookahead(Adam)": "D",
    "Lookahead(RAdam)": "H",
    "Adam, averaged": "s",
}
