"""The experiments of the Lookahead chapter, one file each."""

from replications.core.experiment import Experiment
from replications.papers.lookahead.experiments import (
    controls,
    convergence,
    errata,
    inner_loop,
    momentum,
    one_curvature,
    slow_step,
    stability,
    variance,
)

VARIANCE = Experiment("lookahead", "variance", variance.run, variance.QUICK, variance.FULL)
STABILITY = Experiment("lookahead", "stability", stability.run, stability.QUICK)
INNER_LOOP = Experiment("lookahead", "inner-loop", inner_loop.run, inner_loop.QUICK)
ONE_CURVATURE = Experiment("lookahead", "one-curvature", one_curvature.run, one_curvature.QUICK)
CONVERGENCE = Experiment("lookahead", "convergence", convergence.run, convergence.QUICK)
CONTROLS = Experiment("lookahead", "controls", controls.run, controls.QUICK)
MOMENTUM = Experiment("lookahead", "momentum", momentum.run, momentum.QUICK)
SLOW_STEP = Experiment("lookahead", "slow-step", slow_step.run, slow_step.QUICK)
ERRATA = Experiment("lookahead", "errata", errata.run, errata.QUICK)

EXPERIMENTS = (
    VARIANCE,
    STABILITY,
    INNER_LOOP,
    ONE_CURVATURE,
    CONVERGENCE,
    CONTROLS,
    MOMENTUM,
    SLOW_STEP,
    ERRATA,
)
