"""What the paper, its follow-up, a blog dialogue, public code and our controls claim about PES."""

from replications.papers.pes.claims import estimators, training

CLAIMS = (*estimators.CLAIMS, *training.CLAIMS)
