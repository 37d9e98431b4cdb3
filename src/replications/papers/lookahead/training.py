r"""Many small networks on the digits at once, each with its own settings: what the sweeps share.

The leading axis of every tensor counts models, settings first and seeds inside: model
``s * seeds + j`` has setting s and seed j. Models with the same seed share split, initial weights
and batches, so that settings are compared in pairs. The steps are the cores of
`replications.methods`, with one learning rate for each model; a test holds them equal to torch's
optimizers inside `replications.methods.Lookahead`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from replications.core.seeds import generator
from replications.methods.adam_step import adam_coefficients, adam_step_
from replications.methods.lookahead import lookahead_pull
from replications.methods.sgd_step import sgd_step_
from replications.problems import mlp
from replications.problems.data import digits, split

if TYPE_CHECKING:
    from jaxtyping import Float

SIZES = (64, 64, 10)
"""8x8 pixels, one hidden layer of ReLU units, 10 classes: 4810 weights."""
TRAIN, TEST = 1280, 517
"""All 1797 digits, split anew by each seed; 1280 is a multiple of every batch times k used."""

ADAM_BETA2, ADAM_EPS = 0.999, 1e-8
"""torch's defaults."""


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
        momentum: of each model, [models], or of all; Adam's first decay rate if `adam`.
        k: synchronisation period; None for no Lookahead.
        alpha: slow step of each model, [models], or of all.
        inner_state: "maintain" or "reset".
        adam: Adam with torch's defaults instead of SGD.
        decay: AdamW's weight decay of each model, [models]; SGD has none.
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
        decay: Tensor | float = 0.0,
    ) -> None:
        self.params = params
        self.lr, self.momentum, self.alpha = (
            torch.tensor(x, dtype=params[0].dtype) for x in (lr, momentum, alpha)
        )
        self.k, self.inner_state, self.adam, self.decay = k, inner_state, adam, decay
        self.steps = 0
        self.slow = [p.clone() for p in params] if k else params
        self.first = [torch.zeros_like(p) for p in params]
        self.second = [torch.zeros_like(p) for p in params] if adam else []

    def step(self, grads: list[Tensor]) -> None:
        """One inner step, and the synchronisation after every k-th."""
        self.inner_step(grads)
        if self.k and self.steps % self.k == 0:
            self.synchronise()

    def inner_step(self, grads: list[Tensor]) -> None:
        """One step of SGD or AdamW."""
        self.steps += 1
        if not self.adam:
            sgd_step_(self.params, grads, self.first, self.lr, self.momentum)
            return
        betas = (self.momentum, ADAM_BETA2)
        step = adam_coefficients(self.lr, betas, ADAM_EPS, self.decay, self.steps, self.steps)
        step = step._replace(floor=ADAM_EPS)  # torch adds eps after the correction of the bias
        adam_step_(self.params, grads, self.first, self.second, betas, step)

    def synchronise(self) -> None:
        """Pull the slow weights to the fast ones, and set the momentum to zero on reset."""
        lookahead_pull(self.slow, self.params, self.slow_step())
        if self.inner_state == "reset":
            for m in self.first:
                m.zero_()

    def slow_step(self) -> Float[Tensor, " models"] | Float[Tensor, ""]:
        """The slow step of the coming synchronisation."""
        return self.alpha


def epochs(
    data: Digits, ensemble: Ensemble, count: int, decays: Sequence[int] = ()
) -> Iterator[int]:
    """Train epoch by epoch, and hand out the number done after each.

    Args:
        data: one stream for each seed.
        ensemble: settings times seeds models. Its k must divide the steps of an epoch, so that
            the slow weights are up to date after each.
        count: number of epochs.
        decays: epochs done after which the learning rate falls to 0.2 of itself.
    """
    if data.epoch % (ensemble.k or 1):
        raise ValueError(f"k must divide the {data.epoch} steps of an epoch, got {ensemble.k}")
    settings = len(ensemble.params[0]) // data.seeds
    for epoch in range(1, count + 1):
        for _ in range(data.epoch):
            ensemble.step(gradients(ensemble.params, *data.next_batch(settings)))
        yield epoch
        if epoch in decays:
            ensemble.lr = 0.2 * ensemble.lr


@dataclass(frozen=True)
class Outcome:
    """What a training run leaves, measured on the slow weights."""

    early_loss: Float[np.ndarray, "settings seeds"]
    """Training loss just before the first decay of the learning rate; inf where it overflowed."""
    final_loss: Float[np.ndarray, "settings seeds"]
    """The same at the end."""
    accuracy: Float[np.ndarray, "settings seeds"]
    """Percent right on the test set at the end; a diverged network guesses, about 10."""


def train(data: Digits, ensemble: Ensemble, count: int) -> Outcome:
    """Train for `count` epochs, with the learning rate times 0.2 after 30, 60 and 80 % of them.

    Args:
        data: one stream for each seed.
        ensemble: settings times seeds models.
        count: a multiple of 10, so that the decays fall on whole epochs.
    """
    if count % 10:
        raise ValueError(f"epochs must be a multiple of 10, got {count}")
    decays = [tenths * count // 10 for tenths in (3, 6, 8)]
    for epoch in epochs(data, ensemble, count, decays):
        if epoch == decays[0]:
            early_loss = data.train_loss(ensemble.slow)
    return Outcome(early_loss, data.train_loss(ensemble.slow), data.test_accuracy(ensemble.slow))
