"""Our closed form of the blog's update against its statements, by automatic differentiation."""

import pytest
import torch

from replications.core.seeds import generator
from replications.methods import MLPHessian, Neumann, hypergradient
from replications.papers.implicit.blog import ALL, Repairs, blog_hypergradient
from replications.papers.implicit.iris import LEARNING_RATE, MOMENTUM, Splits, Trainer
from replications.problems import mlp

HIDDEN, SPLITS = 6, 2


def setting(dtype=torch.float64):
    data = Splits(SPLITS, 0)
    trainer = Trainer(data.inputs[0], data.targets[0], HIDDEN, 0, generator(0, "dropout"))
    weights = [w.to(dtype) for w in trainer.weights]
    draw = torch.Generator().manual_seed(0)
    size = sum(trainer.sizes())
    theta = 0.3 * torch.rand(SPLITS, size, generator=draw, dtype=dtype)  # large: the penalty counts
    return data, trainer, weights, theta


def join(tensors):
    return torch.cat([t.flatten(1) for t in tensors], dim=1)


def literally(data, weights, theta, terms, step):
    """The published loop: a copy of the weights that only the penalty reads."""
    weights = [w.clone().requires_grad_() for w in weights]
    theta = theta.clone().requires_grad_()

    def loss(which):
        copy = join(weights)
        x, y = data.inputs[which].to(theta.dtype), data.targets[which]
        fit = mlp.losses(weights, x, y, bias=False)
        return (fit + (theta**2 * copy**2).sum(1)).sum(), copy

    loss_v, _ = loss(1)
    *at_val, u = torch.autograd.grad(loss_v, [*weights, theta])
    v = join(at_val)
    loss_t, copy = loss(0)
    (f,) = torch.autograd.grad(loss_t, copy, create_graph=True)
    (g,) = torch.autograd.grad(loss_t, theta, create_graph=True)
    p = v.clone()
    for _ in range(terms):
        v = v - step * torch.autograd.grad(f, copy, v, retain_graph=True)[0]
        p = p - v
    return u - torch.autograd.grad(g, copy, p)[0], p


@pytest.mark.parametrize("terms", [0, 1, 5])
def test_as_published(terms):
    data, _, weights, theta = setting()
    x, y = data.inputs[1].double(), data.targets[1]
    at_val = MLPHessian(weights, x, y).gradient()
    found = blog_hypergradient(join(weights), theta, at_val, None, terms, 0.1)
    for ours, theirs in zip(found, literally(data, weights, theta, terms, 0.1), strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("terms", [0, 1, 2, 5])
def test_in_the_code_the_order_only_sets_a_factor(terms):
    """Its Hessian is diag(2 theta^2), entries of 1e-4 at most, so p = (1 - i) v0."""
    data, _, weights, theta = setting()
    theta = theta / 30
    _, p = literally(data, weights, theta, terms, 0.1)
    v0 = literally(data, weights, theta, 0, 0.1)[1]
    assert (p - (1 - terms) * v0).norm() < 1e-3 * v0.norm()


def test_17280_decays_are_those_of_128_units():
    data = Splits(1, 0)
    for hidden, decays in ((128, 17_280), (1024, 1_055_744)):
        assert sum(Trainer(data.inputs[0], data.targets[0], hidden, 0, None).sizes()) == decays


def test_the_decays_average_the_reported_value_before_any_step():
    """theta ~ U(0, 0.01): the mean of theta^2 is 1e-4 / 3, reported as 0.00003."""
    theta = 1e-2 * torch.rand(36, 17_280, generator=generator(0, "decays"))
    assert float((theta**2).mean()) == pytest.approx(1e-4 / 3, rel=0.01)


def test_all_repairs_together_are_the_paper():
    data, trainer, weights, theta = setting()
    (x, xv), (y, yv) = [p.double() for p in data.inputs[:2]], data.targets[:2]
    here = MLPHessian(weights, x, y, trainer.unflatten(2 * theta**2))
    at_val = MLPHessian(weights, xv, yv).gradient()
    repaired, _ = blog_hypergradient(join(weights), theta, at_val, here.product, 5, 0.01, ALL)
    paper = hypergradient(
        lambda w, t: mlp.losses(w, x, y, bias=False) + (t**2 * join(w) ** 2).sum(1),
        lambda w, t: mlp.losses(w, xv, yv, bias=False),
        weights,
        theta,
        Neumann(5, 0.01, probes=0),
        tolerance=float("inf"),
    )
    torch.testing.assert_close(repaired, paper.total)


def test_each_repair_changes_something():
    data, trainer, weights, theta = setting()
    x, y = data.inputs[0].double(), data.targets[0]
    here = MLPHessian(weights, x, y, trainer.unflatten(2 * theta**2))
    at_val = MLPHessian(weights, data.inputs[1].double(), data.targets[1]).gradient()

    def direction(repairs):
        return blog_hypergradient(join(weights), theta, at_val, here.product, 5, 0.1, repairs)[0]

    for name in Repairs.__annotations__:
        assert (direction(Repairs(**{name: True})) - direction(Repairs())).norm() > 1e-3


def test_trainer_is_torchs_nesterov():
    data = Splits(3, 5)
    x, y = data.inputs[0], data.targets[0]
    trainer = Trainer(x, y, HIDDEN, 0, None)
    weights = [w.clone().requires_grad_() for w in trainer.weights]
    penalty = [torch.full_like(w, 0.1) for w in weights]
    options = {"lr": LEARNING_RATE, "momentum": MOMENTUM, "weight_decay": 0.1, "nesterov": True}
    sgd = torch.optim.SGD(weights, **options)
    for _ in range(15):
        sgd.zero_grad()
        mlp.losses(weights, x, y, bias=False).sum().backward()
        sgd.step()
        trainer.step(penalty)
    for ours, theirs in zip(trainer.weights, weights, strict=True):
        torch.testing.assert_close(ours, theirs.detach(), rtol=1e-5, atol=1e-6)  # float32


def test_dropout_keeps_half_doubled_and_differentiates():
    """One step with dropout moves by the gradient of the masked network."""
    data = Splits(2, 0)
    x, y = data.inputs[0], data.targets[0]
    trainer = Trainer(x, y, 64, 0, generator(0, "dropout"))
    twin = Trainer(x, y, 64, 0, generator(0, "dropout"))
    masks = [torch.ones(2, 60, 64) for _ in range(2)]
    for mask in masks:
        twin._drop(mask)
        assert set(mask.unique().tolist()) == {0.0, 2.0}
        assert abs(float(mask.mean()) - 1) < 0.05
    before = [w.clone() for w in trainer.weights]
    gradient = trainer.unflatten(MLPHessian(before, x, y, masks=masks).gradient())
    trainer.step(None)
    for w, start, g in zip(trainer.weights, before, gradient, strict=True):
        torch.testing.assert_close(
            start - w, LEARNING_RATE * (1 + MOMENTUM) * g, atol=1e-6, rtol=1e-4
        )
