"""The R operator against automatic differentiation, for every option."""

import math
from itertools import pairwise

import pytest
import torch

from replications.methods.conjugate_gradient import ConjugateGradient
from replications.methods.decay_hypergradient import decay_hypergradient
from replications.methods.implicit import hypergradient
from replications.methods.inverse_hessian import HypergradientWarning
from replications.methods.mlp_hessian import MLPHessian
from replications.methods.neumann import Neumann


def join(tensors, lead):
    return torch.cat([t.reshape(*lead, -1) for t in tensors], dim=-1)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("lead", [(), (3,)])
@pytest.mark.parametrize("sizes", [(4, 3), (4, 7, 3), (4, 7, 6, 3)])
@pytest.mark.parametrize("options", [set(), {"penalty", "masks"}])
def test_against_automatic_differentiation(activation, lead, sizes, options):
    g = torch.Generator().manual_seed(0)

    def draw(*shape):
        return torch.randn(*lead, *shape, generator=g, dtype=torch.float64)

    n = 9
    weights = [draw(i, o).requires_grad_() for i, o in pairwise(sizes)]
    x, y = draw(n, 4), torch.randint(3, (*lead, n), generator=g)
    penalty = [draw(*w.shape[-2:]).exp() for w in weights] if "penalty" in options else None
    masks = [1.5 * (draw(n, k) > 0) for k in sizes[1:-1]] if "masks" in options else None

    a = x
    for layer, w in enumerate(weights[:-1]):
        a = getattr(torch, activation)(a @ w)
        if masks is not None:
            a = a * masks[layer]
    log = torch.log_softmax(a @ weights[-1], dim=-1)
    loss = -log.gather(-1, y.unsqueeze(-1)).squeeze(-1).mean(-1)
    if penalty is not None:
        loss = loss + sum(
            (c * w * w).sum((-2, -1)) / 2 for c, w in zip(penalty, weights, strict=True)
        )
    gradient = torch.autograd.grad(loss.sum(), weights, create_graph=True)
    vector = join([draw(*w.shape[-2:]) for w in weights], lead)
    product = torch.autograd.grad(join(gradient, lead), weights, vector, allow_unused=True)

    with torch.no_grad():
        fast = MLPHessian(weights, x, y, penalty, activation, masks)
        torch.testing.assert_close(fast.loss(), loss)
        torch.testing.assert_close(fast.gradient(), join(gradient, lead))
        torch.testing.assert_close(fast.product(vector), join(product, lead))


@pytest.mark.parametrize("lead", [(), (3,)])
@pytest.mark.parametrize("solver", [ConjugateGradient(60), Neumann(7), Neumann(3, 0.1, probes=0)])
def test_decay_hypergradient_against_the_general_route(lead, solver):
    """The same losses, written for automatic differentiation, with log decays."""
    g = torch.Generator().manual_seed(1)
    double = {"generator": g, "dtype": torch.float64}
    x, xv = torch.randn(2, *lead, 10, 4, **double)
    y, yv = torch.randint(3, (2, *lead, 10), generator=g)
    weights = [0.1 * torch.randn(*lead, i, o, **double) for i, o in ((4, 5), (5, 3))]
    logs = [1 + torch.randn(w.shape, **double) / 3 for w in weights]  # positive curvature

    def fit(weights, x, y):
        log = torch.log_softmax(torch.relu(x @ weights[0]) @ weights[1], dim=-1)
        return -log.gather(-1, y.unsqueeze(-1)).squeeze(-1).mean(-1)

    def train(weights, logs):
        terms = [(d.exp() * w**2).sum((-2, -1)) / 2 for d, w in zip(logs, weights, strict=True)]
        return fit(weights, x, y) + sum(terms)

    slow = hypergradient(
        train, lambda w, _: fit(w, xv, yv), weights, logs, solver, tolerance=math.inf
    )
    here = MLPHessian(weights, x, y, [d.exp() for d in logs])
    at_val = MLPHessian(weights, xv, yv)
    fast = decay_hypergradient(here, at_val, solver, tolerance=math.inf)
    torch.testing.assert_close(here.penalty * fast.total, join(slow.total, lead))
    torch.testing.assert_close(fast.indirect, fast.total)
    assert not fast.direct.any()
    for name in ("stationarity", "residual"):
        torch.testing.assert_close(getattr(fast, name), getattr(slow, name), atol=1e-12, rtol=1e-6)
    torch.testing.assert_close(fast.curvature.largest, slow.curvature.largest)
    with pytest.warns(HypergradientWarning, match="far from zero"):
        decay_hypergradient(here, at_val, solver)


def test_a_diverged_problem_leaves_its_neighbours_alone():
    x, y = torch.ones(2, 3), torch.tensor([0, 1])
    one = [torch.tensor([[0.1, -0.2], [0.3, 0.0], [0.5, 0.4]])]
    both = [torch.stack([one[0], torch.full((3, 2), math.nan)])]

    def ask(weights, inputs, targets):
        train = MLPHessian(weights, inputs, targets, [torch.ones_like(w) for w in weights])
        val = MLPHessian(weights, -inputs, targets)
        return decay_hypergradient(train, val, Neumann(3, 0.1, probes=0), tolerance=math.inf).total

    with pytest.warns(HypergradientWarning, match="in 1 of 2 problems"):
        found = ask(both, x.expand(2, 2, 3), y.expand(2, 2))
    torch.testing.assert_close(found[0], ask(one, x, y))
    assert found[1].isnan().all()


def test_decay_hypergradient_refuses_what_it_cannot_mean():
    x, y = torch.ones(2, 3), torch.tensor([0, 1])
    here, there = ([torch.full((3, 2), value)] for value in (0.1, 0.2))
    with pytest.raises(ValueError, match="val: must have no penalty"):
        decay_hypergradient(MLPHessian(here, x, y), MLPHessian(here, x, y, here))
    with pytest.raises(ValueError, match="val: must have the weights of train"):
        decay_hypergradient(MLPHessian(here, x, y), MLPHessian(there, x, y))


@pytest.mark.usefixtures("unchecked")
def test_refuses_an_unknown_activation():
    with pytest.raises(ValueError, match="activation"):
        MLPHessian(
            [torch.zeros(2, 2)],
            torch.zeros(1, 2),
            torch.zeros(1, dtype=torch.int64),
            activation="gelu",
        )
