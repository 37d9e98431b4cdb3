"""The experiments of the chapter on implicit hyperparameter optimization."""

from replications.core.experiment import Experiment
from replications.papers.implicit.experiments import (
    accuracy,
    algorithms,
    audit,
    cosine,
    distill,
    iris,
    libraries,
    million,
    overfit,
)

ALGORITHMS = Experiment("implicit", "algorithms", algorithms.run, algorithms.QUICK)
ACCURACY = Experiment("implicit", "accuracy", accuracy.run, accuracy.QUICK)
COSINE = Experiment("implicit", "cosine", cosine.run, cosine.QUICK)
IRIS = Experiment("implicit", "iris", iris.run, iris.QUICK, iris.FULL)
AUDIT = Experiment("implicit", "audit", audit.run, audit.QUICK)
MILLION = Experiment("implicit", "million", million.run, million.QUICK)
OVERFIT = Experiment("implicit", "overfit", overfit.run, overfit.QUICK, overfit.FULL)
DISTILL = Experiment("implicit", "distill", distill.run, distill.QUICK)
LIBRARIES = Experiment("implicit", "libraries", libraries.run, libraries.QUICK, libraries.FULL)

EXPERIMENTS = (ALGORITHMS, ACCURACY, COSINE, IRIS, AUDIT, MILLION, OVERFIT, DISTILL, LIBRARIES)
