"""Training with twenty hyperparameters against torch's own layers and derivatives."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from replications.methods.unroll_problem import unroll
from replications.problems.knob_training import CUT, DIM, KnobTraining


def make(seeds=(0, 1), **kwargs):
    g = torch.Generator().manual_seed(5)
    x, y = torch.rand(60, 6, generator=g), torch.arange(60) % 3
    sources = [torch.Generator().manual_seed(s) for s in seeds]
    kwargs = {"horizon": 8, "hidden": 4, "batch": 10, "check_every": 4} | kwargs
    return KnobTraining(x, y, (x[:20], y[:20]), sources, **kwargs)


def test_a_run_is_sgd_with_momentum_and_decay_by_torch() -> None:
    problem = make(seeds=(3,))
    theta = 0.5 * torch.randn(1, DIM, generator=torch.Generator().manual_seed(0))
    _, total = unroll(problem, problem.init(1), theta, 0, 8)
    box = theta.view(4, 5) * torch.tensor([3.0, 3, 3, 2, 4])
    knobs = box + torch.tensor([-4.0, -4, -4, 1.5, -9])
    first, second, _, _ = problem.init(1)
    groups = [first[0, :, :-1], first[0, :, -1], second[0, :, :-1], second[0, :, -1]]
    groups = [w.clone().requires_grad_() for w in groups]
    speed, by_hand = [torch.zeros_like(w) for w in groups], 0.0
    for t in range(8):
        x, truth = problem._inputs[t, 0, :, :-1], problem._onehot[t, 0].argmax(dim=0)
        w1, b1, w2, b2 = groups
        loss = F.cross_entropy(F.linear(F.linear(x, w1, b1).relu(), w2, b2), truth)
        by_hand += loss.item()
        slopes = torch.autograd.grad(loss, groups)
        with torch.no_grad():
            for w, v, g, k in zip(groups, speed, slopes, knobs, strict=True):
                early, late = (k[0], k[1]) if t < 4 else (k[1], k[2])
                share = (t % 4) / 4
                rate = torch.exp((1 - share) * early + share * late)
                v.mul_(k[3].sigmoid()).add_(g + k[4].exp() * w)
                w.sub_(rate * v)
    assert total.item() == pytest.approx(by_hand, rel=1e-5)


def test_runs_do_not_touch_each_other() -> None:
    theta = 0.3 * torch.randn(4, DIM, generator=torch.Generator().manual_seed(1))
    both, alone = make(), make(seeds=(1,))
    _, loss = unroll(both, both.init(4), theta, 0, 8)
    _, last = unroll(alone, alone.init(2), theta[2:], 0, 8)
    torch.testing.assert_close(loss[2:], last)
    assert not torch.allclose(loss[0], loss[2])


def test_the_derivative_is_that_of_the_run() -> None:
    problem = make()
    theta = torch.zeros(2, DIM, requires_grad=True)
    (slope,) = torch.autograd.grad(unroll(problem, problem.init(2), theta, 0, 8)[1].sum(), theta)
    for knob in (0, 3, 11):
        moved = torch.zeros(2, DIM)
        moved[:, knob] = 0.02
        up, down = (unroll(problem, problem.init(2), s * moved, 0, 8)[1] for s in (1, -1))
        torch.testing.assert_close((up - down) / 0.04, slope[:, knob], rtol=0.03, atol=2e-3)


def test_errors_are_counted_and_a_diverged_run_pays_the_cut() -> None:
    problem = make(objective="validation error")
    state, total = unroll(problem, problem.init(2), torch.zeros(2, DIM), 0, 8)
    assert problem.paying == 2 and (total * 20 == (total * 20).round()).all()
    first, second = state[:2]
    x, y = problem.validation
    hidden = F.pad((x @ first[1].mT).relu(), (0, 1), value=1.0)
    wrong = ((hidden @ second[1].mT).argmax(dim=1) != y).float().mean()
    assert problem.wrong(first, second)[1] == pytest.approx(wrong.item())
    wild = torch.full((2, DIM), 40.0)
    _, loss = unroll(make(), make().init(2), wild, 0, 8)
    assert (loss > CUT).all() and loss.isfinite().all()
    state, loss = unroll(problem, problem.init(2), wild, 0, 8)
    assert (loss == 2).all()  # no answer of a diverged network is right
