"""Every claim of the Lookahead chapter."""

from replications.papers.lookahead.claims import quadratic

CLAIMS = (*quadratic.CLAIMS,)
