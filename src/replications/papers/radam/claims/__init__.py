"""Every claim of the RAdam chapter."""

from replications.papers.radam.claims import code, practice, theory, training

CLAIMS = (*theory.CLAIMS, *training.CLAIMS, *practice.CLAIMS, *code.CLAIMS)
