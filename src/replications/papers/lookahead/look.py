"""Colours and markers of the arms, the same in every figure."""

from replications.core.figures import OKABE_ITO

COLOR = {
    "theory": OKABE_ITO["grey"],
    "SGD": OKABE_ITO["blue"],
    "SGD at half the lr": OKABE_ITO["sky"],
    "SGD with decay": OKABE_ITO["sky"],
    "SGD, averaged": OKABE_ITO["purple"],
    "Lookahead": OKABE_ITO["vermillion"],
    "adaptive": OKABE_ITO["green"],
    "fixed": OKABE_ITO["vermillion"],
    "Adam": OKABE_ITO["orange"],
    "Adam at half the lr": OKABE_ITO["orange"],
}
MARKER = {
    "SGD": "o",
    "SGD at half the lr": "s",
    "Lookahead": "D",
    "adaptive": "P",
    "fixed": "D",
    "Adam": "^",
    "Adam at half the lr": "s",
}
