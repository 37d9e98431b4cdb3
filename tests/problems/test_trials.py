"""A model's seed decides everything about it, and an epoch has every image once."""

import pytest
import torch

from replications.problems import trials


def digits(seeds, steps=2, epochs=True):
    return trials.digits(seeds, steps, 32, (1280, 517), "init", epochs)


@pytest.mark.parametrize("make", [digits, lambda seeds: trials.translation(seeds, 2, 4, 16, 8)])
def test_a_model_depends_on_its_seed_alone(make):
    three, alone = make((0, 1, 1)), make((1,))
    for several, one in zip(three.weights, alone.weights, strict=True):
        torch.testing.assert_close(several[1:], one.repeat(2, 1, 1), rtol=0, atol=0)
    pairs = zip(three.gradients(three.weights, 2), alone.gradients(alone.weights, 2), strict=True)
    for several, one in pairs:
        assert one.abs().max() > 0
        torch.testing.assert_close(several[1:], one.repeat(2, 1, 1))
    for several, one in zip(three.test(three.weights), alone.test(alone.weights), strict=True):
        torch.testing.assert_close(several[1:], one.repeat(2))
        assert several[0] != several[1]


@pytest.mark.parametrize("epochs", [True, False])
def test_an_epoch_has_every_image_once(epochs):
    trial = digits((0,), 80, epochs)
    losses = torch.cat([trial.losses(trial.weights, t) for t in range(1, 81)]).double()
    assert (abs(losses[:40].mean() - losses[40:].mean()) < 1e-6) == epochs
