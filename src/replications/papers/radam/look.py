"""Colours and markers of the arms, the same in every figure."""

from replications.core.figures import OKABE_ITO, OLIVE

COLOR = {
    "theory": OKABE_ITO["grey"],
    "SGD": OKABE_ITO["blue"],
    "Adam": OKABE_ITO["orange"],
    "RAdam": OKABE_ITO["green"],
    "warm-up": OKABE_ITO["purple"],
    "Adam-2k": OKABE_ITO["sky"],
    "Adam-eps": OLIVE,
    "Adam-2k restarted": OKABE_ITO["sky"],
    "uncorrected": OKABE_ITO["orange"],
    "warm-up 10": OKABE_ITO["purple"],
    "warm-up 2000": OKABE_ITO["purple"],
    "warm-up 30": OKABE_ITO["purple"],
    "warm-up 100": OKABE_ITO["purple"],
    "warm-up 400": OKABE_ITO["purple"],
    "pre-LN Adam": OKABE_ITO["orange"],
    "skip": OKABE_ITO["blue"],
}
MARKER = {
    "SGD": "o",
    "Adam": "^",
    "RAdam": "v",
    "warm-up": "P",
    "Adam-2k": "X",
    "Adam-eps": "h",
    "warm-up 30": "<",
    "warm-up 100": "P",
    "warm-up 400": ">",
    "skip": "s",
}
