"""The batched learning-rate sweep against one network at a time in torch.nn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import xarray as xr

from replications.core.seeds import generator
from replications.papers.radam import tables
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
    result = sensitivity.train(config)
    assert result.attrs["steps"] == 57
    expected = [one_network(config, seed, 0.03) for seed in config.seeds]
    # float32: a rounding may turn one or two of 539 answers
    found = sensitivity.at_rate(result, "RAdam", 0.03)
    assert found.values == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("arm", ["SGD", "Adam", "warm-up"])
def test_every_arm_runs_and_a_seed_does_not_depend_on_the_others(arm) -> None:
    config = sensitivity.Config(arm, learning_rates=(0.01,), epochs=1, seeds=(0, 1))
    both = sensitivity.train(config)
    alone = sensitivity.train(sensitivity.Config(arm, (0.01,), epochs=1, seeds=(1,)))
    pair = [sensitivity.at_rate(x, arm, 0.01).sel(seed=1) for x in (both, alone)]
    assert pair[0] == pytest.approx(pair[1].item(), abs=0.01)


def sweep(arms: dict[str, list[list[float]]], rates: list[float]) -> xr.Dataset:
    """A result from accuracies [lr, seed] of each arm."""
    accuracy = np.array(list(arms.values()))
    coords = {"arm": list(arms), "lr": rates, "seed": np.arange(accuracy.shape[2])}
    return xr.Dataset({"accuracy": (("arm", "lr", "seed"), accuracy)}, coords)


def test_good_range_interpolates() -> None:
    result = sweep({"x": [[0.0], [1.0], [1.0], [0.8]]}, [1.0, 0.1, 0.01, 0.001])
    ends = sensitivity.good_range(result, "x").sel(seed=0)
    assert ends.values == pytest.approx([-2.5, -0.9], abs=0.01)
    assert sensitivity.width(result, "x").sel(seed=0) == pytest.approx(1.6, abs=0.02)
    assert tables.good_rates(result, "x") == "0.003 to 0.1"


def test_gain_and_move_are_radam_minus_adam() -> None:
    result = sweep({"Adam": [[0.0], [1.0], [0.8]], "RAdam": [[1.0], [0.9], [0.0]]}, [1, 0.1, 0.01])
    assert sensitivity.gain(result, 0.1).sel(seed=0) == pytest.approx(-0.1)
    assert sensitivity.moved(result, "low").sel(seed=0) == pytest.approx(0.5, abs=0.01)


def test_the_rate_is_chosen_on_other_seeds_than_those_judged() -> None:
    lucky = [[0.9] * 5 + [0.1] * 5, [0.8] * 10]  # best on all ten: the second rate
    plain = [[0.5 + 1e-3 * i for i in range(10)], [0.5] * 10]
    result = sweep({"RAdam": lucky, "Adam": plain}, [0.1, 0.01])
    assert sensitivity.tuned(result, "RAdam").values == pytest.approx([0.1] * 5)
    assert sensitivity.tuned(result, "Adam").mean() == pytest.approx(0.507)


def test_spread_is_over_the_papers_rates_only() -> None:
    result = sweep({"RAdam": [[0.1], [0.9], [0.8], [0.7], [0.6]]}, [1.0, 0.1, 0.03, 0.01, 0.003])
    assert sensitivity.spread(result, "RAdam").sel(seed=0) == pytest.approx(0.3)
