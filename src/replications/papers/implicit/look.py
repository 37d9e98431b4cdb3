"""Colours and markers of the solvers and arms, the same in every figure."""

from replications.core.figures import OKABE_ITO

COLOR = {
    "theory": OKABE_ITO["grey"],
    "Neumann": OKABE_ITO["vermillion"],
    "CG": OKABE_ITO["blue"],
    "unrolled": OKABE_ITO["green"],
    "no decay": OKABE_ITO["blue"],
    "log, K=20": OKABE_ITO["vermillion"],
    "uniform 1e-2": OKABE_ITO["orange"],
    "validation": OKABE_ITO["vermillion"],
    "test": OKABE_ITO["blue"],
}
MARKER = {"Neumann": "D", "CG": "o", "unrolled": "^"}
