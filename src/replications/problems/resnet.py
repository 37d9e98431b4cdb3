r"""A small residual network with batch norm for 8 x 8 images. Leading axes are independent models:
the first axis of every tensor counts them.

ResNet-20, which :cite:t:`liu2020variance` train on CIFAR-10, made small: a convolution, then
residual blocks of two convolutions at one width, each convolution followed by batch norm,

.. math:: x \leftarrow \operatorname{relu}(x + \operatorname{norm}(\operatorname{conv}(
          \operatorname{relu}(\operatorname{norm}(\operatorname{conv}(x)))))),

the mean over the image and a linear layer. He's initialisation. Batch norm always
uses the statistics of the batch that it is shown: there are no running averages, and a test set is
one batch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from replications.core.seeds import generator

if TYPE_CHECKING:
    from jaxtyping import Float, Int

SIDE = 8


@dataclass(frozen=True)
class ResNet:
    """The shape of the network; it holds no weights."""

    channels: int = 8
    blocks: int = 3
    classes: int = 10

    def init(self, seeds: Sequence[int]) -> list[Tensor]:
        """Draw one model for each seed; a model does not depend on the other seeds.

        Returns:
            [models, out, in, 3, 3] and batch norm's gain and bias [models, out] for each
            convolution, then the last layer's weight [models, in, classes] and bias.
        """
        models = [[*self._draw(generator(seed, "resnet"))] for seed in seeds]
        return [torch.stack(tensors) for tensors in zip(*models, strict=True)]

    def logits(
        self, params: list[Tensor], images: Float[Tensor, "models batch pixels"]
    ) -> Float[Tensor, "models batch classes"]:
        """Outputs before the softmax."""
        models, batch, _ = images.shape
        weights = iter(params)

        def conv(x: Tensor) -> Tensor:
            kernel, gain, bias = next(weights), next(weights), next(weights)
            x = F.conv2d(x, kernel.flatten(0, 1), padding=1, groups=models)
            return F.batch_norm(x, None, None, gain.flatten(), bias.flatten(), training=True)

        x = torch.relu(conv(images.transpose(0, 1).reshape(batch, models, SIDE, SIDE)))
        for _ in range(self.blocks):
            x = torch.relu(x + conv(torch.relu(conv(x))))
        pooled = x.mean((2, 3)).view(batch, models, -1).transpose(0, 1)
        weight, bias = next(weights), next(weights)
        return torch.baddbmm(bias, pooled, weight)

    def losses(
        self,
        params: list[Tensor],
        images: Float[Tensor, "models batch pixels"],
        targets: Int[Tensor, "models batch"],
    ) -> Float[Tensor, " models"]:
        """Mean cross-entropy of each model in nats."""
        scores = self.logits(params, images)
        each = F.cross_entropy(scores.flatten(0, 1), targets.flatten(), reduction="none")
        return each.view(targets.shape).mean(1)

    @torch.no_grad()
    def accuracy(
        self,
        params: list[Tensor],
        images: Float[Tensor, "models batch pixels"],
        targets: Int[Tensor, "models batch"],
    ) -> Float[Tensor, " models"]:
        """Share of images that each model gets right; batch norm sees them all at once."""
        return (self.logits(params, images).argmax(2) == targets).float().mean(1)

    def _draw(self, random: torch.Generator) -> Iterator[Tensor]:
        for layer in range(1 + 2 * self.blocks):
            inputs = self.channels if layer else 1
            kernel = torch.randn(self.channels, inputs, 3, 3, generator=random)
            yield kernel * math.sqrt(2 / (9 * inputs))
            yield torch.ones(self.channels)
            yield torch.zeros(self.channels)
        bound = 1 / math.sqrt(self.channels)
        yield (2 * torch.rand(self.channels, self.classes, generator=random) - 1) * bound
        yield torch.zeros(1, self.classes)
