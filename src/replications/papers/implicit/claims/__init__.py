"""Every claim of the chapter on implicit hyperparameter optimization."""

from replications.papers.implicit.claims import large, study, theory

CLAIMS = (*theory.CLAIMS, *study.CLAIMS, *large.CLAIMS)
