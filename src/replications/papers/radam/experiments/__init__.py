"""The experiments of the RAdam chapter."""

from replications.core.experiment import Experiment
from replications.papers.radam.experiments import translation

TRANSLATION = Experiment(
    "radam", "translation", translation.run, translation.QUICK, translation.FULL
)
CONTROLS = Experiment(
    "radam", "controls", translation.run, translation.CONTROLS_QUICK, translation.CONTROLS_FULL
)

EXPERIMENTS = (TRANSLATION, CONTROLS)
