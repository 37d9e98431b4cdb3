"""The Transformer experiments, on a few steps: histograms, updates, streams, statistics."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr

from replications.core.seeds import generator
from replications.papers.radam.experiments import first_steps, independence, translation
from replications.problems.reversal import Reversal
from replications.problems.transformer import Transformer

BRIEF = {"steps": 2, "looks": (1, 2), "watched": 2, "seeds": (3,)}


@pytest.fixture(scope="module")
def adam() -> xr.Dataset:
    return translation.train(replace(translation.ADAM, **BRIEF)).sel(arm="Adam")


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
    share = adam["share"].sel(seed=3)
    assert np.abs(share.sel(look=1).values - expected).max() < 1e-4
    assert share.sum("ln_g").values == pytest.approx(1.0)
    median = np.log10(np.median(np.abs(first_gradient)))
    assert adam["median"].sel(seed=3, look=1) == pytest.approx(median, abs=1e-3)


def test_adams_first_update_is_the_sign(adam, first_gradient) -> None:
    """lr for each weight with a gradient well above eps; weight decay adds 1e-4 of the weight."""
    size = np.abs(first_gradient)
    expected = 3e-3 * np.sqrt(np.mean((size / (size + 1e-8 / np.sqrt(1e-3))) ** 2))
    assert adam["update"].sel(seed=3, early=1) == pytest.approx(expected, rel=1e-3)


def test_all_arms_share_their_first_gradient(adam) -> None:
    for config in (translation.RADAM, replace(translation.ADAM_2K, freeze=3)):
        other = translation.train(replace(config, **BRIEF)).isel(arm=0)
        assert other["loss"].sel(step=1).values == adam["loss"].sel(step=1).values
        assert np.array_equal(other["share"].sel(look=1), adam["share"].sel(look=1))
        assert other["loss"].sel(step=2).values != adam["loss"].sel(step=2).values


def test_a_longer_run_begins_with_the_shorter_one(adam) -> None:
    longer = translation.train(replace(translation.ADAM, **(BRIEF | {"steps": 3})))
    assert np.array_equal(longer["loss"].sel(arm="Adam", step=[1, 2]), adam["loss"])


def test_learning_rate() -> None:
    config = translation.Config("x", learning_rate=1.0, horizon=100, warmup=10)
    rates = [translation.learning_rate(config, t) for t in (1, 10, 51, 100)]
    assert rates == pytest.approx([0.1, 0.91, 0.5, 0.01])


def test_the_live_runs_begin_the_recorded_ones() -> None:
    """But for the number of steps: so that the chapter may hold one against the other."""
    full = {config.arm: config for config in translation.FULL}
    for config in translation.QUICK:
        kept = {"steps": 600, "looks": full["Adam"].looks, "watched": 30, "seeds": (0, 1, 2, 3, 4)}
        assert replace(config, **kept) == full[config.arm]


def made_up(loss: np.ndarray) -> xr.Dataset:
    """A result of one arm with the given losses [seed, step]."""
    seeds, steps = loss.shape
    coords = {"arm": ["x"], "seed": np.arange(seeds), "step": np.arange(1, steps + 1)}
    return xr.Dataset({"loss": (("arm", "seed", "step"), loss[None])}, coords)


def test_a_seed_has_trained_if_its_last_50_losses_are_low() -> None:
    loss = np.full((2, 60), 3.0)
    loss[0, 10:] = 1.0
    loss[1, :10] = 0.0
    result = made_up(loss)
    assert translation.final(result, "x").values.tolist() == [1.0, 3.0]
    assert translation.trained(result, "x").values.tolist() == [True, False]


def test_distance_of_shifted_histograms_is_the_shift() -> None:
    shares = np.zeros((1, 1, 2, 10))
    shares[0, 0, 0, 7], shares[0, 0, 1, 3] = 1, 1
    coords = {"arm": ["x"], "seed": [0], "look": [1, 2], "ln_g": 0.5 * np.arange(10)}
    result = xr.Dataset({"share": (("arm", "seed", "look", "ln_g"), shares)}, coords)
    # four bins of width one half
    assert translation.distance(result, "x").sel(seed=0).values.tolist() == [0.0, 2.0]


def test_controls_and_methods_join_to_one_dataset(adam) -> None:
    control = adam.assign_coords(arm="control").expand_dims("arm")
    both = translation.all_arms(control, adam.expand_dims("arm"))
    assert both["arm"].values.tolist() == ["Adam", "control"]
    assert both["loss"].dims == ("arm", "seed", "step")
    peak = translation.first_updates(both, "Adam")
    assert peak.sel(early=1) == pytest.approx(1, abs=0.05)  # Adam: one learning rate
    assert translation.by_first_update(both) == ["Adam", "control"]
    assert translation.starting_short(both) == []
    tenth = both.assign(update=both["update"] * xr.where(both["arm"] == "Adam", 1, 0.1))
    assert translation.starting_short(tenth) == ["control"]
    assert translation.ten_updates(both, "Adam") == pytest.approx(peak.sum().item())


def test_first_steps() -> None:
    config = first_steps.Config(streams=2, steps=2, coordinates=500)
    result = first_steps.first_steps(config).sel(seed=0)
    moving = result.sel(arm=["Adam", "RAdam", "warm-up"])
    start = result["log_variance"].sel(step=1)
    assert start.min() > 0
    assert np.ptp(start.values) == pytest.approx(0.0, abs=1e-9)  # same gradients
    assert (result["update"].sel(arm="frozen") == 0).all() and (moving["update"] > 0).all()
    adam, radam = (first_steps.at_start(result, "update", arm) for arm in ("Adam", "RAdam"))
    assert adam == pytest.approx(3e-3, rel=0.05)  # the sign
    assert (np.abs(moving["cosine"]) <= 1).all()
    assert adam > 10 * radam  # RAdam's is lr times the gradient: 1 / rms(g) shorter


def test_first_steps_have_the_targets_of_their_sources() -> None:
    """RAdam's first update is lr times the gradient of the loss on the true translations."""
    config = first_steps.Config(streams=2, steps=1, batch=4, coordinates=10**7)
    found = first_steps.at_start(first_steps.first_steps(config), "update", "RAdam").sel(seed=0)
    net, task = Transformer(), Reversal((0,))
    square = 0.0
    for source in task.batches(2, 4, "streams"):
        params = [p.requires_grad_() for p in net.init((0,))]
        _, grads = net.gradients(params, source, task.translate(source))
        square += torch.cat([g.flatten() for g in grads]).double().square().mean().item() / 2
    assert found == pytest.approx(3e-3 * square**0.5, rel=1e-3)


def test_what_averaging_does_to_adams_update() -> None:
    """Against Adam itself: on noise, on a constant, and after a single gradient."""
    assert first_steps.averaged_update(0) == pytest.approx(np.sqrt(0.1 / 1.9))
    assert first_steps.averaged_update(1e6) == pytest.approx(1)
    p = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    optimizer, moves = torch.optim.Adam([p], lr=1.0, eps=0), []
    for t in range(10):
        before = p.item()
        p.grad = torch.full_like(p, float(t == 0))
        optimizer.step()
        moves.append(before - p.item())
    assert first_steps.echo(10) == pytest.approx(moves[-1] / moves[0])


def test_relative_variance_of_normals_is_the_theorys() -> None:
    from replications.methods.rectification import adaptive_lr_variance

    g = np.random.default_rng(0).standard_normal((6000, 40))
    theory = adaptive_lr_variance(10) / (10 / 8 - adaptive_lr_variance(10))
    found = independence._relative_variance(g, 10)
    assert found == pytest.approx(theory, rel=0.1)  # the median over 40 of 600 groups each


@pytest.mark.parametrize("t", [1, 2, 5])
def test_log_variance_of_normals_is_the_theorys(t) -> None:
    """After one gradient, too, and whatever the number of groups."""
    from scipy.special import polygamma

    for groups, weights in ((6, 40_000), (600, 400)):
        g = np.random.default_rng(0).standard_normal((groups * t, weights))
        found = independence._log_variance(g, t)
        assert found == pytest.approx(polygamma(1, t / 2) / 4, rel=0.03)


def test_frozen_copies_are_the_groups_of_frozen_gradients() -> None:
    """Both experiments call the same thing Var[ln psi]: here after two gradients."""
    steps = first_steps.Config(streams=2, steps=2, batch=4, coordinates=300)
    copies = first_steps.first_steps(steps).sel(seed=0, arm="frozen", step=2)
    net, task = Transformer(), Reversal((0,))
    pick = torch.randperm(independence._size(net), generator=generator(0, "coordinates"))[:300]
    batches = task.batches(4, 4, "streams")  # copy 0, copy 1, copy 0, copy 1
    g = independence._collect(net, task, [net.init((0,))] * 4, batches, pick)[[0, 2, 1, 3]]
    g = g[:, (g != 0).all(axis=0)]
    # v forgets a thousandth of the first gradient
    assert copies["log_variance"] == pytest.approx(independence._log_variance(g, 2), rel=1e-2)


def test_t_test_rejects_at_its_level() -> None:
    g = np.random.default_rng(0).standard_normal((50, 4000))
    assert independence._rejects_zero_mean(g, 0.05) == pytest.approx(0.05, abs=0.015)
    assert independence._rejects_zero_mean(g + 1, 0.05) > 0.99


def test_independence_runs_small() -> None:
    config = independence.Config(
        minibatches=20, coordinates=300, periods=(5,), lengths=(1, 5), inits=3, path=3, batch=4
    )
    result = independence.independence(config).sel(seed=0)
    assert 0 <= result["mean_rejected"] <= 1 and 0 <= result["zeros"] < 1
    assert (result["mean_over_sd"].diff("quantile") > 0).all()
    assert independence.predicted(result, "real").values == pytest.approx(1)
    assert independence.log_predicted(result, "real").values == pytest.approx(1)


def test_a_constant_overstatement_cancels_in_the_factor() -> None:
    variance = np.array([[[0.4, 0.1], [0.4, 0.1], [1.2, 0.3]]])
    coords = {"seed": [0], "law": list(independence.LAWS), "period": [5, 20]}
    result = xr.Dataset({"variance": (("seed", "law", "period"), variance)}, coords)
    assert independence.predicted(result, "mean 0").values == pytest.approx(3)
    assert independence.factor_error(result, "mean 0").values == pytest.approx(0, abs=1e-12)
