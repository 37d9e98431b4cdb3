"""Every claim of the Lookahead chapter."""

from replications.papers.lookahead.claims import digits, loops, noise, rules, speed

CLAIMS = (*noise.CLAIMS, *speed.CLAIMS, *digits.CLAIMS, *loops.CLAIMS, *rules.CLAIMS)
