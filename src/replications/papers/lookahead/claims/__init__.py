"""Every claim of the Lookahead chapter."""

from replications.papers.lookahead.claims import digits, noise, rules, speed

CLAIMS = (*noise.CLAIMS, *speed.CLAIMS, *digits.CLAIMS, *rules.CLAIMS)
