"""The experiments of the Lookahead chapter, one file each."""

from replications.core.experiment import Experiment
from replications.papers.lookahead.experiments import variance

VARIANCE = Experiment("lookahead", "variance", variance.run, variance.QUICK, variance.FULL)

EXPERIMENTS = (VARIANCE,)
