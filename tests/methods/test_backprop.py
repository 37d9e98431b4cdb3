"""BPTT, truncated BPTT, RTRL and UORO: against torch's own RNN, numpy loops and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from replications.methods.backprop import BPTT, TruncatedBPTT
from replications.methods.rtrl import RTRL
from replications.methods.uoro import UORO
from tests.methods.unrolls import Nested, system


def episode(estimator, problem, theta, seed=0) -> torch.Tensor:
    state, total = estimator.init(problem, theta, seed), torch.zeros(())
    while True:
        gradient, state, info = estimator.step(state, theta)
        total = total + gradient
        if info.done:
            return total


class TanhCell:
    """torch.nn.RNN's cell, its weights flattened into theta."""

    horizon = 5

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.rnn = torch.nn.RNN(2, 3, batch_first=True, dtype=torch.float64)
        self.inputs = torch.randn(1, 5, 2, dtype=torch.float64)
        self.theta = torch.nn.utils.parameters_to_vector(self.rnn.parameters()).detach()

    def init(self, n):
        return torch.zeros(n, 3, dtype=torch.float64)

    def step(self, state, theta, t):
        w_in, w_rec = theta[:, :6].view(-1, 3, 2), theta[:, 6:15].view(-1, 3, 3)
        bias = theta[:, 15:18] + theta[:, 18:]
        pre = (w_in @ self.inputs[0, t]) + (w_rec @ state[:, :, None])[..., 0] + bias
        state = torch.tanh(pre)
        return state, state.square().sum(dim=1)

    def reference(self) -> torch.Tensor:
        loss = self.rnn(self.inputs)[0].square().sum()
        return torch.cat(
            [g.flatten() for g in torch.autograd.grad(loss, list(self.rnn.parameters()))]
        )


@pytest.mark.parametrize("estimator", [BPTT(), RTRL(), RTRL(2), TruncatedBPTT(5)])
def test_equals_torchs_own_rnn(estimator) -> None:
    problem = TanhCell()
    ours = episode(estimator, problem, problem.theta)
    torch.testing.assert_close(ours, problem.reference(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("loss", ["linear", "quadratic", "cubic"])
@pytest.mark.parametrize("window", [1, 3])
def test_truncated_gradient_is_the_closed_form(loss, window) -> None:
    problem, theta = system(loss)
    ours = episode(TruncatedBPTT(window), problem, theta)
    torch.testing.assert_close(ours, problem.truncated_gradient(theta, window))
    exact = problem.expected_gradient(theta, window)
    for estimator in (BPTT(), RTRL(window)):
        torch.testing.assert_close(episode(estimator, problem, theta), exact)


def naive_uoro(problem, theta, signs):
    """Algorithm 1 of Tallec and Ollivier with explicit Jacobians, for the quadratic system."""
    a, b, s = (x.numpy() for x in (problem.matrix, problem.push, problem.start))
    u, w, gradients = np.zeros(len(s)), np.zeros(b.shape[1]), []
    for nu in signs:
        after = a @ s + b @ theta.numpy()
        gradients.append((after @ a @ u) * w + after @ b)  # dL/ds = after, then through s or theta
        pushed, pulled = a @ u, nu @ b
        rho0 = np.sqrt(np.linalg.norm(w) / np.linalg.norm(pushed)) if u.any() else 1.0
        rho1 = np.sqrt(np.linalg.norm(pulled) / np.linalg.norm(nu))
        u, w = rho0 * pushed + rho1 * nu, w / rho0 + pulled / rho1
        s = after
    return np.array(gradients)


def test_uoro_equals_its_algorithm(monkeypatch) -> None:
    import replications.methods.uoro as module

    problem, theta = system()
    drawn, original = [], module._signs

    def spy(like, generators):
        drawn.append(original(like, generators))
        return drawn[-1]

    monkeypatch.setattr(module, "_signs", spy)
    estimator = UORO()
    state, ours = estimator.init(problem, theta, 3), []
    for _ in range(7):
        gradient, state, _ = estimator.step(state, theta)
        ours.append(gradient.numpy())
    assert {x.item() for signs in drawn for x in signs.flatten()} == {-1.0, 1.0}
    theirs = naive_uoro(problem, theta, [x[0].numpy() for x in drawn])
    np.testing.assert_allclose(ours, theirs, rtol=1e-10)


def test_uoro_is_unbiased() -> None:
    problem, theta = system(horizon=4)
    runs = 4000
    samples = episode(UORO(2), problem, theta.expand(runs, -1), seed=list(range(runs)))
    exact = problem.expected_gradient(theta, 1)
    z = (samples.mean(0) - exact) / (samples.std(0) / runs**0.5)
    assert z.abs().max() < 4


@pytest.mark.parametrize("estimator", [RTRL(4), UORO(4), TruncatedBPTT(4)])
def test_nested_states_replicates_and_reset(estimator) -> None:
    theta = torch.tensor([[0.1, -0.2, 0.3], [0.2, 0.1, -0.1]], dtype=torch.float64)
    batch = estimator.init(Nested(), theta, [1, 2])
    singles = [estimator.init(Nested(), theta[i], i + 1) for i in range(2)]
    for call in range(4):
        gradient, batch, info = estimator.step(batch, theta)
        assert info.steps == (2 if call % 2 else 4) and info.done == bool(call % 2)
        assert batch.t == (0 if call % 2 else 4)
        for i in range(2):
            alone, singles[i], _ = estimator.step(singles[i], theta[i])
            torch.testing.assert_close(gradient[i], alone)


def test_rtrl_equals_bptt_on_a_nested_state() -> None:
    theta = torch.tensor([0.1, -0.2, 0.3], dtype=torch.float64)
    torch.testing.assert_close(episode(RTRL(4), Nested(), theta), episode(BPTT(), Nested(), theta))


def test_a_loss_without_derivative_is_named() -> None:
    class Steps(Nested):
        def step(self, state, theta, t):
            return state, (state["x"][:, 0].detach() > 0).double()

    theta = torch.zeros(3, dtype=torch.float64)
    with pytest.raises(ValueError, match="no derivative with respect to theta"):
        BPTT().step(BPTT().init(Steps(), theta), theta)
