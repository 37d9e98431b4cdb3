"""The Transformer experiments, on a few steps: histograms, updates, streams, statistics."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from replications.papers.radam.claims import training
from replications.papers.radam.experiments import first_steps, independence, translation
from replications.problems.reversal import Reversal
from replications.problems.transformer import Transformer

BRIEF = {"steps": 2, "looks": (1, 2), "watched": 2, "seeds": (3,)}


@pytest.fixture(scope="module")
def adam() -> translation.Result:
    return translation.run(replace(translation.ADAM, **BRIEF))


@pytest.fixture(scope="module")
def first_gradient() -> np.ndarray:
    """Of seed 3, by hand."""
    net, task = Transformer(), Reversal((3,))
    params = [p.requires_grad_() for p in net.init((3,))]
    source = task.batches(1, 32)[0]
    loss = net.losses(params, source, task.translate(source)).sum()
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, params)]).numpy()


def test_histogram_is_of_the_logarithm_of_the_size(adam, first_gradient) -> None:
    with np.errstate(divide="ignore"):
        logs = np.log(np.abs(first_gradient))
    edges = translation.LN_EDGES
    expected = np.histogram(np.clip(logs, edges[0], edges[-1]), edges)[0] / len(logs)
    # A weight on an edge may fall on either side in float32.
    assert np.abs(adam.shares[0, 0] - expected).max() < 1e-4
    assert adam.shares.sum(axis=2) == pytest.approx(1.0)
    median = np.log10(np.median(np.abs(first_gradient)))
    assert adam.median[0, 0] == pytest.approx(median, abs=1e-3)


def test_adams_first_update_is_the_sign(adam, first_gradient) -> None:
    """lr for each weight with a gradient well above eps; weight decay adds 1e-4 of the weight."""
    size = np.abs(first_gradient)
    expected = 3e-3 * np.sqrt(np.mean((size / (size + 1e-8 / np.sqrt(1e-3))) ** 2))
    assert adam.update[0, 0] == pytest.approx(expected, rel=1e-3)


def test_all_methods_share_their_first_gradient(adam) -> None:
    for config in (translation.RADAM, replace(translation.ADAM_2K, freeze=3)):
        other = translation.run(replace(config, **BRIEF))
        assert other.loss[0, 0] == adam.loss[0, 0]
        assert np.array_equal(other.shares[:, 0], adam.shares[:, 0])
        assert other.loss[0, 1] != adam.loss[0, 1]


def test_a_longer_run_begins_with_the_shorter_one(adam) -> None:
    longer = translation.run(replace(translation.ADAM, **(BRIEF | {"steps": 3})))
    assert np.array_equal(longer.loss[:, :2], adam.loss)


def test_learning_rate() -> None:
    config = translation.Config("x", learning_rate=1.0, horizon=100, warmup=10)
    rates = [translation.learning_rate(config, t) for t in (1, 10, 51, 100)]
    assert rates == pytest.approx([0.1, 0.91, 0.5, 0.01])


def test_distance_of_shifted_histograms_is_the_shift() -> None:
    shares = np.zeros((1, 2, 10))
    shares[0, 0, 7], shares[0, 1, 3] = 1, 1
    run = translation.Result("x", 0.0, *([np.zeros((1, 2))] * 2), np.array([1, 2]), shares,
                             *([np.zeros((1, 2))] * 2))  # fmt: skip
    assert training.distance(run)[0].tolist() == [0.0, 2.0]  # four bins of width one half


def test_first_steps() -> None:
    result = first_steps.run(first_steps.Config(streams=2, steps=2, coordinates=500))
    assert np.ptp(result.variance[:, 0]) == pytest.approx(0.0, abs=1e-9)  # same gradients
    assert (result.update[0] == 0).all() and (result.update[1:] > 0).all()
    assert result.update[1, 0] == pytest.approx(3e-3, rel=0.05)  # Adam: the sign
    assert (np.abs(result.cosine[1:]) <= 1).all()


def test_relative_variance_of_normals_is_the_theorys() -> None:
    from replications.methods.rectification import adaptive_lr_variance

    g = np.random.default_rng(0).standard_normal((6000, 40))
    theory = adaptive_lr_variance(10) / (10 / 8 - adaptive_lr_variance(10))
    found = independence._relative_variance(g, 10)
    assert found == pytest.approx(theory, rel=0.1)  # the median over 40 of 600 groups each


def test_t_test_rejects_at_its_level() -> None:
    g = np.random.default_rng(0).standard_normal((50, 4000))
    assert independence._rejects_zero_mean(g, 0.05) == pytest.approx(0.05, abs=0.015)
    assert independence._rejects_zero_mean(g + 1, 0.05) > 0.99


def test_independence_runs_small() -> None:
    config = independence.Config(
        minibatches=20, coordinates=300, periods=(5,), inits=3, path=3, batch=4
    )
    result = independence.run(config)
    assert 0 <= result.mean_rejected <= 1 and 0 <= result.zeros < 1
    assert (np.diff(result.mean_over_sd) > 0).all()
