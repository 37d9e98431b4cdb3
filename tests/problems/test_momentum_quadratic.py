"""Contraction rates against matrices, against torch's own SGD, and against known cases."""

import itertools
import math

import pytest
import torch

from replications.problems.momentum_quadratic import INNER_STATES, lookahead_rate, momentum_rate

X = torch.logspace(-3, 0.55, 60, dtype=torch.float64)


def loop_matrix(x, beta, alpha, k, inner_state):
    """M, built by carrying the two basis states through a loop step by step."""
    columns = []
    for theta, v in ((1.0, 0.0), (0.0, 1.0)):
        start = (theta, v)
        for _ in range(k):
            v = beta * v - x * theta
            theta = theta + v
        slow = start[0] + alpha * (theta - start[0])
        left = {"maintain": v, "reset": 0.0, "pullback": start[1] + alpha * (v - start[1])}[
            inner_state
        ]
        columns.append((slow, left))
    return torch.tensor(columns, dtype=torch.float64).T


@pytest.mark.parametrize(
    ("beta", "alpha", "k", "inner_state"),
    list(itertools.product((0.0, 0.5, 0.9), (0.3, 1.0), (1, 5, 20), INNER_STATES)),
)
def test_rate_is_the_spectral_radius(beta, alpha, k, inner_state):
    rates = lookahead_rate(X, beta, alpha, k, inner_state)
    matrices = torch.stack([loop_matrix(x.item(), beta, alpha, k, inner_state) for x in X])
    radius = torch.linalg.eigvals(matrices).abs().amax(-1)
    # A double eigenvalue is known to the root of rounding, and a radius near 0 not at all.
    torch.testing.assert_close(rates**k, radius, rtol=2e-6, atol=1e-6)


def test_momentum_rate():
    for beta in (0.0, 0.5, 0.9):
        # alpha = 1 is the inner optimizer; 1e-5: the seventh root of rounding where x is near 1
        whole = lookahead_rate(X, beta, 1.0, 7)
        torch.testing.assert_close(momentum_rate(X, beta), whole, rtol=1e-5, atol=0)
    for x in ((1 - math.sqrt(0.9)) ** 2 * 1.01, 0.5, (1 + math.sqrt(0.9)) ** 2 * 0.99):
        assert momentum_rate(x, 0.9).item() == pytest.approx(math.sqrt(0.9), rel=1e-12)
    assert momentum_rate(0.3, 0.0).item() == pytest.approx(0.7, rel=1e-12)
    assert momentum_rate(3.9, 0.9) > 1  # beyond 2 (1 + beta) = 3.8


def test_resonance():
    """Where k steps turn the state by a whole circle, M is diagonal and the rate is known."""
    beta, k, alpha = 0.9, 20, 0.5
    phase = 2 * math.pi / k
    x = 1 + beta - 2 * math.sqrt(beta) * math.cos(phase)
    expected = (1 - alpha + alpha * beta ** (k / 2)) ** (1 / k)
    assert lookahead_rate(x, beta, alpha, k, "pullback").item() == pytest.approx(expected, rel=1e-9)
    assert 1 - expected == pytest.approx(0.01951, abs=6e-6)  # printed digits of the study


@pytest.mark.parametrize("inner_state", INNER_STATES)
def test_rate_against_torch_sgd(inner_state):
    """Run torch.optim.SGD in loops by hand, and compare the decay of two late states."""
    beta, alpha, k, x = (0.9, 0.5, 20, 1e-3)  # over-damped: real eigenvalues, a straight decay
    theta = torch.nn.Parameter(torch.ones(1, dtype=torch.float64))
    sgd = torch.optim.SGD([theta], lr=x, momentum=beta)
    sizes = []
    for _ in range(120):
        slow = theta.detach().clone()
        old = sgd.state[theta]["momentum_buffer"].clone() if sgd.state else torch.zeros_like(slow)
        for _ in range(k):
            theta.grad = theta.detach().clone()  # the gradient of theta^2 / 2
            sgd.step()
        with torch.no_grad():
            theta.copy_(slow + alpha * (theta - slow))
            buffer = sgd.state[theta]["momentum_buffer"]
            if inner_state == "reset":
                buffer.zero_()
            elif inner_state == "pullback":
                buffer.copy_(old + alpha * (buffer - old))
        sizes.append(theta.abs().item())
    measured = (sizes[-1] / sizes[59]) ** (1 / (60 * k))
    ours = lookahead_rate(x, beta, alpha, k, inner_state).item()
    # 1e-9: the second eigenvalue has died out after 60 loops
    assert measured == pytest.approx(ours, rel=1e-9)


def test_bad_input():
    with pytest.raises(ValueError, match="x must be positive"):
        momentum_rate(0.0, 0.9)
    with pytest.raises(ValueError, match=r"beta must lie in \[0, 1\)"):
        momentum_rate(0.1, 1.0)
    with pytest.raises(ValueError, match=r"alpha must lie in \(0, 1\]"):
        lookahead_rate(0.1, 0.9, 1.5, 5)
    with pytest.raises(ValueError, match="k must be a whole number"):
        lookahead_rate(0.1, 0.9, 0.5, 0)
    with pytest.raises(ValueError, match="inner_state must be one of"):
        lookahead_rate(0.1, 0.9, 0.5, 5, "keep")
