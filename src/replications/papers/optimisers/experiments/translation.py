"""The race on the Transformer."""

from __future__ import annotations

from dataclasses import replace

from replications.core.experiment import experiment
from replications.papers.optimisers.experiments.race import Config, every_arm, train

TRANSLATION = Config(
    "Adam",
    "translation",
    rates=(0.002, 0.004, 0.008, 0.016, 0.032),
    steps=400,
    seeds=tuple(range(8)),
    batch=16,
    width=32,
)
"""Sizes by one look at warm-up on two other seeds: it trains at 0.004 and 0.008."""
SHORT = replace(TRANSLATION, rates=(0.002,), steps=4, seeds=(0, 1), layers=1)

on_translation = experiment(
    "on-translation", quick=every_arm(SHORT), full=every_arm(TRANSLATION), along="arm"
)(train)
