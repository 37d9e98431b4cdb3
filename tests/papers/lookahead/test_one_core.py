"""The function that the chapter shows makes its numbers: a wrong alpha in it moves every one."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from replications.core import registry
from replications.methods.lookahead import lookahead_pull

EXPERIMENTS = {n: e for n, e in registry.paper("lookahead").experiments.items() if e.quick}
CLOSED_FORM = {"controls", "sensitivity"}
"""Nothing is run there: alpha stands in formulas, which tests hold against runs."""
TINY = {
    "variance": {"x": (0.5, 1.0), "noise_variance": (2.0, 0.25), "k": (2, 5), "chains": 1000},
    "stability": {"finest": 0.1, "loops": 50, "chains": 1000},
    "inner-loop": {"blocks": 2, "chains": 200, "loops": 10},
    "convergence": {"dimensions": (3,), "alphas": 4, "risks": (0.05,)},
    "momentum": {"decades": (1.0,), "eigenvalues": (2,), "per_decade": 10, "check": 5, "loops": 20},
    "slow-step": {"problems": 20, "loops": 5},
    "errata": {"problems": 20},
    "digits": {"lr": (0.05, 0.1), "momentum": (0.9,), "batch": 64, "epochs": 10, "seeds": 1},
    "stress": {"lr": (0.05, 0.1), "momentum": (0.9,), "batch": 64, "epochs": 10, "seeds": 1},
    "slow-settings": {"k": (5,), "alpha": (0.5,), "batch": 64, "epochs": 10, "seeds": 1},
    "tuned": {},
    "adam": {"lr": (0.001, 0.002), "batch": 64, "epochs": 10, "seeds": 1},
    "adaptive-alpha": {"batch": 64, "epochs": 1, "seeds": 1},
    "sawtooth-digits": {"setting": ((0.1, "maintain"),), "epochs": 1, "loops": 2, "seeds": 1},
    "public-rules": {},
}


def test_every_experiment_is_on_one_of_the_lists():
    assert EXPERIMENTS.keys() == TINY.keys() | CLOSED_FORM


@pytest.mark.parametrize("name", TINY)
def test_half_of_alpha_in_the_core_changes_the_result(name, monkeypatch):
    experiment = EXPERIMENTS[name]
    config = replace(experiment.configs("quick")[0], **TINY[name])
    right = experiment(config)
    right_pull = lookahead_pull

    def half(phi, theta, alpha):
        right_pull(phi, theta, alpha / 2)

    for module in list(sys.modules.values()):
        if getattr(module, "lookahead_pull", None) is right_pull:
            monkeypatch.setattr(module, "lookahead_pull", half)
    wrong = experiment(config)
    moved = [
        float(np.max(np.abs(wrong[v].values - right[v].values) / (np.abs(right[v].values) + 1e-2)))
        for v in right
    ]
    assert max(moved) > 0.01  # a hundredth: no rounding


@pytest.mark.parametrize("name", sorted(CLOSED_FORM))
def test_closed_forms_do_not_run_it(name, monkeypatch):
    pull = lookahead_pull
    for module in list(sys.modules.values()):
        if getattr(module, "lookahead_pull", None) is pull:
            monkeypatch.delattr(module, "lookahead_pull")
    config = EXPERIMENTS[name].configs("quick")[0]
    EXPERIMENTS[name](replace(config, dimension=3, rates=5))
