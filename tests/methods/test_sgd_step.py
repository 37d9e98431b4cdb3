"""SGD of many models at once against torch's, one model at a time."""

import pytest
import torch

from replications.methods.sgd_step import sgd_step_


@pytest.mark.parametrize(
    ("lr", "momentum"),
    [
        (0.25, 0.5),
        (torch.tensor([0.25, 0.125, 0.5]), 0.5),
        (torch.tensor([0.25, 0.125, 0.5]), torch.tensor([0.5, 0.875, 0.0])),
    ],
)
def test_every_model_moves_as_in_torch(lr, momentum):
    source = torch.Generator().manual_seed(0)
    params = [torch.randn(3, 4, 2, generator=source), torch.randn(3, 1, generator=source)]
    velocity = [torch.zeros_like(p) for p in params]
    models = [[p[m].clone().requires_grad_() for p in params] for m in range(3)]
    optimizers = [
        torch.optim.SGD(
            model,
            lr=torch.as_tensor(lr).expand(3)[m].item(),
            momentum=torch.as_tensor(momentum).expand(3)[m].item(),
        )
        for m, model in enumerate(models)
    ]
    for _ in range(5):
        grads = [torch.randn(p.shape, generator=source) for p in params]
        sgd_step_(params, grads, velocity, lr, momentum)
        for m, (model, optimizer) in enumerate(zip(models, optimizers, strict=True)):
            for p, g in zip(model, grads, strict=True):
                p.grad = g[m]
            optimizer.step()
    for m, model in enumerate(models):
        for ours, theirs in zip(params, model, strict=True):
            # settings are powers of two: float32 rounding of five steps is what is left
            torch.testing.assert_close(ours[m], theirs.detach(), rtol=1e-5, atol=1e-6)
