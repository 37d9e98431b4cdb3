"""The race on the digits."""

from __future__ import annotations

from dataclasses import replace

from replications.core.experiment import experiment
from replications.papers.optimisers.experiments.race import Config, every_arm, train

DIGITS = Config(
    "Adam",
    rates=(*(0.001 * 2**i for i in range(8)), 0.256, 0.512),
    steps=800,
    seeds=tuple(range(20)),
    batch=32,
    width=64,
)
"""The grid of the chapter on Lookahead; 20 epochs. In the first run it ended at 0.128, which was
RAdam's best, so two rates were added for all arms; the bands stayed."""
QUICK = replace(DIGITS, rates=(0.002, 0.004), steps=80, seeds=(0, 1))

on_digits = experiment("on-digits", quick=every_arm(QUICK), full=every_arm(DIGITS), along="arm")(
    train
)
