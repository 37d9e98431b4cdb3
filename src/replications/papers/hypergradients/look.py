"""Colours and markers of the ways, the same in every figure."""

from replications.core.figures import OKABE_ITO, OLIVE

COLOR = {
    "implicit, exact": OKABE_ITO["grey"],
    "implicit, CG": OKABE_ITO["blue"],
    "implicit, Neumann": OKABE_ITO["sky"],
    "last steps": OKABE_ITO["green"],
    "reverse mode": OKABE_ITO["green"],
    "truncated BPTT": OKABE_ITO["sky"],
    "forward mode": OKABE_ITO["orange"],
    "differences": OKABE_ITO["orange"],
    "UORO": OLIVE,
    "full ES": OKABE_ITO["purple"],
    "PES": OKABE_ITO["vermillion"],
    "NRES": OKABE_ITO["green"],
    "truncated ES": OKABE_ITO["blue"],
    "random search": OKABE_ITO["orange"],
    "Gaussian process": OKABE_ITO["grey"],
}
MARKER = {
    "implicit, exact": "8",
    "implicit, CG": "<",
    "implicit, Neumann": ">",
    "last steps": "1",
    "reverse mode": "d",
    "truncated BPTT": "s",
    "forward mode": "p",
    "differences": "x",
    "UORO": "h",
    "full ES": "P",
    "PES": "D",
    "NRES": "^",
    "truncated ES": "o",
    "random search": "*",
    "Gaussian process": "H",
}
