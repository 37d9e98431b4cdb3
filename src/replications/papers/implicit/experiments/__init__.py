"""The experiments of the chapter on implicit hyperparameter optimization."""

from replications.core.experiment import Experiment
from replications.papers.implicit.experiments import iris

IRIS = Experiment("implicit", "iris", iris.run, iris.QUICK, iris.FULL)

EXPERIMENTS = (IRIS,)
