"""hypergradients: every way to the hypergradient that the book has, on the same problems.

No single paper is on trial here. The key is that of the paper whose table 1 compares most of the
estimators by their properties; the chapter puts numbers to it.
"""

PAPER = "vicol2021unbiased"
