"""Tuned against tuned: random searches with equal budgets, judged on seeds that they never saw.

The network has batch normalisation, and every method tunes its weight decay. The methods of a
family take the same draws of learning rate, momentum and decay; an average or Lookahead draws one
number more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor
from torch.nn import functional

from replications.core.experiment import experiment, quantity
from replications.core.seeds import rng
from replications.methods.leading import leading
from replications.papers.lookahead.training import Digits, Ensemble

if TYPE_CHECKING:
    from jaxtyping import Float

Range = tuple[float, float]


@dataclass(frozen=True)
class Config:
    """What is searched, and how long. The paper's grids for CIFAR are quoted as we remember them,
    its choice of k as a student's report gives it.
    """

    sgd_lr: Range = (0.003, 1.0)
    """Drawn evenly in log; it holds the paper's grid for CIFAR, 0.03 to 0.3."""
    sgd_decay: Range = (1e-5, 1e-2)
    """Weight decay added to the gradient; the paper's grid is 3e-4 to 3e-3."""
    adam_lr: Range = (1e-4, 0.1)
    """The paper's grid is 1e-4 to 1e-3, for a network a thousand times larger."""
    adam_decay: Range = (1e-3, 3.0)
    """Weight decay of AdamW, times the learning rate; the paper's grid is 0.1 to 3."""
    forget: Range = (0.02, 0.5)
    """1 - momentum, and 1 - beta1 of AdamW."""
    alpha: tuple[float, ...] = (0.2, 0.5, 0.8)
    """The paper's grid."""
    k: int = 5
    """As the paper chose for CIFAR."""
    keep: tuple[float, ...] = (0.9, 0.97, 0.99)
    """Shares of the old average that a step keeps."""
    label_noise: tuple[float, ...] = (0.0,)
    """One task or two: the digits, and with a fifth of the training labels drawn at random."""
    searches: int = 2
    """Independent random searches."""
    trials: int = 2
    """Settings that each draws."""
    tuning: int = 1
    """Seeds 0, 1, ..., whose test digits choose among the settings."""
    held_out: int = 1
    """The seeds after them, which report."""
    batch: int = 32
    """As in the other sweeps."""
    epochs: int = 10
    """The learning rate falls to a fifth after 30, 60 and 80 % of them."""


ARMS = ("SGD", "SGD, averaged", "Lookahead", "AdamW", "Lookahead(AdamW)")


def logits(params: list[Tensor], inputs: Tensor, seen: Tensor | None = None) -> Tensor:
    """Outputs; hidden units are normalised by their moments on `seen`, or on the inputs."""
    first, gain, shift, second, bias = params
    hidden = torch.bmm(inputs, first)
    reference = hidden if seen is None else torch.bmm(seen, first)
    mean = reference.mean(1, keepdim=True)
    scale = gain * ((reference - mean).square().mean(1, keepdim=True) + 1e-5).rsqrt()
    normal = torch.addcmul(shift, hidden - mean, scale)
    return torch.baddbmm(bias, torch.relu(normal), second)


class Normalised(Digits):
    """The digits for a network with batch normalisation; evaluated, it sees the training set."""

    def start(self, settings: int) -> list[Tensor]:
        """Initial weights, scales and shifts, the same in all settings."""
        first, shift, second, bias = super().start(settings)
        return [first, torch.ones_like(shift), torch.zeros_like(shift), second, bias]

    def gradients(self, params: list[Tensor], settings: int) -> list[Tensor]:
        """Each model's own, on its next batch."""
        inputs, targets = self.next_batch(settings)
        leaves = [p.detach().requires_grad_() for p in params]
        outputs = logits(leaves, inputs).flatten(0, 1)
        loss = functional.cross_entropy(outputs, targets.flatten(), reduction="sum") / self.batch
        return list(torch.autograd.grad(loss, leaves))

    def test_accuracy(self, params: list[Tensor]) -> Float[np.ndarray, "settings seeds"]:
        """Percent right on the test set."""

        def right(p: list[Tensor]) -> Tensor:
            outputs = logits(p, self.test_inputs, self.inputs)
            return (outputs.argmax(2) == self.test_targets).float().mean(1)

        return 100 * self._by_setting(params, right)


class Decayed(Ensemble):
    """With weight decay, as in torch's SGD or AdamW, and an average that only watches.

    Args:
        keep: share of the old average that a step keeps, [models].
    """

    def __init__(self, params: list[Tensor], keep: Tensor, **settings: Any) -> None:
        super().__init__(params, **settings)
        self.fresh = 1 - keep
        self.average = [p.clone() for p in params]

    def step(self, grads: list[Tensor]) -> None:
        """One step, and one of the average."""
        if not self.adam:  # a part of SGD's gradient, and of AdamW's step
            for g, p in zip(grads, self.params, strict=True):
                g.addcmul_(p, torch.as_tensor(leading(self.decay, p)))
        super().step(grads)
        for average, p in zip(self.average, self.params, strict=True):
            average.lerp_(p, torch.as_tensor(leading(self.fresh, p)))


FULL = Config(label_noise=(0.0, 0.2), searches=8, trials=12, tuning=2, held_out=4, epochs=20)


@experiment(quick=Config(), full=FULL)
def tuned(config: Config) -> xr.Dataset:
    """Train all searches, trials and seeds of a method at once."""
    seeds, settings = config.tuning + config.held_out, config.searches * config.trials
    draws = rng(0, "random search").random((5, settings))

    def log_even(u: np.ndarray, between: Range) -> np.ndarray:
        return between[0] * (between[1] / between[0]) ** u

    def tensor(values: np.ndarray) -> Tensor:
        return torch.tensor(values.repeat(seeds), dtype=torch.float32)

    def choose(u: np.ndarray, options: tuple[float, ...]) -> np.ndarray:
        return np.array(options)[(u * len(options)).astype(int)]

    def train(noise: float, adam: bool, k: int | None) -> tuple[np.ndarray, np.ndarray]:
        """Accuracies of the weights that the method returns, and of its average."""
        data = Normalised(seeds, config.batch, noise)
        ensemble = Decayed(
            data.start(settings),
            keep=tensor(choose(draws[3], config.keep)),
            decay=tensor(log_even(draws[2], config.adam_decay if adam else config.sgd_decay)),
            lr=log_even(draws[0], config.adam_lr if adam else config.sgd_lr).repeat(seeds),
            momentum=1 - log_even(draws[1], config.forget).repeat(seeds),
            k=k,
            alpha=choose(draws[4], config.alpha).repeat(seeds),
            adam=adam,
        )
        for epoch in range(1, config.epochs + 1):
            for _ in range(data.epoch):
                ensemble.step(data.gradients(ensemble.params, settings))
            if 10 * epoch in (3 * config.epochs, 6 * config.epochs, 8 * config.epochs):
                ensemble.lr = 0.2 * ensemble.lr
        return data.test_accuracy(ensemble.slow), data.test_accuracy(ensemble.average)

    found = []
    for noise in config.label_noise:
        sgd, averaged = train(noise, False, None)
        lookahead, _ = train(noise, False, config.k)
        adam, _ = train(noise, True, None)
        around, _ = train(noise, True, config.k)
        found.append([sgd, averaged, lookahead, adam, around])
    shape = (len(found), len(ARMS), config.searches, config.trials, seeds)
    role = ["tuning"] * config.tuning + ["held out"] * config.held_out
    return xr.Dataset(
        {
            "accuracy": (
                ("noise", "arm", "search", "trial", "seed"),
                np.array(found).reshape(shape),
                {"long_name": "test accuracy at the end", "units": "%"},
            )
        },
        coords={
            "noise": ("noise", list(config.label_noise), {"long_name": "share of random labels"}),
            "arm": list(ARMS),
            "search": np.arange(config.searches),
            "trial": ("trial", np.arange(1, config.trials + 1), {"long_name": "settings tried"}),
            "seed": np.arange(seeds),
            "role": ("seed", role),
        },
    )


@quantity
def chosen(result: xr.Dataset) -> xr.DataArray:
    """Mean accuracy on the held-out seeds of the setting that the tuning seeds chose.

    By task, arm and search, after each number of trials.
    """
    score, report = (
        result["accuracy"].where(result["role"] == role, drop=True).mean("seed")
        for role in ("tuning", "held out")
    )
    after = [
        report.isel(trial=score.isel(trial=slice(0, n)).argmax("trial"))
        for n in range(1, result.sizes["trial"] + 1)
    ]
    return xr.concat([a.drop_vars("trial") for a in after], result["trial"])


@quantity
def tuned_gain(result: xr.Dataset, over: str, arm: str = "Lookahead") -> xr.DataArray:
    """Points that one tuned arm gets more right than another after all trials, by task, search."""
    last = chosen(result).isel(trial=-1)
    return last.sel(arm=arm) - last.sel(arm=over)
