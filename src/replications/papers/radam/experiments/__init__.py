"""The experiments of the RAdam chapter."""

from replications.core.experiment import Experiment
from replications.papers.radam.experiments import (
    divergence,
    first_steps,
    implementations,
    independence,
    proof,
    schedule,
    sensitivity,
    simulation,
    translation,
    variance,
)

VARIANCE = Experiment("radam", "variance", variance.run, variance.QUICK)
DIVERGENCE = Experiment("radam", "divergence", divergence.run, divergence.QUICK)
PROOF = Experiment("radam", "proof", proof.run, proof.QUICK)
SCHEDULE = Experiment("radam", "schedule", schedule.run, schedule.QUICK)
SIMULATION = Experiment("radam", "simulation", simulation.run, simulation.QUICK)
TRANSLATION = Experiment(
    "radam",
    "translation",
    translation.run,
    translation.QUICK,
    translation.FULL,
)
CONTROLS = Experiment(
    "radam", "controls", translation.run, translation.CONTROLS_QUICK, translation.CONTROLS_FULL
)
FIRST_STEPS = Experiment(
    "radam", "first_steps", first_steps.run, first_steps.QUICK, first_steps.FULL
)
INDEPENDENCE = Experiment(
    "radam", "independence", independence.run, independence.QUICK, independence.FULL
)
SENSITIVITY = Experiment(
    "radam", "sensitivity", sensitivity.run, sensitivity.QUICK, sensitivity.FULL
)
IMPLEMENTATIONS = Experiment("radam", "implementations", implementations.run, implementations.QUICK)

EXPERIMENTS = (
    VARIANCE,
    DIVERGENCE,
    PROOF,
    SCHEDULE,
    SIMULATION,
    TRANSLATION,
    CONTROLS,
    FIRST_STEPS,
    INDEPENDENCE,
    SENSITIVITY,
    IMPLEMENTATIONS,
)
