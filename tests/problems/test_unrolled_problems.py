"""The PES chapter's problems: fast paths against plain steps, and their exact answers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from replications.methods.backprop import BPTT, TruncatedBPTT
from replications.methods.unroll_problem import unroll, unroll_steps
from replications.problems.char_rnn import CharRNN, by_windows, text
from replications.problems.digits_training import DigitsTraining
from replications.problems.influence_balancing import InfluenceBalancing
from replications.problems.linear_unroll import LinearUnroll, random_system
from replications.problems.recall import Recall
from replications.problems.toy_regression import ToyRegression, surface


def test_influence_factors_by_a_plain_loop() -> None:
    problem = InfluenceBalancing()
    push = np.r_[np.ones(10), -np.ones(13)]
    slope, seen = np.zeros(23), {}
    for k in range(1, 101):  # d s / d theta, unit by unit
        slope = 0.5 * slope + 0.5 * np.append(slope[1:], 0.0) + push
        seen[k] = slope[0]
    for k, value in seen.items():
        assert problem.factor(k) == pytest.approx(value, abs=1e-9)
    assert problem.limit() == (-6.0, -1 / 6)
    assert problem.factor(2000) == pytest.approx(-6.0, abs=1e-12)


@pytest.mark.parametrize("window", [1, 10, 100])
def test_influence_gradient_is_the_factor(window) -> None:
    problem = InfluenceBalancing(window)
    theta = torch.tensor([0.3], dtype=torch.float64)
    state = TruncatedBPTT(1).init(problem, theta)
    for _ in range(3):
        gradient, after, _ = TruncatedBPTT(1).step(state, theta)
        assert gradient.item() == pytest.approx(
            float(after.particles[0, 0] - 1) * problem.factor(window), rel=1e-12
        )
        state = after


def test_influence_fast_paths() -> None:
    theta = torch.linspace(-1, 1, 6, dtype=torch.float64)[:, None]
    plain = InfluenceBalancing()
    fast, slow = (f(plain, plain.init(6), theta, 0, 30) for f in (unroll, unroll_steps))
    torch.testing.assert_close(fast, slow, rtol=1e-12, atol=1e-12)
    state = plain.init(6)
    for _ in range(500):
        state, loss = plain.step(state, theta, 0)
    torch.testing.assert_close(plain.loss(theta[:, 0], 500), loss, rtol=1e-10, atol=1e-10)
    lifted = InfluenceBalancing(500)
    torch.testing.assert_close(
        lifted.step(lifted.init(6), theta, 0)[1], loss, rtol=1e-10, atol=1e-10
    )
    with pytest.raises(ValueError, match="positive <= units"):
        InfluenceBalancing(positive=30)


def test_toy_is_gradient_descent_on_its_surface() -> None:
    problem = ToyRegression()
    theta = torch.tensor([[-1.0, -2.0], [-4.0, -4.0]], dtype=torch.float64)
    state = problem.init(2)
    x = torch.ones(2, 2, dtype=torch.float64)  # [coordinate, particle]
    total = torch.zeros(2, dtype=torch.float64)
    for t in range(100):
        state, loss = problem.step(state, theta, t)
        leaf = x.clone().requires_grad_()
        (slope,) = torch.autograd.grad(surface(*leaf).sum(), leaf)
        rate = (1 - t / 100) * theta[:, 0].exp() + t / 100 * theta[:, 1].exp()
        x = x - rate * slope
        total += loss
        torch.testing.assert_close(torch.stack(state), x, rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(loss, surface(*x), rtol=1e-9, atol=1e-9)
    _, fast = unroll(problem, problem.init(2), theta, 0, 100)
    torch.testing.assert_close(fast, total, rtol=1e-8, atol=1e-8)
    assert surface(torch.tensor(0.0), torch.tensor(100.0)) == pytest.approx(
        math.sin(100) ** 2, rel=1e-5
    )


def digits_problem(**options) -> DigitsTraining:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.rand(40, 6, generator=generator)
    targets = torch.arange(40) % 3
    return DigitsTraining(
        inputs,
        targets,
        validation=(inputs[:10], targets[:10]),
        generator=generator,
        horizon=9,
        hidden=5,
        batch=8,
        **{"check_every": 4, "chunk": 3, **options},
    )


@pytest.mark.parametrize("objective", ["train loss", "validation error"])
def test_digits_fast_path(objective) -> None:
    problem = digits_problem(objective=objective)
    theta = torch.randn(7, 2, generator=torch.Generator().manual_seed(1)) * 0.5 - 1
    fast, slow = (f(problem, problem.init(7), theta, 0, 9) for f in (unroll, unroll_steps))
    torch.testing.assert_close(fast, slow, rtol=1e-5, atol=1e-5)  # float32 in another order
    before = problem.init(7)
    kept = [x.clone() for x in before]
    unroll(problem, before, theta, 0, 3)
    assert all(torch.equal(x, y) for x, y in zip(before, kept, strict=True))


def test_digits_is_torch_sgd() -> None:
    """The same run by torch.nn and torch.optim.SGD."""
    problem = digits_problem(objective="train loss")
    theta = torch.tensor([[-0.5, 0.3]])
    state = problem.init(1)
    first, _, second, _ = state
    net = torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3))
    with torch.no_grad():
        for layer, w in ((net[0], first[0, :-1]), (net[2], second[0])):
            layer.weight.copy_(w[:, :-1])
            layer.bias.copy_(w[:, -1])
    optimizer = torch.optim.SGD(net.parameters(), lr=1.0, momentum=0.9)
    for t in range(9):
        # torch's momentum is multiplied by today's rate too, so a schedule fits the same recursion
        optimizer.param_groups[0]["lr"] = math.exp(-0.5) / (1 + t / 9) ** math.exp(0.3)
        x, onehot = problem._inputs[t][:, :-1], problem._onehot[t]
        loss = torch.nn.functional.cross_entropy(net(x), onehot.argmax(dim=0))
        optimizer.zero_grad()
        loss.backward()
        state, ours = problem.step(state, theta, t)
        torch.testing.assert_close(ours[0], loss.detach(), rtol=1e-5, atol=1e-6)
        optimizer.step()
    torch.testing.assert_close(state[0][0, :-1, :-1], net[0].weight.detach(), rtol=1e-4, atol=1e-5)


def test_digits_validation_error_counts_wrong_answers() -> None:
    """Image by image, by torch's own layers: a network that is often right errs seldom."""
    problem = digits_problem(objective="validation error")
    inputs, targets = problem.validation
    (first, _, second, _), _ = unroll(
        problem, problem.init(3), torch.tensor([[-0.5, 0.0], [-9.0, 0.0], [0.0, 1.0]]), 0, 9
    )
    wrong = torch.zeros(3)
    for n in range(3):
        for image, target in zip(inputs, targets, strict=True):
            hidden = torch.nn.functional.linear(image[:-1], first[n, :-1, :-1], first[n, :-1, -1])
            hidden = torch.cat([hidden.relu(), torch.ones(1)])
            wrong[n] += float((second[n] @ hidden).argmax() != target)
    assert not torch.equal(wrong, len(inputs) - wrong)  # else rights and wrongs are as many
    torch.testing.assert_close(problem.validation_error(first, second), wrong / len(inputs))


def test_digits_is_differentiable() -> None:
    problem = digits_problem(objective="train loss")
    theta = torch.tensor([-1.0, 0.2])
    gradient, _, _ = BPTT().step(BPTT().init(problem, theta), theta)
    for i in range(2):
        shift = torch.zeros(2)
        shift[i] = 0.02
        both = torch.stack([theta + shift, theta - shift])
        _, loss = unroll(problem, problem.init(2), both, 0, 9)
        assert gradient[i].item() == pytest.approx(
            float(loss[0] - loss[1]) / 0.04, rel=0.02, abs=2e-3
        )


@pytest.mark.usefixtures("unchecked")
def test_digits_bad_arguments() -> None:
    with pytest.raises(ValueError, match="objective must be"):
        digits_problem(objective="loss")
    x, y = torch.rand(4, 2), torch.arange(4)
    with pytest.raises(ValueError, match="needs a validation set"):
        DigitsTraining(x, y, generator=torch.Generator(), objective="validation error", batch=2)
    with pytest.raises(ValueError, match=r"batch must lie in \[1, 4\]"):
        DigitsTraining(x, y, generator=torch.Generator())


def test_cubic_targets() -> None:
    """s_t = s_{t-1} + theta, loss s^3: sums by hand, with t steps of noise in s_t."""
    one = torch.ones(1, 1, dtype=torch.float64)
    problem = LinearUnroll(one, one, -torch.ones(1, dtype=torch.float64), 10, "cubic")
    theta, sigma = torch.tensor([0.3], dtype=torch.float64), 0.5
    t = np.arange(1, 11)
    m = -1 + 0.3 * t
    by_hand = {
        "none": (3 * t * m**2).sum(),
        "per window": (3 * t * (m**2 + t * sigma**2)).sum(),
        "per episode": (3 * t * (m**2 + t**2 * sigma**2)).sum(),
        "truncated": (3 * (m**2 + sigma**2)).sum(),
    }
    for noise, value in by_hand.items():
        ours = problem.expected_gradient(theta, 1, sigma, noise)  # type: ignore[arg-type]
        assert ours.item() == pytest.approx(value, rel=1e-12)
    assert by_hand["none"] == pytest.approx(288.75) and by_hand["per episode"] == pytest.approx(
        2557.5
    )


def test_one_noise_for_an_episode_smooths_a_cubic_as_a_normal_does() -> None:
    problem = random_system(5, 2, 7, "cubic", torch.Generator().manual_seed(1))
    theta, sigma = torch.tensor([0.3, -0.2], dtype=torch.float64), 0.4

    def states(theta: torch.Tensor) -> torch.Tensor:
        seen = [problem.start]
        for _ in range(7):
            seen.append(problem.matrix @ seen[-1] + problem.push @ theta)
        return torch.stack(seen[1:])

    slopes, means = torch.func.jacrev(states)(theta), states(theta)
    spread = sigma**2 * slopes.square().sum(dim=-1)
    wanted = (3 * (means.square() + spread)[..., None] * slopes).sum(dim=(0, 1))
    found = problem.expected_gradient(theta, 3, sigma, "per episode")
    torch.testing.assert_close(found, wanted)


@pytest.mark.usefixtures("unchecked")
def test_linear_unroll_bad_arguments() -> None:
    one = torch.ones(1, 1, dtype=torch.float64)
    with pytest.raises(ValueError, match='loss must be "linear"'):
        LinearUnroll(one, one, one[0], 10, "quartic")  # type: ignore[arg-type]


def test_text_rnn_later_losses_by_autograd() -> None:
    """Each step gets its own copy of theta; row s is the gradient of the losses from s on."""
    letters = text()[:8]
    problem = CharRNN(letters, units=3)
    theta = problem.parameters(torch.Generator().manual_seed(0))
    copies = theta.expand(7, -1).clone().requires_grad_()
    state, losses = problem.init(1), []
    for t in range(7):
        state, loss = problem.step(state, copies[t : t + 1], t)
        losses.append(loss[0])
    h = problem.later_losses(theta)
    for s in range(7):
        (row,) = torch.autograd.grad(torch.stack(losses[s:]).sum(), copies, retain_graph=True)
        torch.testing.assert_close(h[s], row, rtol=1e-9, atol=1e-12)
    with pytest.raises(ValueError, match="window must divide the 7 steps"):
        by_windows(h, 2)
    with pytest.raises(ValueError, match="numbers below 27"):
        CharRNN(torch.tensor([3, 27]))


def test_weights_start_within_one_over_the_root_of_the_units() -> None:
    problem = CharRNN(torch.tensor([3, 1, 2]), units=16)
    start = problem.parameters(torch.Generator().manual_seed(0))
    assert 0.99 / 4 < start.abs().max() < 1 / 4 and start.mean().abs() < 0.02


def test_text_is_letters() -> None:
    letters = text()
    assert len(letters) > 5000 and 0 <= int(letters.min()) and int(letters.max()) == 26


def test_recall_keeps_one_bit() -> None:
    problem = Recall(horizon=6, units=4)
    start = problem.parameters(3, 0.7, torch.Generator().manual_seed(0))
    # without the bit a score x costs log 2 + x^2 / 8: the guess is not quite even
    torch.testing.assert_close(
        problem.solution_loss(start), torch.full((3,), math.log(2.0)), rtol=0, atol=1e-3
    )
    w, w_bit, w_cue, b, v, a = start[0].split(problem.sizes)
    w_bit = w_bit + 1  # something to keep
    losses = []
    for bit in (1.0, -1.0):
        state = torch.tanh(bit * w_bit + w_cue + b)
        for _ in range(5):
            state = torch.tanh(state @ w.view(4, 4) + b)
        losses.append(-torch.log(torch.sigmoid(bit * (state @ v + a[0]))))
    kept = torch.cat([w, w_bit, w_cue, b, v, a])[None]
    torch.testing.assert_close(problem.solution_loss(kept)[0], (losses[0] + losses[1]) / 2)
    costs = []
    state = problem.init(1)
    for t in range(6):
        state, cost = problem.step(state, kept, t)
        costs.append(cost.item())
    assert costs[:5] == [0.0] * 5 and costs[5] > 0  # only the last step pays
    latch = torch.zeros(1, problem.dim)  # by hand: one unit that holds the bit by itself
    latch[0, 0], latch[0, problem.bit_weights.start], latch[0, -5] = 3.0, 3.0, 6.0
    assert problem.solution_loss(latch).item() < 0.01
    with pytest.raises(ValueError, match="horizon >= 2"):
        Recall(horizon=1)


def test_a_random_system_is_stable_and_remembers() -> None:
    system = random_system(6, 2, 10, "linear", torch.Generator().manual_seed(0))
    assert torch.linalg.matrix_norm(system.matrix, ord=2).item() == pytest.approx(0.9, rel=1e-12)
    assert (system.matrix.trace() > 0) == (
        torch.randn(6, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64).trace()
        > 0
    )  # a radius below 0 would turn the sign of every second step


def test_windows_add_up_what_their_steps_do_to_the_losses_from_their_first_on() -> None:
    h = torch.randn(6, 6, 2, generator=torch.Generator().manual_seed(0))
    found = by_windows(h, 3)
    assert found.shape == (2, 2, 2)
    for row in range(2):
        for column in range(2):
            wanted = (
                h[3 * row, 3 * column] + h[3 * row, 3 * column + 1] + h[3 * row, 3 * column + 2]
            )
            torch.testing.assert_close(found[row, column], wanted)
