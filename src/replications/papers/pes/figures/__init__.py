"""The figures of the chapter on persistent evolution strategies."""

from replications.core.notebook import FigureTable
from replications.papers.pes.experiments import (
    BIAS,
    DIGITS,
    INFLUENCE,
    MEMORY_TASK,
    SMOOTHING,
    TABLE,
    TARGETS,
    TOY,
    VARIANCE,
)
from replications.papers.pes.figures import estimators, training

FIGURES: FigureTable = {
    "smoothing": (estimators.smoothing, SMOOTHING, "quick"),
    "past-noise": (estimators.past_noise, SMOOTHING, "quick"),
    "bias": (estimators.bias, BIAS, "quick"),
    "targets": (estimators.targets, TARGETS, "quick"),
    "errata": (estimators.errata, TARGETS, "quick"),
    "variance": (estimators.variance, VARIANCE, "quick"),
    "memory": (estimators.memory, TABLE, "quick"),
    "factor": (training.factor, INFLUENCE, "full"),
    "influence": (training.influence, INFLUENCE, "full"),
    "toy": (training.toy, TOY, "full"),
    "digits": (training.digits, DIGITS, "full"),
    "schedules": (training.schedules, DIGITS, "full"),
    "memory-task": (training.memory_task, MEMORY_TASK, "quick"),
}
