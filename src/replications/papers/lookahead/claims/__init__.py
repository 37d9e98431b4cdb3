"""Every claim of the Lookahead chapter."""

from replications.papers.lookahead.claims import noise, speed

CLAIMS = (*noise.CLAIMS, *speed.CLAIMS)
