"""A rule for each weight's step against torch's Adam, and against itself weight by weight."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from replications.methods.unroll_problem import unroll
from replications.problems.knob_training import KnobTraining
from replications.problems.learned_optimizer import DIM, LearnedOptimizer, PlainAdam, first_rule


def runs(seeds=(0, 1)) -> KnobTraining:
    g = torch.Generator().manual_seed(5)
    x, y = torch.rand(60, 6, generator=g), torch.arange(60) % 3
    sources = [torch.Generator().manual_seed(s) for s in seeds]
    return KnobTraining(x, y, (x, y), sources, horizon=8, hidden=4, batch=10)


def test_plain_adam_is_torchs() -> None:
    problem, rates = PlainAdam(runs((3,))), [0.1 * 0.5 ** (t / 8) for t in range(8)]
    theta = torch.tensor([[math.log(0.1), math.log(0.05)]])
    _, total = unroll(problem, problem.init(1), theta, 0, 8)
    weights = [w[0].clone().requires_grad_() for w in problem.runs.init(1)[:2]]
    adam, by_hand = torch.optim.Adam(weights, betas=(0.9, 0.99)), 0.0
    for t, rate in enumerate(rates):
        x, truth = problem.runs._inputs[t, 0], problem.runs._onehot[t, 0].argmax(dim=0)
        hidden = F.pad((x @ weights[0].mT).relu(), (0, 1), value=1.0)
        loss = F.cross_entropy(hidden @ weights[1].mT, truth)
        adam.zero_grad()
        loss.backward()
        adam.param_groups[0]["lr"] = rate
        adam.step()
        by_hand += loss.item()
    assert total.item() == pytest.approx(by_hand, rel=1e-5)


def test_a_weight_moves_as_its_own_five_numbers_say() -> None:
    problem, t = LearnedOptimizer(runs()), 5
    rules = torch.stack([first_rule(torch.Generator().manual_seed(i)) for i in range(2)])
    rules += 0.3 * torch.randn(2, DIM, generator=torch.Generator().manual_seed(9))
    inputs = torch.rand(4, 2, 7, generator=torch.Generator().manual_seed(1)) + 0.1
    moved = problem.update(rules, tuple(inputs), t)
    for i, j in ((0, 0), (1, 6)):
        g, m, r, w = inputs[:, i, j].tolist()
        seen = torch.tensor([g / r, m / r, w, (math.log(r) + 5) / 3, 2 * t / 8 - 1])
        one, bias, two = rules[i].split([40, 8, 18])
        hidden = torch.tanh(one.view(8, 5) @ seen + bias)
        d, a = (two.view(2, 9)[:, :8] @ hidden + two.view(2, 9)[:, 8]).tolist()
        assert moved[i, j].item() == pytest.approx(0.01 * d * math.exp(a), rel=1e-4)


def test_the_derivative_is_that_of_the_run() -> None:
    problem = LearnedOptimizer(runs())
    rule = first_rule(torch.Generator().manual_seed(0)).double().expand(2, -1).clone()
    for name in ("_inputs", "_onehot", "_first", "_second"):
        setattr(problem.runs, name, getattr(problem.runs, name).double())
    rule.requires_grad_()

    def total(theta: torch.Tensor) -> torch.Tensor:
        return unroll(problem, problem.init(2), theta, 0, 8)[1].sum()

    (slope,) = torch.autograd.grad(total(rule), rule)
    step = torch.zeros_like(rule)
    step[:, 50] = 1e-5
    with torch.no_grad():
        numeric = (total(rule + step) - total(rule - step)) / 2e-5
    assert slope[:, 50].sum().item() == pytest.approx(numeric.item(), rel=1e-3)
