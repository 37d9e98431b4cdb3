r"""Many small networks on the digits at once, each with its own settings: what the sweeps share.

The leading axis of every tensor counts models, settings first and seeds inside: model
``s * seeds + j`` has setting s and seed j. Models with the same seed share split, initial weights
and batches, so that settings are compared in pairs. The optimizers are those of torch and
`replications.methods.Lookahead`, restated for one learning rate per model; a test holds them equal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from replications.core.seeds import generator
from replications.problems import mlp
from replications.problems.data import digits, split

if TYPE_CHECKING:
    from jaxtyping import Float

SIZES = (64, 64, 10)
"""8x8 pixels, one hidden layer of ReLU units, 10 classes: 4810 weights."""
TRAIN, TEST = 1280, 517
"""All 1797 digits, split anew by each seed; 1280 is a multiple of every batch times k used."""


class Digits:
    """Training and test sets and the stream of batches, one of each for every seed."""

    def __init__(self, seeds: int, batch: int, label_noise: float = 0.0) -> None:
        if TRAIN % batch:
            raise ValueError(f"batch must divide {TRAIN}, got {batch}")
        data = digits()
        parts = [split(len(data.inputs), (TRAIN, TEST), seed) for seed in range(seeds)]
        train = torch.stack([part[0] for part in parts])
        test = torch.stack([part[1] for part in parts])
        self.seeds, self.batch = seeds, batch
        self.inputs, self.targets = data.inputs[train], data.targets[train].clone()
        self.test_inputs, self.test_targets = data.inputs[test], data.targets[test]
        for seed in range(seeds if label_noise else 0):
            source = generator(seed, "labels")
            wrong = torch.rand(TRAIN, generator=source) < label_noise
            self.targets[seed, wrong] = torch.randint(10, (int(wrong.sum()),), generator=source)
        self._batches = [generator(seed, "batches") for seed in range(seeds)]
        self._queue = torch.empty(seeds, 0, dtype=torch.int64)

    @property
    def epoch(self) -> int:
        """Steps in an epoch."""
        return TRAIN // self.batch

    def start(self, settings: int) -> list[Tensor]:
        """Initial weights, the same in all settings."""
        drawn = [mlp.init(SIZES, 1, generator(seed, "init")) for seed in range(self.seeds)]
        return [torch.cat(same).repeat(settings, 1, 1) for same in zip(*drawn, strict=True)]

    def next_batch(self, settings: int) -> tuple[Tensor, Tensor]:
        """Inputs [models, batch, 64] and targets [models, batch]; each epoch in a new order."""
        if self._queue.shape[1] < self.batch:
            orders = [torch.randperm(TRAIN, generator=source) for source in self._batches]
            self._queue = torch.stack(orders)
        chosen, self._queue = self._queue[:, : self.batch], self._queue[:, self.batch :]
        rows = torch.arange(self.seeds)[:, None]
        return (
            self.inputs[rows, chosen].repeat(settings, 1, 1),
            self.targets[rows, chosen].repeat(settings, 1),
        )

    def train_loss(self, params: list[Tensor]) -> Float[np.ndarray, "settings seeds"]:
        """Mean cross-entropy on the training set; one that overflowed is infinite."""
        found = self._by_setting(params, lambda p: mlp.losses(p, self.inputs, self.targets))
        return np.nan_to_num(found, nan=np.inf)

    def test_accuracy(self, params: list[Tensor]) -> Float[np.ndarray, "settings seeds"]:
        """Percent right on the test set."""
        return 100 * self._by_setting(
            params, lambda p: mlp.accuracy(p, self.test_inputs, self.test_targets)
        )

    @torch.no_grad()
    def _by_setting(
        self, params: list[Tensor], measure: Callable[[list[Tensor]], Tensor]
    ) -> Float[np.ndarray, "settings seeds"]:
        blocks = zip(*(p.split(self.seeds) for p in params), strict=True)
        return torch.stack([measure(list(block)) for block in blocks]).double().numpy()


def gradients(params: list[Tensor], inputs: Tensor, targets: Tensor) -> list[Tensor]:
    """Each model's own gradient: models do not interact, so the sum's gradient holds it."""
    leaves = [p.detach().requires_grad_() for p in params]
    return list(torch.autograd.grad(mlp.losses(leaves, inputs, targets).sum(), leaves))


class Ensemble:
    """SGD with momentum or Adam for a stack of models, alone or inside Lookahead.

    Args:
        params: tensors [models, in, out]; they are updated in place.
        lr: learning rate of each model, [models].
        momentum: of each model, [models]; Adam's first decay rate if `adam`.
        k: synchronisation period; None for no Lookahead.
        alpha: slow step of each model, [models].
        inner_state: "maintain" or "reset".
        adam: Adam with torch's defaults instead of SGD.
    """

    def __init__(
        self,
        params: list[Tensor],
        lr: Float[np.ndarray, " models"],
        momentum: Float[np.ndarray, " models"] | float = 0.9,
        k: int | None = None,
        alpha: Float[np.ndarray, " models"] | float = 0.5,
        inner_state: str = "maintain",
        adam: bool = False,
    ) -> None:
        self.params = params
        self.lr, self.momentum, self.alpha = (
            torch.tensor(x, dtype=params[0].dtype).reshape(-1, 1, 1) for x in (lr, momentum, alpha)
        )
        self.k, self.inner_state, self.adam = k, inner_state, adam
        self.steps = 0
        self.slow = [p.clone() for p in params] if k else params
        self.first = [torch.zeros_like(p) for p in params]
        self.second = [torch.zeros_like(p) for p in params] if adam else []

    def step(self, grads: list[Tensor]) -> None:
        """One inner step, and the pull-back after every k-th."""
        self.inner_step(grads)
        if self.k and self.steps % self.k == 0:
            self.synchronise(self.alpha)

    def inner_step(self, grads: list[Tensor]) -> None:
        """One step of SGD or Adam."""
        self.steps += 1
        if not self.adam:
            for p, g, m in zip(self.params, grads, self.first, strict=True):
                m.mul_(self.momentum).add_(g)
                p.addcmul_(m, self.lr, value=-1)
            return
        first_rate = self.lr / (1 - self.momentum**self.steps)
        for p, g, m, v in zip(self.params, grads, self.first, self.second, strict=True):
            m.lerp_(g, 1 - self.momentum)
            v.mul_(0.999).addcmul_(g, g, value=0.001)
            root = (v / (1 - 0.999**self.steps)).sqrt_().add_(1e-8)
            p.addcmul_(m / root, first_rate, value=-1)

    def synchronise(self, alpha: Float[Tensor, "models 1 1"]) -> None:
        """phi <- phi + alpha (theta - phi), theta <- phi."""
        for p, phi in zip(self.params, self.slow, strict=True):
            phi.lerp_(p, alpha)
            p.copy_(phi)
        if self.inner_state == "reset":
            for m in self.first:
                m.zero_()


@dataclass(frozen=True)
class Outcome:
    """What a training run leaves, measured on the slow weights."""

    early_loss: Float[np.ndarray, "settings seeds"]
    """Training loss just before the first decay of the learning rate; inf where it overflowed."""
    final_loss: Float[np.ndarray, "settings seeds"]
    """The same at the end."""
    accuracy: Float[np.ndarray, "settings seeds"]
    """Percent right on the test set at the end; a diverged network guesses, about 10."""


def train(data: Digits, ensemble: Ensemble, epochs: int) -> Outcome:
    """Train with the learning rate times 0.2 after 30, 60 and 80 % of the epochs.

    Args:
        data: one stream for each seed.
        ensemble: settings times seeds models. Its k must divide the steps of an epoch, so that
            the slow weights are up to date whenever they are looked at.
        epochs: a multiple of 10, so that the decays fall on whole epochs.
    """
    if epochs % 10 or data.epoch % (ensemble.k or 1):
        raise ValueError(
            f"epochs must be a multiple of 10 and k must divide {data.epoch} steps, "
            f"got epochs={epochs}, k={ensemble.k}"
        )
    settings = len(ensemble.params[0]) // data.seeds
    early_loss = None
    for epoch in range(epochs):
        if epoch in (3 * epochs // 10, 6 * epochs // 10, 8 * epochs // 10):
            if early_loss is None:
                early_loss = data.train_loss(ensemble.slow)
            ensemble.lr = 0.2 * ensemble.lr
        for _ in range(data.epoch):
            ensemble.step(gradients(ensemble.params, *data.next_batch(settings)))
    assert early_loss is not None
    return Outcome(early_loss, data.train_loss(ensemble.slow), data.test_accuracy(ensemble.slow))
