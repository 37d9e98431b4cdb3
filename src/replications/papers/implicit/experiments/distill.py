"""Ten learned images that train a classifier: data-set distillation (Figure 7) on 8x8 digits.

The hyperparameters are the pixels. The inner problem, softmax regression with a little decay on ten
images, is solved by accelerated gradient steps from where the last one ended, few or many of them:
in the first form of this study conjugate gradients, which solve better, ended behind the series.

Predicted before the run: the 50 steps leave the inner problem unfinished, and a good inverse of the
Hessian amplifies what is unfinished, in the directions of small curvature. So with 500 steps
conjugate gradients are no worse than the series, and damped they are no worse with 50 either.
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
from replications.methods.conjugate_gradient import ConjugateGradient
from replications.methods.dense_solve import Exact
from replications.methods.implicit import Hypergradient, Loss, hypergradient
from replications.methods.inverse_hessian import HypergradientWarning, Solver
from replications.methods.neumann import Neumann
from replications.problems.data import digits, split

SOLVERS: dict[str, Solver] = {
    "Neumann 0": Neumann(0),
    "Neumann 5": Neumann(5),
    "Neumann 20": Neumann(20),
    "CG 20": ConjugateGradient(20),
    "CG 20, damped": ConjugateGradient(20, damping=0.05),  # about what 20 terms damp: L / 21
    "CG 100": ConjugateGradient(100),
}
BASELINES = ("one real image a class", "class means", "all 900 images", "all 900, weaker decay")


@dataclass(frozen=True)
class Config:
    """Sizes and rates."""

    splits: int = 12
    """Independent halves of the data and initial noise; six in the first form of this study."""
    outer: int = 150
    """Adam steps on the pixels; the repository takes 10,000."""
    rate: float = 0.1
    """Of those steps."""
    inner: int = 50
    """Accelerated steps of the inner problem between them; the repository takes 5 plain ones."""
    checkpoints: tuple[int, ...] = (1, 10, 50, 150)
    """Outer steps of the arm "Neumann 20" at which every solver is held against a dense solve."""
    decay: float = 1e-2
    """c of c w^2 / 2: makes the inner problem strongly convex. Chosen for ten images."""
    weak_decay: float = 1e-4
    """For a second fit to all 900 images, which need less."""


@experiment(
    quick=(Config(splits=2, outer=15, checkpoints=(10,)),),
    full=(Config(), Config(inner=500)),
    along="inner",
)
def distill(config: Config) -> xr.Dataset:
    """All splits in one batch."""
    data = digits()
    parts = [split(1797, (900, 897), seed) for seed in range(config.splits)]
    index = [torch.stack(part) for part in zip(*parts, strict=True)]
    (xv, xt), (yv, yt) = ([array[i] for i in index] for array in (data.inputs, data.targets))
    xv, xt = _with_constant(xv), _with_constant(xt)
    labels = torch.arange(10).expand(config.splits, 10)

    def train(w: Tensor, pixels: Tensor) -> Tensor:
        return _loss(w, _with_constant(pixels.sigmoid()), labels) + config.decay * _square(w) / 2

    def val(w: Tensor, _: Tensor) -> Tensor:
        return _loss(w, xv.to(w.dtype), yv)

    def accuracy(w: Tensor) -> np.ndarray:
        return ((xt @ w).argmax(-1) == yt).double().mean(1).numpy()

    images, final, curves = [], [], []
    errors: list[list[Tensor]] = []
    noise = torch.randn(config.splits, 10, 64, generator=generator(0, "pixels"))
    zero = torch.zeros(config.splits, 65, 10)
    start = accuracy(_fit(_with_constant(noise.sigmoid()), labels, zero, config.decay, 1000))
    for name, solver in SOLVERS.items():
        pixels, w, curve = noise.clone().requires_grad_(), zero, []
        adam = torch.optim.Adam([pixels], lr=config.rate)
        for k in range(1, config.outer + 1):
            inputs = _with_constant(pixels.detach().sigmoid())
            w = _fit(inputs, labels, w, config.decay, config.inner)
            if name == "Neumann 20" and k in config.checkpoints:
                best = _fit(inputs.double(), labels, w.double(), config.decay, 4000)
                here = pixels.detach().double()
                exact = [
                    hypergradient(train, val, x, here, Exact(), tolerance=math.inf)
                    for x in (w.double(), best)
                ]
                errors += [
                    [_solved(train, val, w, here, s, e) for e in exact] for s in SOLVERS.values()
                ]
            with warnings.catch_warnings():  # float32 CG past convergence may meet p'Hp <= 0
                warnings.simplefilter("ignore", HypergradientWarning)
                found = hypergradient(train, val, w, pixels, solver, tolerance=math.inf)
            pixels.grad = found.total
            adam.step()
            curve.append(val(w, pixels))
        w = _fit(_with_constant(pixels.detach().sigmoid()), labels, w, config.decay, 1000)
        final.append(accuracy(w))
        images.append(pixels.detach().sigmoid()[0].reshape(10, 8, 8).numpy())
        curves.append(torch.stack(curve, dim=1).numpy())

    shape = (len(config.checkpoints), len(SOLVERS), 2, config.splits)
    error = torch.stack([torch.stack(pair) for pair in errors]).reshape(shape).numpy()
    mask = torch.nn.functional.one_hot(yv, 10).float()  # [splits, 900, 10]
    means = (mask.mT @ xv) / mask.sum(1).unsqueeze(-1)
    first = torch.stack([xv[s, mask[s].argmax(0)] for s in range(config.splits)])
    rows = []
    for inputs, classes in ((first, labels), (means, labels), (xv, yv)):
        rows.append(accuracy(_fit(inputs, classes, zero, config.decay, 1000)))
    rows.append(accuracy(_fit(xv, yv, zero, config.weak_decay, 1500)))
    long_name = {"long_name": "accuracy on the held-out half"}
    relative = {"long_name": "relative error of the hypergradient"}
    found = xr.Dataset(  # type: ignore[assignment]
        {
            "accuracy": (("training_set", "split"), np.stack([*final, *rows, start]), long_name),
            "images": (
                ("solver", "digit", "row", "column"),
                np.stack(images),
                {"long_name": "learned pixels of the first split, 0 to 1"},
            ),
            "real": (
                ("digit", "row", "column"),
                first[0, :, :64].reshape(10, 8, 8).numpy(),
                {"long_name": "the first real image of each class, same split"},
            ),
            "error": (("checkpoint", "solver", "truth", "split"), error, relative),
            "val_loss": (
                ("solver", "split", "outer"),
                np.stack(curves),
                {"long_name": "validation loss, which the pixels minimise", "units": "nats"},
            ),
        },
        coords={
            "training_set": [*SOLVERS, *BASELINES, "noise"],
            "solver": list(SOLVERS),
            "split": np.arange(config.splits),
            "digit": np.arange(10),
            "outer": np.arange(1, config.outer + 1),
            "checkpoint": list(config.checkpoints),
            "truth": ["dense solve at the same weights", "dense solve at the minimum"],
        },
    )
    return found.expand_dims(inner=[config.inner])  # type: ignore[attr-defined]


def _solved(
    train: Loss, val: Loss, w: Tensor, pixels: Tensor, solver: Solver, exact: Hypergradient
) -> Tensor:
    """Relative error of a solver's hypergradient at the weights that training has reached."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HypergradientWarning)
        found = hypergradient(train, val, w.double(), pixels, solver, tolerance=math.inf)
    truth = exact.total.flatten(1)
    return (found.total.flatten(1) - truth).norm(dim=1) / truth.norm(dim=1)


def _with_constant(x: Tensor) -> Tensor:
    return torch.cat([x, torch.ones_like(x[..., :1])], dim=-1)


def _square(w: Tensor) -> Tensor:
    return (w * w).sum((-2, -1))


def _loss(w: Tensor, x: Tensor, y: Tensor) -> Tensor:
    log = torch.log_softmax(x @ w, dim=-1)
    return -log.gather(-1, y.unsqueeze(-1)).squeeze(-1).mean(-1)


def _fit(x: Tensor, y: Tensor, w: Tensor, decay: float, steps: int) -> Tensor:
    """Nesterov's accelerated gradient for a strongly convex loss, each split with its own step."""
    onehot = torch.nn.functional.one_hot(y, 10).float()
    gram = x @ x.mT if x.shape[1] < x.shape[2] else x.mT @ x
    # the Hessian of softmax regression is at most half the inputs' second moment
    largest = torch.linalg.eigvalsh(gram)[:, -1] / (2 * x.shape[1]) + decay
    step = (1 / largest)[:, None, None]
    root = (decay / largest).sqrt()[:, None, None]
    momentum = (1 - root) / (1 + root)
    before = w
    for _ in range(steps):
        ahead = w + momentum * (w - before)
        g = x.mT @ (torch.softmax(x @ ahead, dim=-1) - onehot) / x.shape[1] + decay * ahead
        before, w = w, ahead - step * g
    return w


@quantity
def score(result: xr.Dataset, training_set: str, inner: int | None = None) -> xr.DataArray:
    """Test accuracy of softmax regression trained on a set of images, by split."""
    found = result["accuracy"].sel(training_set=training_set, drop=True)
    return found.sel(inner=result.inner.min() if inner is None else inner, drop=True)


@quantity
def typical_error(result: xr.Dataset, solver: str, inner: int, truth: str) -> float:
    """Median over splits and checkpoints of the hypergradient's relative error."""
    found = result["error"].sel(solver=solver, inner=inner)
    return float(found.sel(truth=f"dense solve at the {truth}").median())
