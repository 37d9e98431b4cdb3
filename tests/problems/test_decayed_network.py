"""The network with decays: its step against automatic differentiation, its minimum, its Hessian."""

import torch

from replications.core.seeds import generator
from replications.methods.decay_hypergradient import decay_hypergradient
from replications.methods.dense_solve import Exact
from replications.problems import mlp
from replications.problems.decayed_network import DecayedNetwork, first_weights

G = generator(0, "test")
TRAIN = torch.randn(30, 5, generator=G, dtype=torch.float64), torch.arange(30) % 3
VALIDATION = torch.randn(20, 5, generator=G, dtype=torch.float64), torch.arange(20) % 3
THETA = torch.linspace(-2.5, -1, 7, dtype=torch.float64)


def network(horizon=5, start=None):
    start = start or first_weights(5, 4, 3, generator(0, "weights"))
    return DecayedNetwork(TRAIN, VALIDATION, start, horizon, 0.3)


def train_loss(w, theta):
    decays = theta.exp()
    penalty = (decays[:4] * w[0] ** 2).sum() + (decays[4:] * w[1] ** 2).sum()
    rows = [x[None] for x in w]
    return mlp.losses(rows, *TRAIN, bias=False, activation=torch.tanh).sum() + penalty / 2


def test_a_step_is_gradient_descent_on_the_penalised_loss():
    problem = network()
    w = [x.clone().requires_grad_() for x in problem.start]
    gradient = torch.autograd.grad(train_loss(w, THETA), w)
    (first, second, after), change = problem.step(problem.init(1), THETA[None], 0)
    torch.testing.assert_close(first[0], w[0] - 0.3 * gradient[0])
    torch.testing.assert_close(second[0], w[1] - 0.3 * gradient[1])
    rows = [first, second]
    torch.testing.assert_close(
        after, mlp.losses(rows, *VALIDATION, bias=False, activation=torch.tanh)
    )
    torch.testing.assert_close(change, after - problem.init(1)[2])


def test_unroll_is_many_steps():
    problem, state = network(), network().init(2)
    theta = torch.stack([THETA, THETA - 1])
    total = 0.0
    for t in range(5):
        state, loss = problem.step(state, theta, t)
        total = total + loss
    fast, change = problem.unroll(problem.init(2), theta, 0, 5)
    torch.testing.assert_close(fast, state)
    torch.testing.assert_close(change, total)


def test_implicit_derivative_is_that_of_retraining():
    weights, norm = network().minimum(THETA, steps=3000)
    assert norm < 1e-13
    problem = network(start=weights)
    train, val = problem.hessians(weights, THETA)
    found = problem.by_unit(decay_hypergradient(train, val, Exact()).total, THETA)

    def retrained(theta):
        w, _ = problem.minimum(theta, steps=0)
        return problem.val_loss(*(x[None] for x in w))[0]

    for p in range(7):
        change = torch.zeros_like(THETA)
        change[p] = 1e-4
        slope = (retrained(THETA + change) - retrained(THETA - change)) / 2e-4
        torch.testing.assert_close(found[p], slope, rtol=1e-5, atol=1e-8)
