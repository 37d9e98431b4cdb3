"""The sweeps on the digits put every number into its place; the measures do what they say."""

import math
from dataclasses import replace

import numpy as np
import pytest

from replications.papers.lookahead.claims import digits as measures
from replications.papers.lookahead.claims import loops
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
    result = digits.run(SMALL)
    lower = digits.run(replace(SMALL, lr=(0.025, 0.05, 0.1)))
    assert result.sgd.shape == result.half.shape == result.lookahead.shape == (2, 2, 2)
    np.testing.assert_allclose(result.half_loss, lower.sgd_loss, rtol=CLOSE)
    assert not np.allclose(result.half_loss, result.sgd_loss, rtol=0.05)


def test_settings_stand_in_the_order_of_lr_momentum_seed():
    result = digits.run(SMALL)
    single = digits.run(replace(SMALL, lr=(0.1, 0.2), momentum=(0.9,), seeds=1))
    np.testing.assert_allclose(result.lookahead_loss[1, 1, 0], single.lookahead_loss, rtol=CLOSE)
    np.testing.assert_allclose(result.sgd_loss[1, 1, 0], single.sgd_loss, rtol=CLOSE)


@pytest.mark.parametrize("module", [digits, adam])
def test_rates_must_grow_by_one_over_alpha(module):
    with pytest.raises(ValueError, match="lr must grow by 1/alpha = 2"):
        module.run(module.Config(lr=(0.1, 0.3)))


def test_adams_control_is_adam_at_the_neighbouring_rate():
    config = adam.Config(lr=(0.001, 0.002, 0.004), epochs=10, batch=64, seeds=1)
    result = adam.run(config)
    lower = adam.run(replace(config, lr=(0.0005, 0.001, 0.002)))
    assert np.abs(result.half - lower.adam).max() < 1  # points: a few digits near the boundary
    assert np.abs(result.half - result.adam).max() > 1


def test_slow_settings_with_alpha_1_are_sgd():
    config = slow_settings.Config(
        k=(5, 10), alpha=(0.5, 1.0), place=((0.1, 0.9), (0.05, 0.5)), batch=64, epochs=10, seeds=1
    )
    result = slow_settings.run(config)
    for j in range(2):
        np.testing.assert_allclose(result.loss[:, j, 1], result.sgd_loss, rtol=CLOSE)
    assert not np.allclose(result.loss[:, 0, 0], result.sgd_loss, rtol=0.05)


def test_a_loop_starts_where_the_last_synchronisation_ended():
    config = sawtooth_digits.Config(
        setting=((0.1, "maintain"), (0.4, "reset")), epochs=1, loops=3, seeds=2
    )
    result = sawtooth_digits.run(config)
    assert result.accuracy.shape == (2, 2, 3, 6)
    np.testing.assert_array_equal(result.accuracy[:, :, 1:, 0], result.synchronised[:, :, :-1])
    assert loops.drop(result, 0.4).shape == (2,)


def test_the_adaptive_step_stays_within_its_clip():
    result = adaptive_alpha.run(adaptive_alpha.Config(epochs=2, seeds=2))
    assert result.train_loss.shape == result.accuracy.shape == (3, 2, 2, 2)
    assert result.alpha.min() >= 0.2
    assert result.alpha.max() <= 1.0
    assert (result.clipped[0] > result.clipped[1]).all()  # larger steps overshoot more often


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
    fields = {"sgd": sgd, "lookahead": lookahead}
    arrays = {name: np.array(x, dtype=float).reshape(-1, 1, 1) for name, x in fields.items()}
    empty = np.zeros((4, 1, 1))
    result = digits.Result(
        lr=np.array([0.1, 0.2, 0.4, 0.8]),
        momentum=np.zeros(1),
        sgd_loss=empty,
        half_loss=empty,
        lookahead_loss=empty,
        half=empty,
        **arrays,
    )
    assert measures.doublings(result).item() == expected


def test_doublings_of_some_momenta():
    """The mean over the momenta from 0.9 on leaves the others out."""
    works, fails = 95.0, 10.0
    sgd = np.array([[works, works], [fails, fails]])[..., None].repeat(2, axis=2)
    lookahead = np.array([[works, works], [fails, works]])[..., None].repeat(2, axis=2)
    empty = np.zeros((2, 2, 2))
    result = digits.Result(
        lr=np.array([0.1, 0.2]),
        momentum=np.array([0.5, 0.9]),
        sgd_loss=empty,
        half_loss=empty,
        lookahead_loss=empty,
        half=empty,
        sgd=sgd,
        lookahead=lookahead,
    )
    claims = {claim.id: claim.measure for claim in measures.CLAIMS}
    assert claims["lookahead-digits-tolerance-half"](result).value == 0.5
    assert claims["lookahead-digits-tolerance-figure-8"](result).value == 1.0
    assert claims["lookahead-digits-best"](result).value == 0.0


def test_share_of_good_settings():
    accuracy = np.array([[96.0, 97.0], [97.9, 98.0]])[..., None]
    assert measures.good_share(accuracy).tolist() == [75.0]


def test_a_diverged_loss_counts_as_guessing():
    assert measures.log_loss(np.array([math.inf, 5.0, 0.1])) == pytest.approx(
        [math.log10(math.log(10))] * 2 + [-1]
    )
