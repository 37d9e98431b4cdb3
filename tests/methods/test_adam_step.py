"""Adam's step with tensors of hyperparameters: many models at once are the models one by one."""

from __future__ import annotations

import pytest
import torch

from replications.methods.adam_step import Coefficients, adam_coefficients, adam_step_
from replications.methods.radam import radam_coefficients

F64 = torch.float64
LR = torch.tensor([0.1, 0.03, 0.01], dtype=F64)
BETA1 = torch.tensor([0.9, 0.8, 0.0], dtype=F64)
BETA2 = torch.tensor([0.999, 0.99, 0.9], dtype=F64)
EPS = torch.tensor([1e-8, 1e-3, 0.0], dtype=F64)
DECAY = torch.tensor([0.0, 0.1, 0.01], dtype=F64)


def draw(dtype: torch.dtype = F64) -> tuple[list[torch.Tensor], list[list[torch.Tensor]]]:
    """Weights of three models in two tensors, and twenty gradients of them."""
    random = torch.Generator().manual_seed(4)
    shapes = ((3, 4, 5), (3, 2))
    params = [torch.randn(shape, generator=random, dtype=dtype) for shape in shapes]
    steps = [[torch.randn(s, generator=random, dtype=dtype) for s in shapes] for _ in range(20)]
    return params, steps


def follow(params, steps, coefficients_of, betas):  # type: ignore[no-untyped-def]
    """The weights after all steps."""
    params = [p.clone() for p in params]
    m, v = ([torch.zeros_like(p) for p in params] for _ in range(2))
    for t, grads in enumerate(steps, start=1):
        adam_step_(params, grads, m, v, betas, coefficients_of(t))
    return params


def test_each_model_has_its_own_hyperparameters() -> None:
    params, steps = draw()
    together = follow(
        params,
        steps,
        lambda t: adam_coefficients(LR, (BETA1, BETA2), EPS, DECAY, seen_m=t, seen_v=t),
        (BETA1, BETA2),
    )
    for i in range(3):
        lr, eps, decay = LR[i].item(), EPS[i].item(), DECAY[i].item()
        betas = (BETA1[i].item(), BETA2[i].item())

        def one(t: int, lr=lr, betas=betas, eps=eps, decay=decay) -> Coefficients:  # type: ignore[no-untyped-def]
            return adam_coefficients(lr, betas, eps, decay, seen_m=t, seen_v=t)

        alone = follow([p[i] for p in params], [[g[i] for g in s] for s in steps], one, betas)
        for a, b in zip(alone, together, strict=True):
            torch.testing.assert_close(a, b[i], rtol=0, atol=1e-13)


def test_one_tensor_among_numbers_is_enough_and_float32_stays() -> None:
    params, steps = draw(torch.float32)
    betas = (0.9, 0.999)
    together = follow(
        params, steps, lambda t: adam_coefficients(LR, betas, 1e-8, 0.0, seen_m=t, seen_v=t), betas
    )
    assert together[0].dtype == torch.float32
    theirs = [p[1].clone().requires_grad_() for p in params]
    optimizer = torch.optim.AdamW(theirs, lr=0.03, weight_decay=0.0)
    for grads in steps:
        for p, g in zip(theirs, grads, strict=True):
            p.grad = g[1].clone()
        optimizer.step()
    for p, q in zip(theirs, together, strict=True):
        torch.testing.assert_close(p.detach(), q[1], rtol=0, atol=1e-5)


def test_hyperparameters_have_the_leading_axes() -> None:
    """[settings, seeds, ...]: a rate [settings, 1] is the same for all seeds."""
    random = torch.Generator().manual_seed(4)
    p, g = (torch.randn(2, 3, 4, generator=random, dtype=F64) for _ in range(2))
    moved, m, v = p.clone(), torch.zeros_like(p), torch.zeros_like(p)
    rate = torch.tensor([[1.0], [2.0]], dtype=F64)
    adam_step_([moved], [g], [m], [v], (0.0, 0.0), Coefficients(rate, 1.0, 0.0, 0.0))
    torch.testing.assert_close(p - moved, g.sign() * rate[:, :, None], rtol=0, atol=1e-12)


@pytest.mark.parametrize("below", ["momentum", "skip"])
def test_radam_takes_a_rate_for_each_model(below: str) -> None:
    params, steps = draw()
    betas = (0.9, 0.99)
    settings = (betas, 1e-3, 0.1, 4.0, below)
    together = follow(params, steps, lambda t: radam_coefficients(t, LR, *settings), betas)  # type: ignore[arg-type]
    for i in range(3):

        def one(t: int, lr=LR[i].item()) -> Coefficients:  # type: ignore[no-untyped-def]  # noqa: B008
            return radam_coefficients(t, lr, *settings)  # type: ignore[arg-type]

        alone = follow([p[i] for p in params], [[g[i] for g in s] for s in steps], one, betas)
        for a, b in zip(alone, together, strict=True):
            torch.testing.assert_close(a, b[i], rtol=0, atol=1e-13)
