"""Tuned against tuned: the network and its training are torch's, and the search is a fair one."""

import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn

from replications.methods import Lookahead
from replications.papers.lookahead.experiments import tuned
from replications.papers.lookahead.experiments.digits import Averaged
from replications.papers.lookahead.training import Digits, gradients

LR, MOMENTUM, DECAY, KEEP = (0.125, 0.03125), (0.875, 0.5), (0.0078125, 0.5), (0.75, 0.5)


@pytest.mark.parametrize("adam", [False, True])
@pytest.mark.parametrize("k", [None, 3])
def test_a_model_is_trained_as_by_torch(adam, k):
    data = tuned.Normalised(1, 64)
    data.inputs, data.test_inputs = data.inputs.double(), data.test_inputs.double()
    decay, keep = (torch.tensor(x, dtype=torch.float64) for x in (DECAY, KEEP))
    ensemble = tuned.Decayed(
        [p.double() for p in data.start(2)],
        keep,
        decay=decay,
        lr=np.array(LR),
        momentum=np.array(MOMENTUM),
        k=k,
        adam=adam,
    )
    start = [p.clone() for p in ensemble.params]
    batches = []
    real = data.next_batch
    data.next_batch = lambda settings: batches.append(real(settings)) or batches[-1]
    for _ in range(7):
        ensemble.step(data.gradients(ensemble.params, 2))
    accuracy = data.test_accuracy(ensemble.params)
    for i in range(2):
        first, norm, last = nn.Linear(64, 64, bias=False), nn.BatchNorm1d(64), nn.Linear(64, 10)
        model = nn.Sequential(first, norm, nn.ReLU(), last).double()
        weights = [first.weight, norm.weight, norm.bias, last.weight, last.bias]
        for weight, p in zip(weights, start, strict=True):
            weight.data = p[i].T.reshape(weight.shape).clone()
        if adam:
            betas = (MOMENTUM[i], 0.999)
            inner = torch.optim.AdamW(weights, lr=LR[i], betas=betas, weight_decay=DECAY[i])
        else:
            inner = torch.optim.SGD(weights, LR[i], momentum=MOMENTUM[i], weight_decay=DECAY[i])
        optimizer = Lookahead(inner, k, 0.5) if k else inner
        average = [w.detach().clone() for w in weights]
        for inputs, targets in batches:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(inputs[i]), targets[i]).backward()
            optimizer.step()
            average = [
                KEEP[i] * a + (1 - KEEP[i]) * w.data for a, w in zip(average, weights, strict=True)
            ]
        for weight, mean, p, a in zip(
            weights, average, ensemble.params, ensemble.average, strict=True
        ):
            torch.testing.assert_close(p[i].T.reshape(weight.shape), weight.data, rtol=1e-7, atol=0)
            torch.testing.assert_close(a[i].T.reshape(weight.shape), mean, rtol=1e-7, atol=0)
        norm.momentum = 1.0  # evaluated with the statistics of the training set
        model(data.inputs[0])
        right = (model.eval()(data.test_inputs[0]).argmax(1) == data.test_targets[0]).double()
        assert accuracy[i, 0] == pytest.approx(100 * right.mean().item(), abs=0.2)  # one digit


def test_averages_only_watch():
    data = Digits(1, 64)
    alone, watched = (
        Averaged(averages, data.start(1), np.array([0.125]), 0.5, None, 0.5)
        for averages in ((), (0.75,))
    )
    mean = [p.clone() for p in watched.params]
    for _ in range(3):
        batch = data.next_batch(1)
        alone.step(gradients(alone.params, *batch))
        watched.step(gradients(watched.params, *batch))
        mean = [0.75 * m + 0.25 * p for m, p in zip(mean, watched.params, strict=True)]
    for a, b, m, average in zip(
        alone.params, watched.params, mean, watched.averages[0.75], strict=True
    ):
        assert torch.equal(a, b)
        torch.testing.assert_close(average, m)


def test_the_setting_is_chosen_without_the_seeds_that_report():
    tuning, report = [[1, 3, 2]], [[50, 60, 99]]  # the best on the held-out seed is not taken
    accuracy = np.array([tuning, report], dtype=float).transpose(1, 2, 0)[None, None]
    result = xr.Dataset(
        {"accuracy": (("noise", "arm", "search", "trial", "seed"), accuracy)},
        coords={
            "noise": [0.0],
            "arm": ["SGD"],
            "trial": [1, 2, 3],
            "role": ("seed", ["tuning", "held out"]),
        },
    )
    assert tuned.chosen(result).squeeze().values.tolist() == [50, 60, 60]
