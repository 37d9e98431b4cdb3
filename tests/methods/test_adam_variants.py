"""The variants of Adam against plain Python, against torch.optim.Adam, and exactly."""

from __future__ import annotations

import math

import pytest
import torch

from replications.methods.adam_variants import AdamVariant, linear_warmup, untuned_warmup_steps

F64 = torch.float64


def naive(gradients, lr, beta1, beta2, eps, decay, freeze, first_moment):  # type: ignore[no-untyped-def]
    """One weight, from 1, in plain Python."""
    theta, m, v, updates = 1.0, 0.0, 0.0, 0
    for t, g in enumerate(gradients, start=1):
        v = beta2 * v + (1 - beta2) * g * g
        if t <= freeze:
            continue
        updates += 1
        m = beta1 * m + (1 - beta1) * g
        mean = m
        if first_moment == "running":
            mean = m / (1 - beta1**t)
        if first_moment == "restarted":
            mean = m / (1 - beta1**updates)
        theta -= lr * decay * theta
        theta -= lr * mean * math.sqrt(1 - beta2**t) / (math.sqrt(v) + eps)
    return theta


def run(optimizer, p, gradients) -> float:  # type: ignore[no-untyped-def]
    for g in gradients:
        p.grad = torch.tensor([g], dtype=F64)
        optimizer.step()
    return float(p.item())


def one() -> torch.Tensor:
    return torch.ones(1, dtype=F64, requires_grad=True)


@pytest.mark.parametrize("first_moment", ["running", "restarted", "uncorrected"])
@pytest.mark.parametrize("freeze", [0, 7])
def test_equals_plain_python(freeze: int, first_moment: str) -> None:
    gradients = torch.randn(40, generator=torch.Generator().manual_seed(2), dtype=F64).tolist()
    p = one()
    optimizer = AdamVariant([p], 0.03, (0.8, 0.99), 1e-3, 0.1, freeze, first_moment)  # type: ignore[arg-type]
    expected = naive(gradients, 0.03, 0.8, 0.99, 1e-3, 0.1, freeze, first_moment)
    assert run(optimizer, p, gradients) == pytest.approx(expected, abs=1e-12)


def test_without_its_options_it_is_adam() -> None:
    """Of torch, with weight decay decoupled; eps = 0, because torch adds it in another place."""
    gradients = torch.randn(60, generator=torch.Generator().manual_seed(2), dtype=F64).tolist()
    p, q = one(), one()
    ours = run(AdamVariant([p], lr=0.03, eps=0.0, weight_decay=0.1), p, gradients)
    theirs = run(torch.optim.AdamW([q], lr=0.03, eps=0.0, weight_decay=0.1), q, gradients)
    assert ours == pytest.approx(theirs, abs=1e-12)


def test_the_two_readings_differ_only_in_the_first_moments_correction() -> None:
    """First update after 2000 frozen ones: lr / 10 if the counter ran on, lr if it restarted."""
    moves = {}
    for first_moment in ("running", "restarted"):
        p = one()
        optimizer = AdamVariant([p], lr=1.0, eps=0.0, freeze=2000, first_moment=first_moment)  # type: ignore[arg-type]
        assert run(optimizer, p, [0.5] * 2000) == 1.0
        moves[first_moment] = 1.0 - run(optimizer, p, [0.5])
    assert moves["running"] == pytest.approx(0.1, abs=1e-12)
    assert moves["restarted"] == pytest.approx(1.0, abs=1e-12)


def test_warmup() -> None:
    assert [linear_warmup(t, 4) for t in (1, 2, 4, 9)] == [0.25, 0.5, 1.0, 1.0]
    assert [untuned_warmup_steps(b) for b in (0.999, 0.99, 0.9)] == [2000, 200, 20]
    with pytest.raises(ValueError, match="step and steps must be at least 1"):
        linear_warmup(0, 4)
    for beta2 in (1.0, 1.5, -0.5):
        with pytest.raises(ValueError, match=r"beta2 must lie in \[0, 1\)"):
            untuned_warmup_steps(beta2)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"lr": -1.0}, "lr must lie in"),
        ({"freeze": -1}, "freeze must be at least 0"),
        ({"first_moment": "none"}, "first_moment must be"),
    ],
)
def test_bad_input_is_named(bad: dict, message: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(ValueError, match=message):
        AdamVariant([one()], **bad)
