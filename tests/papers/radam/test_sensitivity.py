"""The batched learning-rate sweep against one network at a time in torch.nn."""

from __future__ import annotations

import pytest
import torch

from replications.core.seeds import generator
from replications.papers.radam.claims.practice import good_range, tuned
from replications.papers.radam.experiments import sensitivity
from replications.problems import data, mlp


def one_network(config: sensitivity.Config, seed: int, rate: float) -> float:
    """Test accuracy of one seed by torch.nn, torch.optim and a plain loop."""
    digits = data.digits()
    n = len(digits.targets)
    size = round(config.train_share * n)
    train, test = data.split(n, (size, n - size), seed)
    weights = mlp.init((64, *config.hidden, 10), 1, generator(seed, "network"))
    layers: list[torch.nn.Module] = []
    for weight, bias in zip(weights[::2], weights[1::2], strict=True):
        layer = torch.nn.Linear(*weight.shape[1:])
        layer.weight.data, layer.bias.data = weight[0].T.contiguous(), bias[0, 0]
        layers += [layer, torch.nn.ReLU()]
    net = torch.nn.Sequential(*layers[:-1])
    decay = config.weight_decay
    optimizer = torch.optim.RAdam(
        net.parameters(), rate, weight_decay=decay, decoupled_weight_decay=True
    )
    order = generator(seed, "order")
    steps = config.epochs * (size // config.batch)
    t = 0
    for _ in range(config.epochs):
        shuffled = train[torch.randperm(size, generator=order)]
        for start in range(0, size - config.batch + 1, config.batch):
            drops = sum(t >= drop * steps for drop in config.drops)
            optimizer.param_groups[0]["lr"] = rate * 0.1**drops
            index = shuffled[start : start + config.batch]
            optimizer.zero_grad()
            outputs = net(digits.inputs[index])
            torch.nn.functional.cross_entropy(outputs, digits.targets[index]).backward()
            optimizer.step()
            t += 1
    right = net(digits.inputs[test]).argmax(1) == digits.targets[test]
    return right.float().mean().item()


def test_equals_one_network_at_a_time() -> None:
    config = sensitivity.Config("RAdam", learning_rates=(0.03,), epochs=3, seeds=(4, 7))
    result = sensitivity.run(config)
    assert result.steps == 57
    expected = [one_network(config, seed, 0.03) for seed in config.seeds]
    # float32: a rounding may turn one or two of 539 answers
    assert result.accuracy[0] == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("method", ["SGD", "Adam", "warm-up"])
def test_every_method_runs_and_a_seed_does_not_depend_on_the_others(method) -> None:
    config = sensitivity.Config(method, learning_rates=(0.01,), epochs=1, seeds=(0, 1))
    both = sensitivity.run(config)
    alone = sensitivity.run(sensitivity.Config(method, (0.01,), epochs=1, seeds=(1,)))
    assert both.accuracy[0, 1] == pytest.approx(alone.accuracy[0, 0], abs=0.01)


def test_good_range_interpolates() -> None:
    import numpy as np

    rates = np.array([1.0, 0.1, 0.01, 0.001])
    accuracy = np.array([[0.0], [1.0], [1.0], [0.8]])
    low, high = good_range(sensitivity.Result("x", rates, 1, accuracy))
    assert low[0] == pytest.approx(-2.5, abs=0.01)
    assert high[0] == pytest.approx(-0.9, abs=0.01)


def test_the_rate_is_chosen_on_other_seeds_than_those_judged() -> None:
    import numpy as np

    rates = np.array([0.1, 0.01])
    lucky = np.array([[0.9] * 5 + [0.1] * 5, [0.8] * 10])  # best on all ten: the second rate
    plain = np.full((2, 10), 0.5)
    plain[0] += np.arange(10) * 1e-3
    sweeps = tuple(
        sensitivity.Result(name, rates, steps, accuracy)
        for name, accuracy in (("RAdam", lucky), ("Adam", plain))
        for steps in (1, 2)
    )
    found = tuned("RAdam", "Adam", True, sweeps)
    assert found.n == 5
    assert found.value == pytest.approx(0.1 - 0.507)
