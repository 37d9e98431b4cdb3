"""The batched residual network against the same network in torch.nn."""

from __future__ import annotations

import pytest
import torch

from replications.problems.resnet import ResNet


class One(torch.nn.Module):
    """One model, layer by layer."""

    def __init__(self, weights: list[torch.Tensor]) -> None:
        super().__init__()
        self.convs, self.norms = torch.nn.ModuleList(), torch.nn.ModuleList()
        for kernel, gain, bias in zip(*(weights[i:-2:3] for i in range(3)), strict=True):
            conv = torch.nn.Conv2d(kernel.shape[1], kernel.shape[0], 3, padding=1, bias=False)
            norm = torch.nn.BatchNorm2d(len(gain))
            conv.weight.data, norm.weight.data, norm.bias.data = kernel, gain, bias
            self.convs.append(conv)
            self.norms.append(norm)
        self.last = torch.nn.Linear(*weights[-2].shape)
        self.last.weight.data, self.last.bias.data = weights[-2].T, weights[-1][0]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        layers = [torch.nn.Sequential(*pair) for pair in zip(self.convs, self.norms, strict=True)]
        x = layers[0](x.view(-1, 1, 8, 8)).relu()
        for first, second in zip(layers[1::2], layers[2::2], strict=True):
            x = (x + second(first(x).relu())).relu()
        return self.last(x.mean((2, 3)))


def test_equals_one_network_at_a_time() -> None:
    net = ResNet(channels=4, blocks=2)
    params = [p.requires_grad_() for p in net.init((3, 5))]
    random = torch.Generator().manual_seed(0)
    images = torch.rand(2, 6, 64, generator=random)
    targets = torch.randint(0, 10, (2, 6), generator=random)
    losses = net.losses(params, images, targets)
    grads = torch.autograd.grad(losses.sum(), params)
    for i in range(2):
        one = One([p[i].detach().clone() for p in params])
        loss = torch.nn.functional.cross_entropy(one(images[i]), targets[i])
        loss.backward()
        assert losses[i].item() == pytest.approx(loss.item(), rel=1e-5)
        assert one.convs[3].weight.grad is not None
        assert torch.allclose(grads[9][i], one.convs[3].weight.grad, atol=1e-5)
        right = (one(images[i]).argmax(1) == targets[i]).float().mean()
        assert net.accuracy(params, images, targets)[i] == pytest.approx(right.item())


def test_a_model_does_not_depend_on_the_other_seeds() -> None:
    both, alone = ResNet().init((0, 7)), ResNet().init((7,))
    assert all(torch.equal(x[1:], y) for x, y in zip(both, alone, strict=True))
