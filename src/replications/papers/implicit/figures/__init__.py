"""Every figure of the chapter on implicit hyperparameter optimization."""

from replications.papers.implicit.figures import large, study, theory

FIGURES = {**study.FIGURES, **theory.FIGURES, **large.FIGURES}
