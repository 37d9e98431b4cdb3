"""Colours and markers of the arms, the same in every figure."""

from replications.core.figures import OKABE_ITO

COLOR = {"mean": OKABE_ITO["blue"], "median": OKABE_ITO["vermillion"]}
MARKER = {"mean": "o", "median": "D"}
