"""Error of the hypergradient against the order of the solver, where the truth is known.

Ridge regression (closed form), logistic regression on breast cancer and a tanh network on diabetes
(both: dense solve at a minimum found by Newton's method, itself checked by retraining).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from replications.core.experiment import experiment, quantity
from replications.core.seeds import generator
from replications.methods.conjugate_gradient import ConjugateGradient
from replications.methods.dense_solve import Exact
from replications.methods.implicit import hypergradient
from replications.methods.inverse_hessian import HypergradientWarning, Solver
from replications.methods.neumann import Neumann
from replications.methods.unrolled import unrolled_hypergradient
from replications.problems.data import breast_cancer, diabetes, split, standardize
from replications.problems.newton import minimize
from replications.problems.ridge import ridge

PROBLEMS = ("ridge", "logistic", "network")
SOLVERS = (
    "Neumann 0.5/L",
    "Neumann 1/L",
    "Neumann 1.9/L",
    "Neumann 2.1/L",
    "CG",
    "unrolled, warm",
    "unrolled, cold",
)
Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Config:
    """Orders and problems."""

    terms: tuple[int, ...] = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500)
    """Orders K; CG gets K + 1 products and unrolling K + 1 steps, so that all cost the same."""
    log_decay: float = -3.0
    """Of every weight, for logistic regression and the network: weak, yet H is invertible."""
    seed: int = 0


@experiment(quick=Config())
def accuracy(config: Config) -> xr.Dataset:
    """Every solver on every problem; facts about each problem."""
    shape = (len(PROBLEMS), len(SOLVERS), len(config.terms))
    error, cosine = np.empty(shape), np.empty(shape)
    condition, gap, truth = np.empty(3), np.empty(3), np.empty(3)
    for i, (train, val, start, h) in enumerate(problems(config)):
        w = trained(train, start, h)
        found = hypergradient(train, val, w, h, Exact())
        exact, largest = found.total, float(found.curvature.largest)
        gaps = []
        condition[i] = largest / float(found.curvature.lowest)
        truth[i] = _reference_error(train, val, w, h, exact, config.seed)
        for k, terms in enumerate(config.terms):
            answers = {}
            for j, name in enumerate(SOLVERS):
                if name.startswith("unrolled"):
                    begin = w if name.endswith("warm") else torch.zeros_like(w) + 1e-3 * start
                    args = (terms + 1, 1 / largest)
                    got = unrolled_hypergradient(train, val, begin, h, *args).total
                else:
                    solver: Solver = ConjugateGradient(terms + 1)
                    if name.startswith("Neumann"):
                        solver = Neumann(terms, float(name.split()[1][:-2]) / largest, probes=0)
                    with warnings.catch_warnings():  # one of the steps is there to diverge
                        warnings.simplefilter("ignore", HypergradientWarning)
                        got = hypergradient(train, val, w, h, solver).total
                answers[name] = got
                error[i, j, k] = (got - exact).norm() / exact.norm()
                cosine[i, j, k] = torch.cosine_similarity(got, exact, dim=0)
            gaps.append(answers["unrolled, warm"] - answers["Neumann 1/L"])
        gap[i] = torch.stack(gaps).norm(dim=1).max() / exact.norm()
    dims = ("problem", "solver", "order")
    return xr.Dataset(
        {
            "error": (dims, error, {"long_name": "relative error of the hypergradient"}),
            "cosine": (dims, cosine, {"long_name": "cosine with the hypergradient"}),
            "condition": ("problem", condition, {"long_name": "condition number of the Hessian"}),
            "unrolled_gap": (
                "problem",
                gap,
                {"long_name": "largest |a - b| / |exact| of Neumann(K) and K + 1 unrolled steps"},
            ),
            "truth": (
                "problem",
                truth,
                {"long_name": "relative error of the reference along a direction, by retraining"},
            ),
        },
        coords={"problem": list(PROBLEMS), "solver": list(SOLVERS), "order": list(config.terms)},
    )


def problems(config: Config) -> list[tuple[Loss, Loss, Tensor, Tensor]]:
    """(training loss, validation loss, where Newton starts, log decays) of each problem."""
    linear = ridge(config.seed)
    decays = torch.linspace(-2, 1, 12, dtype=torch.float64)
    data = breast_cancer()
    a, b = split(len(data.inputs), (200, 200), config.seed)
    x, xv = (part.double() for part in standardize(data.inputs[a], data.inputs[b]))
    y, yv = data.targets[a].double(), data.targets[b].double()

    def fit(w: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return torch.nn.functional.binary_cross_entropy_with_logits(x @ w, y)

    def logistic(w: Tensor, h: Tensor) -> Tensor:
        return fit(w, x, y) + (h.exp() * w**2).sum() / 2

    data = diabetes()
    a, b = split(len(data.inputs), (150, 150), config.seed)
    u, uv = (part.double() for part in standardize(data.inputs[a], data.inputs[b]))
    centre, spread = data.targets[a].mean(), data.targets[a].std()
    t, tv = (((data.targets[part] - centre) / spread).double() for part in (a, b))

    def squares(w: Tensor, x: Tensor, y: Tensor) -> Tensor:
        first, second = w.split([80, 8])
        return ((torch.tanh(x @ first.view(10, 8)) @ second - y) ** 2).mean() / 2

    def network(w: Tensor, h: Tensor) -> Tensor:
        return squares(w, u, t) + (h.exp() * w**2).sum() / 2

    draw = generator(config.seed, "start")

    def constant(n: int) -> Tensor:
        return torch.full((n,), config.log_decay, dtype=torch.float64)

    return [
        (linear.train_loss, linear.val_loss, torch.zeros(12, dtype=torch.float64), decays),
        (logistic, lambda w, _: fit(w, xv, yv), torch.zeros(30, dtype=torch.float64), constant(30)),
        (
            network,
            lambda w, _: squares(w, uv, tv),
            torch.randn(88, generator=draw, dtype=torch.float64),
            constant(88),
        ),
    ]


def trained(train: Loss, start: Tensor, h: Tensor) -> Tensor:
    """The minimum of a training loss that Newton's method finds from a start."""
    return minimize(lambda w: train(w, h), start)


def _reference_error(
    train: Loss, val: Loss, w: Tensor, h: Tensor, exact: Tensor, seed: int
) -> float:
    """Relative error of the dense solve along a random direction, by retraining at five points."""
    draw = generator(seed, "direction")
    direction = torch.randn(len(h), generator=draw, dtype=torch.float64)
    step = 1e-4  # the error is O(step^4) and 1e-13 / step
    f = []
    for k in (-2, -1, 1, 2):
        at = h + k * step * direction
        f.append(float(val(trained(train, w, at), at)))
    slope = (8 * (f[2] - f[1]) - (f[3] - f[0])) / (12 * step)
    return abs(slope / float(exact @ direction) - 1)


@quantity
def series_error(result: xr.Dataset, step: str, order: int) -> xr.DataArray:
    """Relative error of the series with a step in units of 1 / L, by problem."""
    return result["error"].sel(solver=f"Neumann {step}/L", order=order)
