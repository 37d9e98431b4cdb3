"""Every figure of the RAdam chapter."""

from replications.papers.radam.figures import practice, theory, training

FIGURES = {**training.FIGURES, **theory.FIGURES, **practice.FIGURES}
