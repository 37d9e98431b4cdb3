"""Every figure of the Lookahead chapter."""

from replications.papers.lookahead.figures import noise, speed

FIGURES = {**noise.FIGURES, **speed.FIGURES}
