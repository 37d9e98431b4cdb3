"""The race on the digits and the race on the Transformer."""

from __future__ import annotations

from dataclasses import replace

from replications.core.experiment import experiment
from replications.papers.optimisers.experiments.race import Config, every_arm, train

DIGITS = Config(
    "Adam",
    "digits",
    rates=(*(0.001 * 2**i for i in range(8)), 0.256, 0.512),
    steps=800,
    seeds=tuple(range(20)),
    batch=32,
)
"""The grid of the chapter on Lookahead; 20 epochs. In the first run it ended at 0.128, which was
RAdam's best, so two rates were added for all arms; the bands stayed."""
TRANSLATION = Config(
    "Adam",
    "translation",
    rates=(0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032),
    steps=400,
    seeds=tuple(range(8)),
    batch=16,
)
"""Sizes by one look at warm-up on two other seeds: it trains at 0.004 and 0.008. The two lowest
rates were added before the run: in the chapter on untuned warm-up Adam alone bore only 0.001."""

on_digits, on_translation = (
    experiment(
        f"on-{full.problem}",
        quick=every_arm(replace(full, steps=steps, rates=(0.002, 0.004), seeds=(0, 1))),
        full=every_arm(full),
        along="arm",
    )(train)
    for full, steps in ((DIGITS, 80), (TRANSLATION, 2))
)
