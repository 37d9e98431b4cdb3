"""When are many decays worth it? One to thousands of them, tuned at equal compute.

A number of labelled examples is shared out between training and validation; the rest is the test
set. A tuner hands in decays. They are then judged alike: a network is trained from scratch with
them, on the training part, on all labelled examples, or on the training part from other initial
weights, which decays of single weights were not tuned for.

Compute is counted in gradients of the training loss, the same for every tuner: a step is one, a
Hessian-vector product two, the hypergradient's own validation gradient and mixed product one each.
The final trainings are not counted; every arm has the same.

Predicted before the run, for half of 200 digits as validation: one decay a weight brings the
validation loss far below that of one decay, which is what it minimises, and random search over as
many does not. In the test loss, trained on all labelled digits, it is worse than one decay by a
grid, and one decay by hypergradient is as good as the grid. The larger the validation part, the
less it loses. Its decays belong to the initial weights: from others they serve worse.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from replications.core.experiment import experiment, quantity
from replications.core.seeds import generator
from replications.methods.implicit import hypergradient
from replications.methods.inverse_hessian import HypergradientWarning
from replications.methods.neumann import Neumann
from replications.problems import mlp
from replications.problems.data import breast_cancer, digits, split

LOADERS = {"digits": digits, "breast cancer": breast_cancer}
FINALS = ("training part", "all labelled", "other initial weights")
UNTUNED, GRID, RANDOM = "untuned", "grid, one decay", "random, one a weight"
ONE, LAYER, INPUT, EACH = (
    f"hypergradient, one {of}" for of in ("decay", "a layer", "an input", "a weight")
)
ARMS = (UNTUNED, GRID, RANDOM, ONE, LAYER, INPUT, EACH)


@dataclass(frozen=True)
class Config:
    """One data set, all shares and arms."""

    data: str = "digits"
    """A key of LOADERS."""
    labelled: int = 200
    """Examples that training and validation share."""
    hidden: tuple[int, ...] = (32,)
    """Units of the hidden layers; our choice."""
    shares: tuple[float, ...] = (0.1, 0.25, 0.5, 0.75)
    """Of the labelled examples, for validation; four of the authors' five."""
    arms: tuple[str, ...] = ARMS
    splits: int = 16
    """Independent draws of the examples and of the initial weights."""
    steps: int = 400
    """Of Adam in a training from scratch."""
    inner_rate: float = 1e-2
    """Of those steps, as in the experiment on overfitting."""
    trials: int = 18
    """Trainings of the two searches: the compute of every tuner is trials * steps."""
    inner: int = 20
    """Steps between two on the decays."""
    rate: float = 0.1
    """RMSprop on log decays; the authors' repository."""
    start: float = -4.0
    """Initial log decay; the repository's."""
    lowest: float = -10.0
    """Of the searched range, and a floor for the hypergradient's decays."""
    highest: float = 0.0
    """Likewise: beyond it these networks learn nothing."""
    terms: int = 20
    """Order of the series, its step by ``probes`` products."""
    probes: int = 4

    def outer(self) -> int:
        """Steps on the decays that the compute allows."""
        products = self.terms + self.probes + 1  # the last checks the residual
        return self.trials * self.steps // (self.inner + 2 * products + 3)


@dataclass(frozen=True)
class _Part:
    """Examples of every model, ``[models, n, ...]``."""

    inputs: Tensor
    targets: Tensor

    def repeat(self, times: int) -> _Part:
        """Each model's examples, for ``times`` models one after another."""
        return _Part(self.inputs.repeat(times, 1, 1), self.targets.repeat(times, 1))


def _groups(arm: str, weights: list[Tensor], value: float) -> list[Tensor]:
    """Log decays of an arm, as few as it has, ``[splits, ...]`` each."""
    models = len(weights[0])
    each = [torch.full((models, 1, 1), value) for _ in weights]
    if arm.endswith("one a weight"):
        return [torch.full_like(w, value) for w in weights]
    if arm.endswith("one an input"):
        return [torch.full((models, weights[0].shape[1], 1), value), *each[1:]]
    return each if arm.endswith("one a layer") else each[:1]


def _penalty(weights: list[Tensor], logs: list[Tensor]) -> Tensor:
    """Sum of exp(l) w^2 over the weights of each model; biases have no decay."""
    shared = logs if len(logs) == len(weights) else logs * len(weights)
    terms = [(d.exp() * w**2).sum((1, 2)) for d, w in zip(shared, weights, strict=True)]
    return torch.stack(terms).sum(0)


def _train(
    config: Config, params: list[Tensor], logs: list[Tensor], part: _Part, steps: int, adam: object
) -> None:
    assert isinstance(adam, torch.optim.Adam)
    for _ in range(steps):
        loss = mlp.losses(params, part.inputs, part.targets) + _penalty(params[::2], logs)
        for leaf, g in zip(params, torch.autograd.grad(loss.sum(), params), strict=True):
            leaf.grad = g
        adam.step()


def _fresh(config: Config, params: list[Tensor]) -> tuple[list[Tensor], torch.optim.Adam]:
    leaves = [p.clone().requires_grad_() for p in params]
    return leaves, torch.optim.Adam(leaves, lr=config.inner_rate, foreach=True)


def _fit(config: Config, params: list[Tensor], logs: list[Tensor], part: _Part) -> list[Tensor]:
    """Weights after a training from scratch with fixed decays."""
    leaves, adam = _fresh(config, params)
    _train(config, leaves, logs, part, config.steps, adam)
    return [leaf.detach() for leaf in leaves]


def _search(
    config: Config, arm: str, params: list[Tensor], train: _Part, val: _Part
) -> list[Tensor]:
    """The log decays of the trial with the lowest validation loss, split by split."""
    trials, models = config.trials, len(params[0])
    repeated = [p.repeat(trials, 1, 1) for p in params]
    logs = _groups(arm, repeated[::2], 0.0)
    if arm == GRID:
        values = torch.linspace(config.lowest, config.highest, trials)
        logs[0] += values.repeat_interleave(models)[:, None, None]
    else:
        draw = generator(0, "search", arm)
        extent = config.highest - config.lowest
        logs = [config.lowest + extent * torch.rand(d.shape, generator=draw) for d in logs]
    done = _fit(config, repeated, logs, train.repeat(trials))
    many = val.repeat(trials)
    loss = mlp.losses(done, many.inputs, many.targets).view(trials, models)
    best = loss.argmin(0), torch.arange(models)
    return [d.view(trials, models, *d.shape[1:])[best] for d in logs]


def _descend(
    config: Config, arm: str, params: list[Tensor], train: _Part, val: _Part
) -> list[Tensor]:
    """Algorithm 1: some steps on the weights, one on the decays, without starting again."""

    def train_loss(params: list[Tensor], logs: list[Tensor]) -> Tensor:
        return mlp.losses(params, train.inputs, train.targets) + _penalty(params[::2], logs)

    def val_loss(params: list[Tensor], _: list[Tensor]) -> Tensor:
        return mlp.losses(params, val.inputs, val.targets)

    leaves, adam = _fresh(config, params)
    logs = _groups(arm, leaves[::2], config.start)
    outer = torch.optim.RMSprop(logs, lr=config.rate, eps=1e-12, foreach=True)
    solver = Neumann(config.terms, "auto", config.probes)
    for _ in range(config.outer()):
        _train(config, leaves, logs, train, config.inner, adam)
        with warnings.catch_warnings():  # a network in training has negative curvature
            warnings.simplefilter("ignore", HypergradientWarning)
            found = hypergradient(train_loss, val_loss, leaves, logs, solver, tolerance=math.inf)
        for leaf, g in zip(logs, found.total, strict=True):
            leaf.grad = g
        outer.step()
        for leaf in logs:
            leaf.clamp_(config.lowest, config.highest)
    return logs


def compare(config: Config) -> xr.Dataset:
    """Tune by every arm at every share, then judge the decays."""
    data = LOADERS[config.data]()
    rest = len(data.inputs) - config.labelled
    parts = [split(len(data.inputs), (config.labelled, rest), i) for i in range(config.splits)]
    known, unseen = (torch.stack(part) for part in zip(*parts, strict=True))
    centre, spread = torch.zeros(()), torch.ones(())
    if config.data != "digits":  # pixels are left as they are
        spread, centre = torch.std_mean(data.inputs[known], 1, keepdim=True)
    labelled, test = (
        _Part((data.inputs[part] - centre) / spread, data.targets[part]) for part in (known, unseen)
    )
    layers = (data.inputs.shape[1], *config.hidden, int(data.classes or 0))
    first, other = (
        mlp.init(layers, config.splits, generator(0, "worth", name)) for name in ("first", "other")
    )
    shape = (len(config.shares), len(config.arms), config.splits)
    found = {name: np.empty((*shape, len(FINALS))) for name in ("loss", "accuracy")}
    on_val, typical = np.empty(shape), np.empty(shape)
    for i, share in enumerate(config.shares):
        m = round(share * config.labelled)
        val = _Part(labelled.inputs[:, :m], labelled.targets[:, :m])
        train = _Part(labelled.inputs[:, m:], labelled.targets[:, m:])
        for j, arm in enumerate(config.arms):
            if arm == UNTUNED:
                logs = _groups(arm, first[::2], config.start)
            else:
                tuner = _descend if arm.startswith("hypergradient") else _search
                logs = tuner(config, arm, first, train, val)
            typical[i, j] = torch.cat([d.flatten(1) for d in logs], 1).median(1).values
            finals = ((first, train), (first, labelled), (other, train))
            for k, (initial, part) in enumerate(finals):
                w = _fit(config, initial, logs, part)
                found["loss"][i, j, :, k] = mlp.losses(w, test.inputs, test.targets)
                found["accuracy"][i, j, :, k] = mlp.accuracy(w, test.inputs, test.targets)
                if k == 0:
                    on_val[i, j] = mlp.losses(w, val.inputs, val.targets)
    dims = ("share", "arm", "split", "final")
    counts = [sum(d[0].numel() for d in _groups(arm, first[::2], 0.0)) for arm in config.arms]
    return xr.Dataset(
        {
            "loss": (dims, found["loss"], {"long_name": "test loss", "units": "nats"}),
            "accuracy": (dims, found["accuracy"], {"long_name": "test accuracy", "units": "1"}),
            "val": (
                dims[:3],
                on_val,
                {"long_name": "validation loss, trained on the training part", "units": "nats"},
            ),
            "log_decay": (dims[:3], typical, {"long_name": "median log decay handed in"}),
            "decays": ("arm", counts, {"long_name": "number of decays"}),
        },
        coords={
            "share": list(config.shares),
            "arm": list(config.arms),
            "split": np.arange(config.splits),
            "final": list(FINALS),
        },
    )


worth = experiment(
    "worth",
    quick=(Config(shares=(0.5,), arms=(UNTUNED, GRID, EACH), splits=2, steps=40, trials=3),),
    # ten trials and three shares, for the time, fixed before any run
    full=tuple(
        Config(trials=10, shares=(0.1, 0.5, 0.75), arms=(arm,))
        for arm in (EACH, GRID, ONE, RANDOM, LAYER, INPUT, UNTUNED)
    ),
    along="arm",
)(compare)


@quantity
def ahead(
    result: xr.Dataset,
    arm: str,
    other: str,
    variable: str = "loss",
    *,
    share: float = 0.5,
    final: str = "all labelled",
) -> xr.DataArray:
    """What an arm hands in minus what another does, by split."""
    found = result[variable].sel(share=share)
    found = found.sel(final=final) if "final" in found.dims else found
    return found.sel(arm=arm, drop=True) - found.sel(arm=other, drop=True)


@quantity
def moved(result: xr.Dataset, final: str, arm: str = EACH, share: float = 0.5) -> xr.DataArray:
    """Test loss under an arm's decays in a final training minus that on the training part."""
    found = result["loss"].sel(share=share, arm=arm)
    return found.sel(final=final, drop=True) - found.sel(final=FINALS[0], drop=True)
