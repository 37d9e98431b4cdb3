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
    toy_plateau,
    variance,
)
from replications.papers.pes.table_1 import table_1
from replications.problems.linear_unroll import LinearUnroll
from replications.problems.recall import Recall


def test_bias_targets_and_z_scores() -> None:
    config = dataclasses.replace(bias.bias.quick, pairs=4000, batches=20, horizon=8)
    result = bias.bias(config)
    smooth = result.sel(loss=["linear", "quadratic"])
    assert np.allclose(smooth["own"].sel(arm="PES"), smooth["exact"].expand_dims(window=2, axis=1))
    assert np.allclose(smooth["own"].sel(arm="truncated ES"), smooth["truncated"])
    cubic = result.sel(loss="cubic")
    assert not np.allclose(cubic["own"].sel(arm="PES"), cubic["exact"], rtol=1e-3)
    for loss in bias.LOSSES:
        for arm in bias.NOISE:
            assert abs(bias.z_score(result, loss, arm, 1, "own")).max() < 4.5  # 27 looks, 20 groups
    error = bias.relative_error(result, "linear", "truncated ES", 1, "truncated")
    assert abs(error.mean()) < 0.05
    assert np.allclose(result["variance"].mean("batch"), 1, atol=0.1)
    looks = (("linear", "quadratic"), ("PES", "NRES"))
    assert bias.largest_z(result, *looks) < 4.5 < bias.largest_z(result, ("cubic",), ("NRES",))


def test_targets_by_hand() -> None:
    result = targets.targets(dataclasses.replace(targets.targets.quick, pairs=40_000))
    own = [result["own"].sel(arm=arm).item() for arm in ("PES", "NRES", "truncated ES")]
    assert own == pytest.approx([577.5, 2557.5, 42.45])
    assert result["plain"] == pytest.approx(288.75)
    goal = {way: result["goal"].sel(way=way).item() for way in result["way"].values}
    for way in (targets.EVOSAX, targets.OWN_SIGMA, targets.LEARNED, targets.WHOLE):
        assert goal[way] == pytest.approx(60.5)  # sum of (t - 1)(-1 + 0.3 t) + ...
    for way in (targets.OWN_SIGMA, targets.WHOLE, targets.PATH):
        assert targets.over_goal(result, way).mean() == pytest.approx(1, rel=0.05)
    steps = np.arange(1, 11)
    theta = 0.3 + 0.02 * (steps - 1)
    assert goal[targets.CURRENT] == pytest.approx(((steps * theta - 1) * steps).sum())
    assert targets.over_goal(result, targets.EVOSAX).mean() > 2
    crossing = targets.over_goal(result, targets.LEARNED).mean()
    assert crossing == pytest.approx(_crossing_by_hand(10, 3), rel=0.01)


def _crossing_by_hand(horizon: int, window: int) -> float:
    """The mean of learned_optimization's weighting over the gradient, window by window.

    All is linear in the noises: a state at age t is m_t plus the noises since its start, so that
    the mean of weight times difference is m_t times the product of their coefficients.
    """
    start, drift, windows = -1.0, 0.3, (horizon + 1) * window
    age, state, carried, total, resets = 0, np.zeros(windows), np.zeros(windows), 0.0, 0
    for w in range(windows):
        own = np.eye(windows)[w]
        pays, ended = [], []
        for _ in range(window):
            if age == horizon:  # the mask leaves this step out of the mean
                age, state, resets = 0, np.zeros(windows), resets + 1
                ended.append(False)
                continue
            age, state = age + 1, state + own
            pays.append((start + drift * age) * state)
            ended.append(age == horizon)
        finished = np.cumsum(ended) > 0
        weight = np.mean([own if late else own + carried for late in finished], axis=0)
        total += window * np.mean(pays, axis=0) @ weight
        carried = own if finished[-1] else own + carried
    gradient = sum((start + drift * t) * t for t in range(1, horizon + 1))
    return total / (resets * gradient)


def test_a_moving_theta_misleads_exact_recurrent_learning_as_much_as_pes() -> None:
    """RTRL carries no noise, and has the mean of PES: what is old is the state, not the noise."""
    config = dataclasses.replace(targets.targets.quick, pairs=400)
    goal = targets.targets(config)["goal"]
    one, start = torch.ones(1, 1, dtype=torch.float64), torch.tensor([-1.0], dtype=torch.float64)
    problem = LinearUnroll(one, one, start, config.horizon, "quadratic")
    theta = torch.tensor([config.theta], dtype=torch.float64)
    state, total = RTRL(1).init(problem, theta), 0.0
    for t in range(config.horizon):
        gradient, state, _ = RTRL(1).step(state, theta + config.drift * t)
        total += gradient.item()
    assert total == pytest.approx(goal.sel(way=targets.PATH).item())
    assert total < 0.8 * goal.sel(way=targets.CURRENT)


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
        variance.variance.quick,
        horizon=20,
        windows=(1, 4, 20),
        sequences=2,
        checked=(1,),
        pairs=240,
    )
    result = variance.variance(config)
    assert np.allclose(result["ratio"].sel(windows=1), 327 + 1)
    assert result["episode"] == pytest.approx(327 + 1)
    assert np.allclose(variance.over_nres(result, "real", 1), 1)
    assert variance.growth(result, "random", (4, 20)).mean() > 1
    assert result["check"].mean() == pytest.approx(1, abs=0.3)  # 240 pairs


def test_one_repeated_letter_has_nearly_the_variance_of_identical_windows() -> None:
    config = dataclasses.replace(
        variance.variance.quick, horizon=40, windows=(40,), sequences=2, checked=(1,), pairs=24
    )
    result = variance.variance(config)
    law = result["law"].sel(relation="identical", windows=40) / result["episode"]
    assert 0.5 < law < 0.52
    assert np.allclose(variance.over_nres(result, "repeated", 40), law, rtol=0.05)


def test_influence_deterministic_arms() -> None:
    config = dataclasses.replace(influence.influence.quick, iterations=200, every=100, replicates=1)
    result = influence.influence(config)
    assert result["loss"].dims == ("arm", "seed", "update")
    assert np.allclose(result["loss"].sel(update=0), 8.0)  # 0.5 (6 · 0.5 + 1)^2
    # compared with update 100: before, s_1 = 1 still falls to its fixed point of -3
    falls = {
        arm: bool(influence.final_loss(result, arm).max() < part.sel(update=100).min())
        for arm, part in zip(influence.ARMS, result["loss"], strict=True)
    }
    assert not any(falls[f"{arm}"] for arm in ("truncated BPTT, K=1", "truncated BPTT, K=10"))
    assert not falls["truncated ES, N=1000"]
    assert all(falls[arm] for arm in ("truncated BPTT, K=100", "RTRL", "PES, N=1000"))
    # truncated BPTT with K = 1 by hand: theta rises by lr (1 - s_1), s_1 follows theta
    theta, state = 0.5, np.ones(23)
    push = np.r_[np.ones(10), -np.ones(13)]
    for _ in range(200):
        state = 0.5 * state + 0.5 * np.append(state[1:], 0) + push * theta
        theta -= 1e-4 * (state[0] - 1)
    by_hand = 0.5 * (-6 * theta - 1) ** 2
    ours = influence.final_loss(result, "truncated BPTT, K=1").item()
    assert ours == pytest.approx(by_hand, rel=1e-9)


def test_influence_quantities() -> None:
    result = influence.influence(
        dataclasses.replace(influence.influence.quick, iterations=100, replicates=2)
    )
    assert result["factor"].sel(window=100) == pytest.approx(-6, abs=1e-3) == result["limit"]
    risen = result.assign(loss=result["loss"] + 10.0)
    lowest = influence.lowest_before_rise(risen, "RTRL")
    assert lowest == risen["loss"].sel(arm="RTRL").min()
    assert not influence.ended_below(risen, "RTRL", 1.0).any()


def test_toy_arms_share_their_start_and_seeds_differ() -> None:
    result = toy.toy(dataclasses.replace(toy.toy.quick, iterations=20, every=10, grid=5))
    assert np.allclose(result["loss"].sel(update=0), result["start"])
    assert result["start"] == pytest.approx(2487.77, abs=0.01)
    ends = toy.last_theta(result, "PES")
    assert not np.allclose(ends.sel(seed=0), ends.sel(seed=1))


def test_the_plateau_is_where_exact_gradients_stop() -> None:
    end = toy.last_theta(toy.toy.result("full"), "RTRL").sel(seed=0)
    assert np.allclose(end, toy_plateau.toy_plateau.full.theta, atol=0.01)


@pytest.mark.parametrize("objective", ["train loss", "validation error"])
def test_digits_compute_is_equal(objective) -> None:
    config = dataclasses.replace(
        digits.SMALL, objective=objective, horizon=20, windows=4, pairs=3, fresh=1, points=2
    )
    result = digits.tune(config)
    budget = 4 * 10 * 6
    spent = dict(zip(digits.ARMS, result["steps"].sel(seed=0).values, strict=True))
    assert spent.pop("truncated BPTT") in ((0, 240) if objective != "train loss" else (budget,))
    assert spent.pop("truncated ES") == 4 * 10 * (6 + 1)  # the mean state is a particle too
    assert set(spent.values()) == {budget}
    assert result["path"].dims == ("seed", "arm", "update", "parameter")
    assert np.allclose(result["path"].sel(arm=["PES", "NRES"], update=0), config.theta)
    assert np.isfinite(result["fresh"]).all() and not result["exploded"].any()
    theta = result["path"].sel(arm="PES", update=4, seed=0).values
    assert digits.decay_factor(result, "PES") == pytest.approx(2 ** np.exp(theta[1]), rel=1e-5)


def test_the_recorded_ends_that_need_no_verdict() -> None:
    """RTRL finds influence balancing's optimum; with PES's sigma, truncated ES stays in a trap."""
    race, walk = influence.influence.result("full"), toy.toy.result("full")
    assert influence.final_loss(race, "RTRL").max() < 1e-15
    assert np.allclose(toy.final_loss(walk, "truncated ES, σ=0.3"), 2423.4, atol=1)


def test_the_recorded_tuners_spend_the_same_compute() -> None:
    # truncated BPTT: 16 starts at 3 a step against 50 particles
    assert digits.excess_compute(digits.digits.result("full")) == pytest.approx(0.04)


def test_memory_task_truncated_gradient_is_exactly_zero() -> None:
    config = dataclasses.replace(memory_task.memory_task.quick, replicates=2)
    result = memory_task.memory_task(config)
    weight = result["bit_weight"]
    assert not weight.sel(arm="truncated BPTT").any()
    assert (
        weight.sel(arm=["BPTT", "PES", "truncated ES", memory_task.NOISE], episode=20) > 0
    ).all()
    assert (weight.sel(arm=memory_task.RANDOM_START) > 0).all()
    silent = result["loss"].sel(episode=0).drop_sel(arm=memory_task.RANDOM_START)
    assert np.allclose(silent, np.log(2), atol=1e-6)  # the bit is not in the state


def test_memory_task_without_the_bit_cannot_beat_chance() -> None:
    """Why replacing truncated ES's estimate by its mean, zero, is no control: it cannot succeed."""
    problem = Recall()
    theta = problem.parameters(200, 3.0, torch.Generator().manual_seed(0))
    assert (problem.solution_loss(theta) >= np.log(2) - 1e-6).all()


def test_smoothing_correlations_are_the_derivatives() -> None:
    result = smoothing.smoothing.result()
    assert np.allclose(result["correlation"], result["derivative"], atol=0.03)
    assert not np.triu(result["derivative"], 1).any()
    by_hand = np.tril(result["derivative"], -1).sum() / result["derivative"].sum()
    assert smoothing.below_diagonal(result) == pytest.approx(by_hand)
    noise = 0.4 * np.random.default_rng(0).standard_normal(200_000)
    plus, minus = (0.5 * x**2 + 0.3 * np.sign(np.sin(8 * x)) for x in (1.5 + noise, 1.5 - noise))
    alone, paired = (result["spread"].sel(evaluation=e) for e in ("alone", "in a pair"))
    assert alone == pytest.approx((noise * plus / 0.16).std(), rel=0.05)
    both = (noise * (plus - minus) / 0.32).std() * 2**0.5  # two evaluations, scaled to one
    assert paired == pytest.approx(both, rel=0.05)


def test_table_counts() -> None:
    result = table.table(dataclasses.replace(table.table.quick, runs=200))
    kept = {arm: [table.kept(result, arm, T) for T in (24, 240)] for arm in result["arm"].values}
    assert kept["PES"] == kept["NRES"] == [100 * 6 + 50 * 3] * 2  # N S + N/2 P at any horizon
    assert kept["RTRL"] == [3 * 6 + 3 * 6] * 2  # P particles and their tangents
    assert kept["UORO"] == [6 + 6 + 3 + 12] * 2  # s, u, w and one step's backward pass
    assert kept["BPTT"][1] > 9 * kept["BPTT"][0]
    assert kept["truncated BPTT"][0] == kept["truncated BPTT"][1]
    steps = result["steps"]
    assert steps.sel(arm="full ES") == 24 * 100 and steps.sel(arm="PES") == 4 * 100
    # BPTT's plain sum of the steps' gradients is the total derivative
    assert abs(result["error"].sel(arm="BPTT")).max() < 1e-12
    assert table_1(result).count("\n") == 2 + 8 - 1
