r"""A small encoder-decoder Transformer. Leading axes are independent models: the first axis of
every tensor counts them.

The architecture of Vaswani et al. that :cite:t:`liu2020variance` train, made small: per layer,
self-attention, (in the decoder) attention to the encoder's output, and a ReLU network, each inside
a residual branch. In post-LN (the original) and in pre-LN, which has a last norm at the end of each
stack:

.. math::

    x &\leftarrow \operatorname{norm}(x + \operatorname{branch}(x)) & \text{post-LN} \\
    x &\leftarrow x + \operatorname{branch}(\operatorname{norm}(x)) & \text{pre-LN}

As in the paper's code (fairseq): Xavier weights, with gain :math:`1/\sqrt{2}` for queries, keys and
values; biases 0; word vectors N(0, 1/width) times :math:`\sqrt{\text{width}}`; sinusoidal
positions; an output layer of its own. Layer norms have no gain and bias, for speed. The decoder
sees the true preceding words (teacher forcing).
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

Params = list[Tensor]


@dataclass(frozen=True)
class Transformer:
    """The shape of the network; it holds no weights."""

    vocabulary: int = 32
    layers: int = 6
    """In the encoder and in the decoder, the paper's depth."""
    width: int = 64
    hidden: int = 128
    heads: int = 4
    """The paper's number; its width is 512 and its hidden layer 1024."""
    pre_norm: bool = False

    def __post_init__(self) -> None:
        if self.width % self.heads or self.width % 2 or self.layers < 1:
            raise ValueError(
                f"width must be even and divisible by heads, and layers >= 1, "
                f"got width={self.width}, heads={self.heads}, layers={self.layers}"
            )

    def init(self, seeds: Sequence[int]) -> Params:
        """Draw one model for each seed.

        Returns:
            Tensors [seeds, rows, columns], in the order in which the network uses them. A model
            does not depend on the other seeds.
        """
        models = [[*self._draw(generator(seed, "transformer"))] for seed in seeds]
        return [torch.stack(tensors) for tensors in zip(*models, strict=True)]

    def logits(
        self,
        params: Params,
        source: Int[Tensor, "models batch length"],
        target: Int[Tensor, "models batch length"],
    ) -> Float[Tensor, "models batch*length vocabulary"]:
        """Scores of every word at every place, given the source and the words before that place."""
        models, batch, length = source.shape
        weights = iter(params)
        start = torch.full_like(target[:, :, :1], self.vocabulary)
        before = torch.cat([start, target[:, :, :-1]], dim=2)
        positions = self._positions(length).repeat(batch, 1)

        def embed(words: Tensor) -> Tensor:
            table = next(weights)
            index = words.view(models, -1, 1).expand(-1, -1, self.width)
            return table.gather(1, index) * math.sqrt(self.width) + positions

        def linear(x: Tensor) -> Tensor:
            weight, bias = next(weights), next(weights)
            return torch.baddbmm(bias, x, weight)

        def norm(x: Tensor) -> Tensor:
            return F.layer_norm(x, (self.width,))

        def attend(q: Tensor, k: Tensor, v: Tensor, causal: bool = False) -> Tensor:
            q, k, v = (
                x.reshape(models * batch, length, self.heads, -1).transpose(1, 2) for x in (q, k, v)
            )
            mixed = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
            return linear(mixed.transpose(1, 2).reshape(models, batch * length, self.width))

        def self_attention(x: Tensor, causal: bool = False) -> Tensor:
            q, k, v = linear(x).split(self.width, dim=2)
            return attend(q, k, v, causal)

        def cross_attention(x: Tensor, memory: Tensor) -> Tensor:
            q = linear(x)
            k, v = linear(memory).split(self.width, dim=2)
            return attend(q, k, v)

        def feed_forward(x: Tensor) -> Tensor:
            return linear(torch.relu(linear(x)))

        x, y = embed(source), embed(before)
        if self.pre_norm:
            for _ in range(self.layers):
                x = x + self_attention(norm(x))
                x = x + feed_forward(norm(x))
            x = norm(x)
            for _ in range(self.layers):
                y = y + self_attention(norm(y), causal=True)
                y = y + cross_attention(norm(y), x)
                y = y + feed_forward(norm(y))
            y = norm(y)
        else:
            for _ in range(self.layers):
                x = norm(x + self_attention(x))
                x = norm(x + feed_forward(x))
            for _ in range(self.layers):
                y = norm(y + self_attention(y, causal=True))
                y = norm(y + cross_attention(y, x))
                y = norm(y + feed_forward(y))
        return linear(y)

    def losses(
        self,
        params: Params,
        source: Int[Tensor, "models batch length"],
        target: Int[Tensor, "models batch length"],
    ) -> Float[Tensor, " models"]:
        """Mean cross-entropy of each model in nats."""
        scores = self.logits(params, source, target)
        each = F.cross_entropy(scores.flatten(0, 1), target.flatten(), reduction="none")
        return each.view(len(source), -1).mean(1)

    def gradients(
        self,
        params: Params,
        source: Int[Tensor, "models batch length"],
        target: Int[Tensor, "models batch length"],
    ) -> tuple[Float[Tensor, " models"], Params]:
        """Each model's loss, and its gradient with the shapes of `params`."""
        losses = self.losses(params, source, target)
        return losses.detach(), list(torch.autograd.grad(losses.sum(), params))

    @torch.no_grad()
    def accuracy(
        self,
        params: Params,
        source: Int[Tensor, "models batch length"],
        target: Int[Tensor, "models batch length"],
    ) -> Float[Tensor, " models"]:
        """Share of words that each model gets right, given the words before."""
        right = self.logits(params, source, target).argmax(2) == target.flatten(1)
        return right.float().mean(1)

    def _draw(self, random: torch.Generator) -> Iterator[Tensor]:
        d, h = self.width, self.hidden

        def xavier(rows: int, columns: int, gain: float = 1.0) -> Tensor:
            bound = gain * math.sqrt(6 / (rows + columns))
            return (2 * torch.rand(rows, columns, generator=random) - 1) * bound

        def normal(rows: int, columns: int) -> Tensor:
            return torch.randn(rows, columns, generator=random) / math.sqrt(d)

        def linear(*weights: Tensor) -> Iterator[Tensor]:
            weight = torch.cat(weights, dim=1)
            yield from (weight, torch.zeros(1, weight.shape[1]))

        def projection() -> Tensor:
            return xavier(d, d, gain=math.sqrt(0.5))

        def feed_forward() -> Iterator[Tensor]:
            yield from linear(xavier(d, h))
            yield from linear(xavier(h, d))

        yield normal(self.vocabulary, d)
        yield normal(self.vocabulary + 1, d)  # the last row stands before the first word
        for _ in range(self.layers):
            yield from linear(projection(), projection(), projection())
            yield from linear(xavier(d, d))
            yield from feed_forward()
        for _ in range(self.layers):
            yield from linear(projection(), projection(), projection())
            yield from linear(xavier(d, d))
            yield from linear(projection())
            yield from linear(projection(), projection())
            yield from linear(xavier(d, d))
            yield from feed_forward()
        yield from linear(normal(d, self.vocabulary))

    def _positions(self, length: int) -> Float[Tensor, "length width"]:
        place = torch.arange(length, dtype=torch.float32)[:, None]
        rate = torch.exp(-math.log(10_000.0) * torch.arange(0, self.width, 2) / self.width)
        return torch.cat([torch.sin(place * rate), torch.cos(place * rate)], dim=1)
