"""Every figure of the Lookahead chapter."""

from replications.papers.lookahead.figures import digits, loops, noise, speed

FIGURES = {**noise.FIGURES, **speed.FIGURES, **digits.FIGURES, **loops.FIGURES}
