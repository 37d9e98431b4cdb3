"""The batched perceptron against torch.nn, one model at a time; data and splits."""

import pytest
import torch

from replications.core.seeds import generator
from replications.problems import data, mlp


@pytest.mark.parametrize("bias", [True, False])
def test_equals_torch_nn(bias):
    sizes, models = (5, 7, 3), 4
    params = mlp.init(sizes, models, generator(0, "init"), bias, torch.float64)
    for p in params:
        p.requires_grad_()
    inputs = torch.randn(11, 5, generator=generator(0, "x"), dtype=torch.float64)
    targets = torch.arange(11) % 3
    losses = mlp.losses(params, inputs, targets, bias)
    grads = torch.autograd.grad(losses.sum(), params)
    for m in range(models):
        layers = [torch.nn.Linear(a, b, bias, dtype=torch.float64) for a, b in ((5, 7), (7, 3))]
        net = torch.nn.Sequential(layers[0], torch.nn.ReLU(), layers[1])
        with torch.no_grad():
            for theirs, ours in zip(net.parameters(), params, strict=True):
                theirs.copy_(ours[m].squeeze(0) if ours.shape[1] == 1 else ours[m].T)
        loss = torch.nn.functional.cross_entropy(net(inputs), targets)
        loss.backward()
        assert losses[m].item() == pytest.approx(loss.item(), rel=1e-12)  # float64 rounding
        for theirs, ours in zip(net.parameters(), grads, strict=True):
            expected = theirs.grad if theirs.ndim == 1 else theirs.grad.T
            torch.testing.assert_close(ours[m].squeeze(0), expected)
        share = (net(inputs).argmax(1) == targets).float().mean()
        assert mlp.accuracy(params, inputs, targets, bias)[m] == share


def test_own_data_for_each_model():
    params = mlp.init((5, 3), 2, generator(0))
    inputs = torch.randn(2, 6, 5, generator=generator(1))
    targets = torch.tensor([[0, 1, 2, 0, 1, 2], [2, 2, 1, 1, 0, 0]])
    both = mlp.losses(params, inputs, targets)
    for m in range(2):
        alone = mlp.losses([p[m : m + 1] for p in params], inputs[m], targets[m])
        torch.testing.assert_close(both[m : m + 1], alone)


def test_init_is_the_law_of_linear():
    weight, bias = mlp.init((16, 500), 3, generator(0))
    for p in (weight, bias):
        assert p.abs().max() <= 0.25
        assert p.std().item() == pytest.approx(0.25 / 3**0.5, rel=0.05)  # 1500 draws or more
    with pytest.raises(ValueError, match=r"sizes needs two or more positive entries"):
        mlp.init((4,), 1, generator(0))


@pytest.mark.parametrize(
    ("load", "shape", "classes"),
    [
        (data.digits, (1797, 64), 10),
        (data.iris, (150, 4), 3),
        (data.breast_cancer, (569, 30), 2),
        (data.diabetes, (442, 10), None),
    ],
)
def test_data(load, shape, classes):
    found = load()
    assert found.inputs.shape == shape
    assert found.classes == classes
    if classes:
        assert found.targets.unique().tolist() == list(range(classes))


def test_digits_are_scaled():
    inputs = data.digits().inputs
    assert (inputs.min(), inputs.max()) == (0.0, 1.0)


def test_split_is_disjoint_and_seeded():
    parts = data.split(10, (5, 3, 2), seed=0)
    assert sorted(torch.cat(parts).tolist()) == list(range(10))
    assert torch.equal(parts[0], data.split(10, (5, 3, 2), seed=0)[0])
    assert not torch.equal(parts[0], data.split(10, (5, 3, 2), seed=1)[0])
    with pytest.raises(ValueError, match="sum to at most 10"):
        data.split(10, (6, 6), seed=0)


def test_standardize_uses_the_training_set():
    train = torch.tensor([[1.0, 5.0], [3.0, 5.0]])
    first, second = data.standardize(train, torch.tensor([[2.0, 6.0]]))
    torch.testing.assert_close(first, torch.tensor([[-(0.5**0.5), 0.0], [0.5**0.5, 0.0]]))
    torch.testing.assert_close(second, torch.tensor([[0.0, 1.0]]))
