"""The experiments of the Lookahead chapter, one file each."""

from replications.core.experiment import Experiment
from replications.papers.lookahead.experiments import (
    adam,
    adaptive_alpha,
    controls,
    convergence,
    digits,
    errata,
    inner_loop,
    momentum,
    one_curvature,
    public_rules,
    sawtooth_digits,
    slow_settings,
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
DIGITS = Experiment("lookahead", "digits", digits.run, digits.QUICK, digits.FULL)
STRESS = Experiment("lookahead", "stress", digits.run, digits.STRESS_QUICK, digits.STRESS_FULL)
SLOW_SETTINGS = Experiment(
    "lookahead", "slow-settings", slow_settings.run, slow_settings.QUICK, slow_settings.FULL
)
ADAM = Experiment("lookahead", "adam", adam.run, adam.QUICK, adam.FULL)
ADAPTIVE_ALPHA = Experiment(
    "lookahead", "adaptive-alpha", adaptive_alpha.run, adaptive_alpha.QUICK, adaptive_alpha.FULL
)
SAWTOOTH_DIGITS = Experiment(
    "lookahead", "sawtooth-digits", sawtooth_digits.run, sawtooth_digits.QUICK, sawtooth_digits.FULL
)
PUBLIC_RULES = Experiment("lookahead", "public-rules", public_rules.run, public_rules.QUICK)

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
    DIGITS,
    STRESS,
    SLOW_SETTINGS,
    ADAM,
    ADAPTIVE_ALPHA,
    SAWTOOTH_DIGITS,
    PUBLIC_RULES,
)
