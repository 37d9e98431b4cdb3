"""The method that the page shows makes the numbers: a mistake in it reaches every experiment."""

from __future__ import annotations

from dataclasses import replace

import pytest

from replications.methods.evolution import PES
from replications.papers.pes.experiments import (
    bias,
    digits,
    influence,
    many_knobs,
    memory_task,
    table,
    targets,
    text_race,
    toy,
    toy_rivals,
    toy_starts,
    variance,
)

TINY = {
    "bias": (bias.bias, replace(bias.bias.quick, pairs=40, batches=4, horizon=8)),
    "targets": (targets.targets, replace(targets.targets.quick, pairs=40, batches=4)),
    "variance": (
        variance.variance,
        replace(
            variance.variance.quick, horizon=4, windows=(4,), checked=(4,), sequences=1, pairs=24
        ),
    ),
    "influence": (
        influence.influence,
        replace(influence.influence.quick, iterations=4, every=2, replicates=1),
    ),
    "toy": (toy.toy, replace(toy.toy.quick, iterations=20, every=10, replicates=1, grid=2)),
    "digits": (
        digits.tune,
        replace(digits.SMALL, horizon=30, windows=6, pairs=3, fresh=1, points=2),
    ),
    "memory_task": (
        memory_task.memory_task,
        replace(memory_task.memory_task.quick, episodes=2, replicates=1),
    ),
    "table": (table.table, replace(table.table.quick, runs=40, horizons=(8, 16))),
    "toy_rivals": (
        toy_rivals.toy_rivals,
        replace(toy_rivals.toy_rivals.quick, windows=(10,), seeds=2, rates=(0.1,)),
    ),
    "toy_starts": (toy_starts.toy_starts, replace(toy_starts.toy_starts.quick, updates=8)),
    "many_knobs": (
        many_knobs.tune,
        replace(many_knobs.SMALL, objective="validation error", runs=24, pairs=2),
    ),
    "text_race": (text_race.text_race, text_race.SMALL),
}  # smoothing runs full ES alone, the plateau too


@pytest.mark.parametrize("name", TINY)
def test_forgetting_the_noise_of_earlier_windows_shows(name, monkeypatch) -> None:
    run, config = TINY[name]
    right = run(config)
    monkeypatch.setattr(PES, "weight", "current")
    assert not run(config).equals(right)
