"""The chapter's experiments on small configs: counts, exact parts, and what a claim leans on."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from replications.methods.rtrl import RTRL
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
from replications.problems.linear_unroll import LinearUnroll


def test_bias_targets_and_z_scores() -> None:
    result = bias.run(dataclasses.replace(bias.QUICK, pairs=4000, batches=20, horizon=8))
    assert np.allclose(result.own[:2, 0], result.exact[:2, None])  # PES: up to quadratic losses
    assert np.allclose(result.own[:2, 2], result.truncated[:2])  # truncated ES
    assert not np.allclose(result.own[2, 0], result.exact[2], rtol=1e-3)
    for loss in bias.LOSSES:
        for arm in bias.ARMS:
            assert np.abs(result.z(loss, arm, 0, "own")).max() < 4.5  # 27 looks, 20 groups
    error = result.relative_error("linear", "truncated ES", 0, "truncated")
    assert abs(error.mean()) < 0.05
    assert np.allclose(result.variance.mean(axis=-1), 1, atol=0.1)


def test_targets_by_hand() -> None:
    result = targets.run(dataclasses.replace(targets.QUICK, pairs=40_000))
    assert result.cubic_targets == pytest.approx([577.5, 2557.5, 42.45])
    assert result.cubic_gradient == pytest.approx(288.75)
    assert result.quadratic_gradient == pytest.approx(60.5)  # sum of (t - 1)(-1 + 0.3 t) + ...
    g = result.quadratic_gradient
    assert result.schedule_ours.mean() == pytest.approx(g, rel=0.05)
    assert result.crossing_ours.mean() == pytest.approx(g, rel=0.05)
    assert result.drifting.mean() == pytest.approx(result.drifting_path, rel=0.05)
    steps = np.arange(1, 11)
    theta = 0.3 + 0.02 * (steps - 1)
    assert result.drifting_current == pytest.approx(((steps * theta - 1) * steps).sum())
    assert result.schedule_peer.mean() > 2 * g
    assert result.crossing_peer.mean() < 0.9 * g


def test_a_moving_theta_misleads_exact_recurrent_learning_as_much_as_pes() -> None:
    """RTRL carries no noise, and has the mean of PES: what is old is the state, not the noise."""
    config = dataclasses.replace(targets.QUICK, pairs=400)
    result = targets.run(config)
    one, start = torch.ones(1, 1, dtype=torch.float64), torch.tensor([-1.0], dtype=torch.float64)
    problem = LinearUnroll(one, one, start, config.horizon, "quadratic")
    theta = torch.tensor([config.theta], dtype=torch.float64)
    state, total = RTRL(1).init(problem, theta), 0.0
    for t in range(config.horizon):
        gradient, state, _ = RTRL(1).step(state, theta + config.drift * t)
        total += gradient.item()
    assert total == pytest.approx(result.drifting_path)
    assert total < 0.8 * result.drifting_current


def test_evosax_divides_the_whole_accumulator_by_todays_variance() -> None:
    """What the erratum transcribes, on evosax itself where it is installed."""
    algorithms = pytest.importorskip("evosax.algorithms")
    import jax
    import jax.numpy as jnp
    import optax

    peer = algorithms.PersistentES(
        population_size=6,
        solution=jnp.zeros(2),
        optimizer=optax.sgd(1.0),
        std_schedule=lambda step: 0.5 * 0.8**step,
    )
    params = peer.default_params.replace(T=100, K=1)
    state = peer.init(jax.random.key(0), jnp.zeros(2), params)
    whole, stds = np.zeros((6, 2)), []
    for i in range(4):
        key = jax.random.key(i + 1)
        before, std = np.asarray(state.mean), float(state.std)
        population, state = peer.ask(key, state, params)
        whole = whole + np.asarray(population) - before
        fitness = np.arange(6.0)
        state, _ = peer.tell(key, population, jnp.asarray(fitness), state, params)
        gradient = before - np.asarray(state.mean)
        np.testing.assert_allclose(gradient, fitness @ whole / std**2 / 6, rtol=1e-3, atol=1e-3)
        stds.append(std)
    assert stds[-1] < stds[0]


def test_variance_is_p_plus_1_in_one_window() -> None:
    config = dataclasses.replace(
        variance.QUICK, horizon=20, windows=(1, 4, 20), sequences=2, checked=(1,), pairs=240
    )
    result = variance.run(dataclasses.replace(config, checked=(1,)))
    assert np.allclose(result.ratio[:, 0], config.dim + 1)
    assert result.episode == pytest.approx(config.dim + 1)
    assert np.allclose(result.identical, 1)
    assert result.independent.mean(axis=1) == pytest.approx(np.ones(3), abs=0.05)
    assert result.check.mean() == pytest.approx(1, abs=0.3)  # 240 pairs


def test_influence_deterministic_arms() -> None:
    config = dataclasses.replace(influence.QUICK, iterations=200, every=100, replicates=1)
    result = influence.run(config)
    names = list(influence.ARMS)
    assert result.loss.shape == (len(names), 3, 1)
    assert np.allclose(result.loss[:, 0], 8.0)  # 0.5 (6 · 0.5 + 1)^2
    # compared with update 100: before, s_1 = 1 still falls to its fixed point of -3
    falls = result.loss[:, -1].max(axis=1) < result.loss[:, 1].min(axis=1)
    for name in ("truncated BPTT, K=1", "truncated BPTT, K=10", "truncated ES, N=1000"):
        assert not falls[names.index(name)]
    for name in ("truncated BPTT, K=100", "RTRL", "PES, N=1000"):
        assert falls[names.index(name)]
    # truncated BPTT with K = 1 by hand: theta rises by lr (1 - s_1), s_1 follows theta
    theta, state = 0.5, np.ones(23)
    push = np.r_[np.ones(10), -np.ones(13)]
    for _ in range(200):
        state = 0.5 * state + 0.5 * np.append(state[1:], 0) + push * theta
        theta -= 1e-4 * (state[0] - 1)
    by_hand = 0.5 * (-6 * theta - 1) ** 2
    assert result.loss[0, -1, 0] == pytest.approx(by_hand, rel=1e-9)


def test_toy_arms_share_their_start_and_seeds_differ() -> None:
    config = dataclasses.replace(toy.QUICK, iterations=20, every=10, grid=5)
    result = toy.run(config)
    assert np.allclose(result.loss[:, 0], result.start)
    assert result.start == pytest.approx(2487.77, abs=0.01)
    noisy = result.path[list(toy.ARMS).index("PES"), -1]
    assert not np.allclose(noisy[0], noisy[1])


@pytest.mark.parametrize("objective", ["train loss", "validation error"])
def test_digits_compute_is_equal(objective) -> None:
    config = dataclasses.replace(
        digits.QUICK, objective=objective, horizon=20, windows=4, pairs=3, fresh=1, points=2
    )
    result = digits.run(config)
    budget = 4 * 10 * 6
    spent = dict(zip(digits.ARMS, result.steps, strict=True))
    assert spent.pop("truncated BPTT") in ((0, 240) if objective != "train loss" else (budget,))
    assert spent.pop("truncated ES") == 4 * 10 * (6 + 1)  # the mean state is a particle too
    assert set(spent.values()) == {budget}
    assert result.path.shape == (5, 3, 2)
    assert np.allclose(result.path[:3, 0], config.theta)
    assert np.isfinite(result.fresh).all() and result.exploded == 0


def test_memory_task_truncated_gradient_is_exactly_zero() -> None:
    config = dataclasses.replace(memory_task.QUICK, episodes=20, points=2, replicates=2, pairs=10)
    result = memory_task.run(config)
    still = [memory_task.ARMS.index(a) for a in ("truncated BPTT", memory_task.ARMS[-1])]
    assert not result.bit_weight[still].any()
    moves = [memory_task.ARMS.index(a) for a in ("BPTT", "PES", "truncated ES")]
    assert (result.bit_weight[moves, -1] > 0).all()
    assert np.allclose(result.loss[:, 0], np.log(2), atol=1e-6)  # the bit is not in the state


def test_smoothing_correlations_are_the_derivatives() -> None:
    result = smoothing.run(smoothing.QUICK)
    assert np.allclose(result.correlation, result.exact, atol=0.03)
    assert not np.triu(result.exact, 1).any()
    noise = 0.4 * np.random.default_rng(0).standard_normal(200_000)
    plus, minus = (0.5 * x**2 + 0.3 * np.sign(np.sin(8 * x)) for x in (1.5 + noise, 1.5 - noise))
    assert result.single == pytest.approx((noise * plus / 0.16).std(), rel=0.05)
    both = (noise * (plus - minus) / 0.32).std() * 2**0.5  # two evaluations, scaled to one
    assert result.paired == pytest.approx(both, rel=0.05)


def test_table_counts() -> None:
    result = table.run(dataclasses.replace(table.QUICK, runs=200))
    row = {arm: i for i, arm in enumerate(table.ARMS)}
    kept = {arm: list(result.kept[i]) for arm, i in row.items()}
    assert kept["PES"] == kept["NRES"] == [100 * 6 + 50 * 3] * 2  # N S + N/2 P
    assert kept["RTRL"] == [3 * 6 + 3 * 6] * 2  # P particles and their tangents
    assert kept["UORO"] == [6 + 6 + 3 + 12] * 2  # s, u, w and one step's backward pass
    assert kept["BPTT"][1] > 9 * kept["BPTT"][0]
    assert kept["truncated BPTT"][0] == kept["truncated BPTT"][1]
    assert result.steps[row["full ES"]] == 24 * 100 and result.steps[row["PES"]] == 4 * 100
    assert np.abs(result.error[row["BPTT"]]).max() < 1e-12
