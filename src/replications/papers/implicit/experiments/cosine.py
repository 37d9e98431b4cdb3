"""Neumann series against conjugate gradients, product for product, on diabetes (Figure 4's form).

The paper uses Boston housing, which scikit-learn has removed. A linear model and a network with 20
tanh units, one log decay a weight; the reference is the dense solve at the same weights.
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
from replications.methods.implicit import hypergradient
from replications.methods.inverse_hessian import HypergradientWarning, Solver
from replications.methods.neumann import Neumann
from replications.problems.data import diabetes, split, standardize

MODELS = ("linear", "network")
STAGES = ("early", "late")
SOLVERS = ("Neumann", "CG")


@dataclass(frozen=True)
class Config:
    """Models, stages of training and orders."""

    splits: int = 20
    """Our choice: independent splits and initial weights."""
    hidden: int = 20
    """Our choice; the paper's network has one hidden layer too."""
    log_decay: float = -4.0
    """As in the authors' repository."""
    early: int = 20
    """Full-batch gradient steps before the first comparison."""
    late: int = 2000
    """Steps before the second."""
    rate: float = 0.1
    """Of those steps; our choice, below 2 / L for every split."""
    terms: tuple[int, ...] = (0, 1, 2, 3, 5, 10, 20, 50)
    """Orders K; conjugate gradients get K + 1 products. The paper's figure goes to 49."""


@experiment(quick=Config())
def cosine(config: Config) -> xr.Dataset:
    """All splits of a model in one batch."""
    shape = (len(MODELS), len(STAGES), len(SOLVERS), len(config.terms), config.splits)
    cosines = np.empty(shape)
    lowest, stationarity = np.empty((2, 2, config.splits)), np.empty((2, 2, config.splits))
    x, y, xv, yv = _data(config)
    for i, model in enumerate(MODELS):
        sizes = [(10, config.hidden), (config.hidden, 1)] if model == "network" else [(10, 1)]
        draw = generator(0, model)
        params = [
            torch.randn(config.splits, *s, generator=draw, dtype=torch.float64) / math.sqrt(s[0])
            for s in sizes
        ]
        decays = [torch.full_like(w, config.log_decay) for w in params]

        def train(params: list[Tensor], decays: list[Tensor]) -> Tensor:
            penalty = sum((d.exp() * w**2).sum((1, 2)) for d, w in zip(decays, params, strict=True))
            return _squares(params, x, y) + penalty / 2

        def val(params: list[Tensor], _: list[Tensor]) -> Tensor:
            return _squares(params, xv, yv)

        done = 0
        for j, steps in enumerate((config.early, config.late)):
            for _ in range(steps - done):
                leaves = [w.requires_grad_() for w in params]
                g = torch.autograd.grad(train(leaves, decays).sum(), leaves)
                params = [w.detach() - config.rate * dw for w, dw in zip(leaves, g, strict=True)]
            done = steps
            args = (train, val, params, decays)
            exact = hypergradient(*args, Exact(), tolerance=math.inf)
            lowest[i, j] = exact.curvature.lowest
            stationarity[i, j] = exact.stationarity
            truth = torch.cat([t.flatten(1) for t in exact.total], dim=1)
            for k, terms in enumerate(config.terms):
                pair: tuple[Solver, ...] = (Neumann(terms), ConjugateGradient(terms + 1))
                for s, solver in enumerate(pair):
                    with warnings.catch_warnings():  # negative curvature is part of the question
                        warnings.simplefilter("ignore", HypergradientWarning)
                        found = hypergradient(*args, solver, tolerance=math.inf)
                    got = torch.cat([t.flatten(1) for t in found.total], dim=1)
                    cosines[i, j, s, k] = torch.cosine_similarity(got, truth, dim=1)
    dims = ("model", "stage", "solver", "order", "split")
    where = ("model", "stage", "split")
    return xr.Dataset(
        {
            "cosine": (dims, cosines, {"long_name": "cosine with the dense solve"}),
            "lowest": (where, lowest, {"long_name": "lowest eigenvalue of the Hessian"}),
            "stationarity": (where, stationarity, {"long_name": "norm of the training gradient"}),
        },
        coords={
            "model": list(MODELS),
            "stage": list(STAGES),
            "solver": list(SOLVERS),
            "order": list(config.terms),
            "split": np.arange(config.splits),
        },
    )


def _squares(params: list[Tensor], x: Tensor, y: Tensor) -> Tensor:
    a = x
    for w in params[:-1]:
        a = torch.tanh(a @ w)
    return ((a @ params[-1] - y) ** 2).mean((1, 2)) / 2


def _data(config: Config) -> list[Tensor]:
    """Standardized inputs and targets of both halves of every split."""
    data, parts = diabetes(), []
    for seed in range(config.splits):
        a, b = split(len(data.inputs), (221, 221), seed)
        inputs = standardize(data.inputs[a], data.inputs[b])
        targets = standardize(data.targets[a, None], data.targets[b, None])
        parts.append((inputs[0], targets[0], inputs[1], targets[1]))
    return [torch.stack(part).double() for part in zip(*parts, strict=True)]


@quantity
def lead(result: xr.Dataset, model: str, stage: str, order: int) -> xr.DataArray:
    """Cosine of the Neumann series minus that of conjugate gradients, by split."""
    found = result["cosine"].sel(model=model, stage=stage, order=order)
    return found.sel(solver="Neumann", drop=True) - found.sel(solver="CG", drop=True)


@quantity
def typical(result: xr.Dataset) -> xr.DataArray:
    """Median and quartiles of the cosine over splits."""
    return result["cosine"].quantile([0.25, 0.5, 0.75], "split")
