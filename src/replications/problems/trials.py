"""Two problems on which optimisers are tried, many models at once.

A model's seed decides its first weights and its data, whatever is trained beside it. Models of one
seed therefore differ only in what an optimiser does to them: the seeds of a grid are
``seeds * len(rates)``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from replications.core.seeds import generator
from replications.problems import data, mlp
from replications.problems.reversal import Reversal
from replications.problems.transformer import Transformer

if TYPE_CHECKING:
    from jaxtyping import Float

Seeds = tuple[int, ...]


@dataclass(frozen=True)
class Trial:
    """First weights, and what is to be learned."""

    weights: list[Tensor]
    """[models, rows, columns]."""
    losses: Callable[[list[Tensor], int], Float[Tensor, " models"]]
    """Training losses at weights and a step, from 1 on; every step has its own batch."""
    test: Callable[[list[Tensor]], tuple[Float[Tensor, " models"], Float[Tensor, " models"]]]
    """Loss and share of right answers on new data, at weights."""

    def gradients(self, weights: list[Tensor], t: int) -> list[Tensor]:
        """Each model's own gradient at a step: models do not interact."""
        leaves = [w.detach().requires_grad_() for w in weights]
        return list(torch.autograd.grad(self.losses(leaves, t).sum(), leaves))


def translation(seeds: Seeds, steps: int, batch: int, width: int = 64, new: int = 256) -> Trial:
    """Reversed sentences, 8 words each, never the same twice, by a post-LN Transformer of 4 + 4
    layers: that of the chapter on RAdam, smaller; `new` sentences test it.
    """
    net = Transformer(layers=4, width=width, hidden=2 * width)
    task = Reversal(seeds, length=8)
    pairs = [(b, task.translate(b)) for b in task.batches(steps, batch)]
    sentences = task.batches(1, new, "test")[0]
    test = (sentences, task.translate(sentences))
    return Trial(
        net.init(seeds),
        lambda w, t: net.losses(w, *pairs[t - 1]),
        lambda w: (net.losses(w, *test), net.accuracy(w, *test)),
    )


def digits(
    seeds: Seeds, steps: int, batch: int, sizes: tuple[int, int], stream: str, epochs: bool
) -> Trial:
    """8x8 images by 64 ReLUs, in as many to learn from and new ones as `sizes` says.

    Args:
        seeds: one for each model.
        steps: batches to be drawn.
        batch: images in each.
        sizes: images to learn from and new ones, split anew for each seed.
        stream: of the random numbers that are the first weights.
        epochs: each epoch in a new order, or every image drawn by itself.
    """
    images, n = data.digits(), sizes[0]
    parts = [data.split(len(images.inputs), sizes, seed) for seed in seeds]
    new, orders = torch.stack([part[1] for part in parts]), []
    for seed, part in zip(seeds, parts, strict=True):
        source = generator(seed, "batches")
        if epochs:
            rounds = range(-(-steps * batch // n))
            order = torch.cat([torch.randperm(n, generator=source) for _ in rounds])
        else:
            order = torch.randint(n, (steps * batch,), generator=source)
        orders.append(part[0][order[: steps * batch].view(steps, batch)])
    batches = torch.stack(orders, dim=1)
    models = [mlp.init((64, 64, 10), 1, generator(seed, stream)) for seed in seeds]

    def losses(weights: list[Tensor], t: int) -> Tensor:
        now = batches[t - 1]
        return mlp.losses(weights, images.inputs[now], images.targets[now])

    def test(weights: list[Tensor]) -> tuple[Tensor, Tensor]:
        x, y = images.inputs[new], images.targets[new]
        return mlp.losses(weights, x, y), mlp.accuracy(weights, x, y)

    return Trial([torch.cat(same) for same in zip(*models, strict=True)], losses, test)
