"""The sweeps on the digits put every number into its place; the quantities do what they say."""

import math
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from replications.papers.lookahead.claims import digits as claims
from replications.papers.lookahead.experiments import (
    adam,
    adaptive_alpha,
    digits,
    sawtooth_digits,
    slow_settings,
)

SMALL = digits.Config(lr=(0.05, 0.1, 0.2), momentum=(0.0, 0.9), batch=64, epochs=10, seeds=2)
CLOSE = 1e-3  # float32 products of other batch shapes round otherwise, and training magnifies it


def test_the_control_is_sgd_at_the_neighbouring_rate():
    result = digits.digits(SMALL)
    lower = digits.digits(replace(SMALL, lr=(0.025, 0.05, 0.1)))
    half = result["loss"].sel(arm="SGD at half the lr")
    np.testing.assert_allclose(half, lower["loss"].sel(arm="SGD"), rtol=CLOSE)
    assert not np.allclose(half, result["loss"].sel(arm="SGD"), rtol=0.05)


def test_settings_stand_in_the_order_of_lr_momentum_seed():
    result = digits.digits(SMALL)["loss"]
    single = digits.digits(replace(SMALL, lr=(0.1, 0.2), momentum=(0.9,), seeds=1))["loss"]
    for arm in ("SGD", "Lookahead"):
        at = {"arm": arm, "lr": 0.2, "momentum": 0.9, "seed": 0}
        np.testing.assert_allclose(result.sel(at), single.sel(at), rtol=CLOSE)


@pytest.mark.parametrize("module", [digits, adam])
def test_rates_must_grow_by_one_over_alpha(module):
    run = digits.digits if module is digits else adam.adam
    with pytest.raises(ValueError, match="lr must grow by 1/alpha = 2"):
        run(module.Config(lr=(0.1, 0.3)))


def test_adams_control_is_adam_at_the_neighbouring_rate():
    config = adam.Config(lr=(0.001, 0.002, 0.004), epochs=10, batch=64, seeds=1)
    result = adam.adam(config)["accuracy"]
    lower = adam.adam(replace(config, lr=(0.0005, 0.001, 0.002)))["accuracy"]
    half = result.sel(arm="Adam at half the lr").values
    # points: a few digits near the boundary
    assert np.abs(half - lower.sel(arm="Adam").values).max() < 1
    assert np.abs(half - result.sel(arm="Adam").values).max() > 1


def test_slow_settings_with_alpha_1_are_sgd():
    config = slow_settings.Config(
        k=(5, 10), alpha=(0.5, 1.0), place=((0.1, 0.9), (0.05, 0.5)), batch=64, epochs=10, seeds=1
    )
    result = slow_settings.slow_settings(config)
    for k in (5, 10):
        whole = result["loss"].sel(alpha=1.0, k=k)
        np.testing.assert_allclose(whole, result["sgd_loss"], rtol=CLOSE)
    half = result["loss"].sel(alpha=0.5, k=5)
    assert not np.allclose(half, result["sgd_loss"], rtol=0.05)


def test_a_loop_starts_where_the_last_synchronisation_ended():
    config = sawtooth_digits.Config(
        setting=((0.1, "maintain"), (0.4, "reset")), epochs=1, loops=3, seeds=2
    )
    result = sawtooth_digits.sawtooth_digits(config)
    start = result["accuracy"].sel(step=0).isel(loop=slice(1, None))
    np.testing.assert_array_equal(start, result["synchronised"].isel(loop=slice(None, -1)))
    assert sawtooth_digits.drop(result, 0.4).sizes == {"seed": 2}


def test_the_adaptive_step_stays_within_its_clip():
    result = adaptive_alpha.adaptive_alpha(adaptive_alpha.Config(epochs=2, seeds=2))
    assert result["alpha"].min() >= 0.2 - 1e-12  # rounding of a mean
    assert result["alpha"].max() <= 1.0
    clipped = result["clipped"]
    assert (clipped.sel(lr=0.001) > clipped.sel(lr=0.01)).all()  # larger steps overshoot more often


def test_the_arms_of_the_adaptive_step_differ_in_it_alone():
    """Batches are common: clipped to 1 the adaptive arm is Adam, and equal steps are equal runs."""
    config = adaptive_alpha.Config(epochs=2, seeds=2, low=1.0, matched=0.5)
    loss = adaptive_alpha.adaptive_alpha(config)["loss"]
    np.testing.assert_allclose(loss.sel(arm="adaptive"), loss.sel(arm="Adam"), rtol=CLOSE)
    np.testing.assert_array_equal(loss.sel(arm="matched"), loss.sel(arm="fixed"))


def maps(sgd, lookahead, lr=(0.1, 0.2, 0.4, 0.8), momentum=(0.0,)):
    """Accuracies over lr and momentum, for two seeds that are the same."""
    accuracy = np.array([sgd, lookahead], dtype=float).reshape(2, len(lr), len(momentum), 1)
    return xr.Dataset(
        {"accuracy": (("arm", "lr", "momentum", "seed"), accuracy.repeat(2, axis=3))},
        coords={
            "arm": ["SGD", "Lookahead"],
            "lr": list(lr),
            "momentum": list(momentum),
            "seed": [0, 1],
        },
    )


@pytest.mark.parametrize(
    "sgd, lookahead, expected",
    [
        ([95, 95, 10, 10], [95, 95, 95, 10], 1),
        ([95, 95, 95, 95], [95, 10, 10, 10], -3),
        ([95, 50, 95, 10], [95, 95, 95, 10], 0),  # a gap below the largest does not count
        ([10, 10, 10, 10], [10, 10, 95, 10], 3),
    ],
)
def test_doublings(sgd, lookahead, expected):
    assert (digits.doublings(maps(sgd, lookahead)) == expected).all()


def test_doublings_of_some_momenta():
    """The mean over the momenta from 0.9 on leaves the others out, and no one of them decides."""
    works, fails = 95.0, 10.0
    result = maps(
        [[works] * 3, [fails] * 3, [fails] * 3],
        [[works] * 3, [fails, works, works], [fails, fails, works]],
        lr=(0.1, 0.2, 0.4),
        momentum=(0.5, 0.9, 0.98),
    )
    assert claims.lookahead_digits_tolerance(result).value == 1.0
    found = claims.lookahead_digits_tolerance_figure_8(result)
    assert (found.low, found.value, found.high) == (1.0, 1.5, 2.0)
    assert digits.losing_settings(result) == 0


def test_share_of_good_settings():
    result = maps([96.0, 97.0, 97.9, 98.0], [0, 0, 0, 0])
    assert digits.good_share(result, "SGD").values.tolist() == [75.0, 75.0]


def test_no_mean_hangs_on_one_setting():
    """The interval holds the mean without any one of the settings."""
    points = np.zeros((2, 2, 3))
    points[1, 1] = [8.0, 8.1, 7.9]
    points[0, 0] = [0.1, -0.1, 0.0]
    found = claims._map_mean(
        xr.DataArray(points, coords={"lr": [1, 2], "momentum": [0.5, 0.9], "seed": [0, 1, 2]})
    )
    assert found.value == pytest.approx(2.0)
    assert found.low < 0 < 2.66 < found.high
    rest = digits.without_setting(
        xr.DataArray(points, coords={"lr": [1, 2], "momentum": [0.5, 0.9], "seed": [0, 1, 2]}),
        lr=2,
        momentum=0.9,
    )
    assert rest.values == pytest.approx([0.1 / 3, -0.1 / 3, 0.0])


def test_averages_stand_beside_their_arms():
    result = digits.digits(SMALL)["loss"]
    at = {"lr": 0.2, "momentum": 0.9}
    half, full = (result.sel(arm=digits.averaged(0.9, arm), **at) for arm in (digits.HALF, "SGD"))
    neighbour = result.sel(arm=digits.averaged(0.9, "SGD"), lr=0.1, momentum=0.9)
    np.testing.assert_array_equal(half, neighbour)
    assert not np.array_equal(half, full)
    assert not np.array_equal(half, result.sel(arm=digits.HALF, **at))


def test_a_diverged_loss_counts_as_guessing():
    loss = xr.Dataset({"loss": ("run", [math.inf, 5.0, 0.1])})
    assert digits.log_loss(loss).values == pytest.approx([math.log10(math.log(10))] * 2 + [-1])


def test_what_halving_explains():
    """Losses 0.1, 0.01 and 0.001: half of the gap on the log scale, and ten times lower still."""
    lr, momentum = [0.1, 0.2, 0.4], [0.9, 0.95, 0.98]
    loss = np.array([0.1, 0.01, 0.001])[:, None, None, None] * np.ones((3, 3, 3, 2))
    result = xr.Dataset(
        {"loss": (("arm", "lr", "momentum", "seed"), loss)},
        coords={
            "arm": [digits.SGD, digits.HALF, digits.LOOKAHEAD],
            "lr": lr,
            "momentum": momentum,
            "seed": [0, 1],
        },
    )
    assert digits.explained(result, digits.HALF).values == pytest.approx([0.5, 0.5])
    assert digits.times_lower(result, than=digits.SGD) == pytest.approx(100)
    assert digits.times_lower(result, than=digits.HALF, momentum=0.98) == pytest.approx(10)
    assert digits.times_lower(result, than=digits.SGD, arm=digits.HALF) == pytest.approx(10)
    assert digits.loss_of_seed(result, digits.HALF).values == pytest.approx([0.01, 0.01])
    assert digits.too_high(result) == 9
    named = [digits.SGD, digits.averaged(0.9), digits.LOOKAHEAD]  # a tenth of SGD's loss, as above
    renamed = result.assign_coords(arm=named)
    assert digits.explained_by_averages(renamed) == pytest.approx((0.5, 0.5))
