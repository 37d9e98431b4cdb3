"""The experiments of the chapter on implicit hyperparameter optimization."""

from dataclasses import replace

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
# shorter than the modules' own presets, so that the chapter stays within its minute
IRIS_LIVE = tuple(replace(config, outer=25) for config in iris.QUICK)
IRIS = Experiment("implicit", "iris", iris.run, IRIS_LIVE, iris.FULL)
AUDIT = Experiment("implicit", "audit", audit.run, audit.QUICK)
MILLION = Experiment("implicit", "million", million.run, million.QUICK)
OVERFIT_LIVE = replace(overfit.QUICK, outer=240)
OVERFIT = Experiment("implicit", "overfit", overfit.run, OVERFIT_LIVE, overfit.FULL)
DISTILL = Experiment("implicit", "distill", distill.run, distill.QUICK)
LIBRARIES = Experiment("implicit", "libraries", libraries.run, libraries.QUICK, libraries.FULL)

EXPERIMENTS = (ALGORITHMS, ACCURACY, COSINE, IRIS, AUDIT, MILLION, OVERFIT, DISTILL, LIBRARIES)
