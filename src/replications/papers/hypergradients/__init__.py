"""hypergradients: every way to the hypergradient that the book has, on the same problems.

No single paper is on trial here, so there is a name in place of a bibliography key.
"""

PAPER = "Across papers: hypergradients"
