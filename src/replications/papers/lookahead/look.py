"""Colours and markers of the arms, the same in every figure."""

from replications.core.figures import OKABE_ITO

COLOR = {
    "theory": OKABE_ITO["grey"],
    "SGD": OKABE_ITO["blue"],
    "SGD at half the lr": OKABE_ITO["sky"],
    "SGD, linear decay": OKABE_ITO["sky"],
    "SGD, averaged": OKABE_ITO["purple"],
    "Lookahead": OKABE_ITO["vermillion"],
    "α = 0.5": OKABE_ITO["orange"],
    "adaptive": OKABE_ITO["green"],
    "fixed": OKABE_ITO["vermillion"],
    "Adam": OKABE_ITO["orange"],
    "Adam at half the lr": OKABE_ITO["grey"],
    "AdamW": OKABE_ITO["orange"],
    "Lookahead(AdamW)": OKABE_ITO["green"],
}
MARKER = {
    "SGD": "o",
    "SGD at half the lr": "s",
    "SGD, linear decay": "s",
    "SGD, averaged": "v",
    "Lookahead": "D",
    "α = 0.5": "d",
    "adaptive": "P",
    "fixed": "D",
    "Adam": "^",
    "Adam at half the lr": "s",
    "AdamW": "^",
    "Lookahead(AdamW)": "P",
}
