"""The R operator against automatic differentiation, for every option."""

from itertools import pairwise

import pytest
import torch

from replications.methods.implicit import hypergradient
from replications.methods.inverse_hessian import ConjugateGradient
from replications.methods.mlp_hessian import MLPHessian


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
        torch.testing.assert_close(join(fast.gradient(), lead), join(gradient, lead))
        torch.testing.assert_close(fast.product(vector), join(product, lead))


def test_in_a_hypergradient():
    g = torch.Generator().manual_seed(1)
    x, y = (
        torch.randn(20, 4, generator=g, dtype=torch.float64),
        torch.randint(3, (20,), generator=g),
    )
    weights = [
        0.1 * torch.randn(i, o, generator=g, dtype=torch.float64) for i, o in ((4, 5), (5, 3))
    ]
    decays = [torch.full_like(w, 1.0) for w in weights]

    def train(weights, decays):
        logits = torch.relu(x[:10] @ weights[0]) @ weights[1]
        penalty = sum((d.exp() * w**2).sum() / 2 for d, w in zip(decays, weights, strict=True))
        return torch.nn.functional.cross_entropy(logits, y[:10]) + penalty

    def val(weights, decays):
        return torch.nn.functional.cross_entropy(
            torch.relu(x[10:] @ weights[0]) @ weights[1], y[10:]
        )

    fast = MLPHessian(weights, x[:10], y[:10], [d.exp() for d in decays])
    options = {"solver": ConjugateGradient(30), "tolerance": 1e9}
    slow = hypergradient(train, val, weights, decays, **options)
    quick = hypergradient(train, val, weights, decays, product=fast.product, **options)
    for a, b in zip(slow.total, quick.total, strict=True):
        torch.testing.assert_close(a, b)


def test_refuses_an_unknown_activation():
    with pytest.raises(ValueError, match="activation"):
        MLPHessian(
            [torch.zeros(2, 2)],
            torch.zeros(1, 2),
            torch.zeros(1, dtype=torch.int64),
            activation="gelu",
        )
