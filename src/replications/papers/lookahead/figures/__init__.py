"""Every figure of the Lookahead chapter."""

from replications.papers.lookahead.figures import quadratic

FIGURES = {**quadratic.FIGURES}
