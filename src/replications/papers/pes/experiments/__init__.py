"""The experiments of the chapter on persistent evolution strategies, one file each."""

from replications.core.experiment import Experiment
from replications.papers.pes.experiments import (
    bias,
    digits,
    influence,
    memory_task,
    smoothing,
    table,
    targets,
    toy,
    variance,
)

SMOOTHING = Experiment("pes", "smoothing", smoothing.run, smoothing.QUICK)
BIAS = Experiment("pes", "bias", bias.run, bias.QUICK)
TARGETS = Experiment("pes", "targets", targets.run, targets.QUICK)
VARIANCE = Experiment("pes", "variance", variance.run, variance.QUICK)
INFLUENCE = Experiment("pes", "influence", influence.run, influence.QUICK, influence.FULL)
TOY = Experiment("pes", "toy", toy.run, toy.QUICK, toy.FULL)
DIGITS = Experiment("pes", "digits", digits.run, digits.QUICK, digits.FULL)
MEMORY_TASK = Experiment("pes", "memory_task", memory_task.run, memory_task.QUICK)
TABLE = Experiment("pes", "table", table.run, table.QUICK)

EXPERIMENTS = (
    SMOOTHING,
    BIAS,
    TARGETS,
    VARIANCE,
    INFLUENCE,
    TOY,
    DIGITS,
    MEMORY_TASK,
    TABLE,
)
