"""Many models at once against torch's optimizers and the package's Lookahead; streams of data."""

import numpy as np
import pytest
import torch

from replications.methods import Lookahead
from replications.papers.lookahead.experiments import adaptive_alpha
from replications.papers.lookahead.training import TEST, TRAIN, Digits, Ensemble, gradients, train
from replications.problems import mlp

# Powers of two, which float32 holds exactly: the comparison is then one of float64 rounding.
LR, MOMENTUM, ALPHA = (0.125, 0.03125), (0.875, 0.5), (0.5, 0.25)


@pytest.mark.parametrize(
    "adam, k, inner_state",
    [
        (False, None, "maintain"),
        (False, 3, "maintain"),
        (False, 3, "reset"),
        (True, None, "maintain"),
        (True, 3, "maintain"),
    ],
)
def test_every_model_is_trained_as_by_torch(adam, k, inner_state):
    data = Digits(2, 32)
    lr, momentum, alpha = (np.repeat(x, 2) for x in (LR, MOMENTUM, ALPHA))
    ensemble = Ensemble(
        [p.double() for p in data.start(2)], lr, momentum, k, alpha, inner_state, adam
    )
    batches = [(x.double(), y) for x, y in (data.next_batch(2) for _ in range(8))]
    models = [[p[i : i + 1].clone().requires_grad_() for p in ensemble.params] for i in range(4)]
    for batch in batches:
        ensemble.step(gradients(ensemble.params, *batch))
    for i, model in enumerate(models):
        if adam:
            optimizer = torch.optim.Adam(model, lr=lr[i], betas=(momentum[i], 0.999))
        else:
            optimizer = torch.optim.SGD(model, lr=lr[i], momentum=momentum[i])
        if k:
            optimizer = Lookahead(optimizer, k, alpha[i], inner_state)
        for inputs, targets in batches:
            optimizer.zero_grad()
            mlp.losses(model, inputs[i : i + 1], targets[i : i + 1]).sum().backward()
            optimizer.step()
        for ours, theirs in zip(ensemble.params, model, strict=True):
            torch.testing.assert_close(ours[i : i + 1], theirs.detach(), rtol=1e-9, atol=1e-12)


def test_models_of_a_seed_share_everything_and_seeds_nothing():
    data = Digits(2, 32)
    for tensor in (*data.start(3), *data.next_batch(3)):
        setting_0, setting_1, _ = tensor.split(2)
        assert torch.equal(setting_0, setting_1)
        assert not torch.equal(setting_0[0], setting_0[1])
    twice = [Digits(2, 32).next_batch(1)[0] for _ in range(2)]
    assert torch.equal(*twice)
    assert torch.equal(twice[0][0], Digits(1, 32).next_batch(1)[0][0])  # whatever the seeds beside


def test_seeds_take_their_examples_in_different_orders():
    data = Digits(2, 32)
    inputs, _ = data.next_batch(1)
    orders = [
        [int((data.inputs[seed] == row).all(1).nonzero()[0]) for row in inputs[seed]]
        for seed in range(2)
    ]
    assert orders[0] != orders[1]


def test_an_epoch_shows_every_example_once():
    data = Digits(1, 32)
    seen = torch.cat([data.next_batch(1)[0][0] for _ in range(data.epoch)])
    assert len(seen) == TRAIN
    assert torch.equal(seen.sum(1).sort().values, data.inputs[0].sum(1).sort().values)
    assert len(data.test_inputs[0]) == TEST


def test_label_noise_reaches_the_training_labels_only():
    clean, noisy = Digits(2, 8), Digits(2, 8, label_noise=0.2)
    share = (clean.targets != noisy.targets).float().mean().item()
    assert share == pytest.approx(0.18, abs=0.03)  # 0.2 times 9/10; 4 standard deviations of 2560
    assert torch.equal(clean.test_targets, noisy.test_targets)


def test_train_decays_three_times_and_learns():
    data = Digits(1, 64)
    ensemble = Ensemble(data.start(2), np.array([0.25, 0.125]), 0.5, 5)
    outcome = train(data, ensemble, 10)
    torch.testing.assert_close(ensemble.lr.ravel(), torch.tensor([0.25, 0.125]) * 0.2**3)
    assert outcome.accuracy.shape == (2, 1)
    assert (outcome.accuracy > 85).all()
    assert (outcome.final_loss < outcome.early_loss).all()
    with pytest.raises(ValueError, match="epochs must be a multiple of 10"):
        train(data, ensemble, 7)
    with pytest.raises(ValueError, match="batch must divide"):
        Digits(1, 33)


def test_adaptive_step_is_the_best_one_on_a_quadratic():
    """With the true diagonal and gradient it is Proposition 1: the lowest point of the line."""
    source = torch.Generator().manual_seed(0)
    curvature = torch.rand(5, 7, 1, generator=source, dtype=torch.float64) + 0.1
    start, end, optimum = torch.randn(3, 5, 7, 1, generator=source, dtype=torch.float64)
    alpha = adaptive_alpha.slow_step([start], [end], [curvature], [curvature * (end - optimum)])
    t = torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64)[:, None, None, None]
    height = (curvature * (start + t * (end - start) - optimum) ** 2).sum((2, 3))
    low, half, one = height  # a parabola through three points
    vertex = (3 * low - 4 * half + one) / (4 * (low - 2 * half + one))
    torch.testing.assert_close(alpha, vertex, rtol=1e-9, atol=1e-12)
