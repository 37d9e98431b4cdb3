"""The blog's classifier: Iris, three layers without biases, many random splits trained at once.

Leading axes are independent problems: splits. Gradients are written out, into buffers that live as
long as the trainer, which takes a third of the time of automatic differentiation.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from replications.core.seeds import generator
from replications.problems import mlp
from replications.problems.data import iris, split

if TYPE_CHECKING:
    from jaxtyping import Float, Int

SIZES = (60, 60, 30)  # training, validation, test: the blog's
LEARNING_RATE, MOMENTUM = 0.01, 0.9  # the blog's code; Nesterov's form


class Splits:
    """Random splits of Iris into 60 / 60 / 30: raw features, as the blog uses them.

    Args:
        count: number of splits.
        first: seed of the first; split s has the seed first + s.
    """

    def __init__(self, count: int, first: int) -> None:
        data = iris()
        parts = [split(len(data.inputs), SIZES, seed) for seed in range(first, first + count)]
        index = [torch.stack(part) for part in zip(*parts, strict=True)]
        self.inputs = [data.inputs[i] for i in index]
        self.targets = [data.targets[i] for i in index]


class Trainer:
    """Nesterov SGD on cross-entropy + sum_j c_j w_j^2 / 2, full batch, dropout one half or none.

    Args:
        inputs: ``[splits, n, features]``.
        targets: ``[splits, n]``.
        hidden: units of the two hidden layers.
        seed: of the initial weights.
        noise: which half of the hidden units each step drops; None for no dropout. Equal seeds and
            noise give every arm of a study the same of both.
    """

    def __init__(
        self,
        inputs: Float[Tensor, "splits n features"],
        targets: Int[Tensor, "splits n"],
        hidden: int,
        seed: int,
        noise: torch.Generator | None,
    ) -> None:
        splits, n, features = inputs.shape
        classes = 3
        self.weights = mlp.init(
            (features, hidden, hidden, classes), splits, generator(seed, "init"), bias=False
        )
        self._inputs, self._onehot = inputs, torch.nn.functional.one_hot(targets, classes).float()
        self._noise = noise
        self._scale = 1.0 if noise is None else 2.0  # inverted dropout: kept units count double
        self._a = [torch.empty(splits, n, hidden) for _ in range(2)]
        self._d = [torch.empty(splits, n, hidden) for _ in range(2)]
        self._z = torch.empty(splits, n, classes)
        self._kept = torch.empty(splits, n, hidden)
        self._words = torch.empty(math.ceil(self._kept.numel() / 8), dtype=torch.int64)
        self._g = [torch.empty_like(w) for w in self.weights]
        for w, g in zip(self.weights, self._g, strict=True):
            w.grad = g
        options = {"lr": LEARNING_RATE, "momentum": MOMENTUM, "nesterov": True}
        self._sgd = torch.optim.SGD(self.weights, **options, fused=True)  # type: ignore[arg-type]

    def sizes(self) -> list[int]:
        """Weights of each layer, for one split."""
        return [w[0].numel() for w in self.weights]

    def unflatten(self, vector: Float[Tensor, "splits P"]) -> list[Tensor]:
        """Split a flat vector into tensors shaped like the weights."""
        parts = vector.split(self.sizes(), dim=-1)
        return [p.reshape(w.shape) for p, w in zip(parts, self.weights, strict=True)]

    def step(self, penalty: list[Tensor] | None) -> None:
        """One step; ``penalty`` holds c, shaped like the weights."""
        w1, w2, w3 = self.weights
        (a1, a2), (d1, d2), z = self._a, self._d, self._z
        torch.bmm(self._inputs, w1, out=a1)
        a1.clamp_min_(0)
        self._drop(a1)
        torch.bmm(a1, w2, out=a2)
        a2.clamp_min_(0)
        self._drop(a2)
        torch.bmm(a2, w3, out=z)
        delta = (torch.softmax(z, dim=-1) - self._onehot) / z.shape[1]
        torch.bmm(a2.mT, delta, out=self._g[2])
        torch.bmm(delta.mul_(self._scale), w3.mT, out=d2)
        d2.mul_(a2.sign_())  # a kept and active unit is positive
        torch.bmm(a1.mT, d2, out=self._g[1])
        torch.bmm(d2.mul_(self._scale), w2.mT, out=d1)
        d1.mul_(a1.sign_())
        torch.bmm(self._inputs.mT, d1, out=self._g[0])
        if penalty is not None:
            for w, g, c in zip(self.weights, self._g, penalty, strict=True):
                g.addcmul_(c, w)
        self._sgd.step()

    def _drop(self, a: Tensor) -> None:
        """Zero half of the units, double the rest: one random bit a unit, eight bytes a draw."""
        if self._noise is None:
            return
        bits = self._words.random_(generator=self._noise).view(torch.uint8).bitwise_and_(1)
        self._kept.copy_(bits[: a.numel()].view(a.shape))
        a.mul_(self._kept).mul_(self._scale)
