"""The decision table on a problem that it was not made from: logistic regression, 30 decays.

The breast cancer data of scikit-learn, standardised; one log decay a feature. Finished training
goes to the minimum; training that is stopped takes steps of gradient descent from zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
import xarray as xr

from replications.core.experiment import experiment, quantity
from replications.methods.conjugate_gradient import ConjugateGradient
from replications.methods.dense_solve import Exact
from replications.methods.implicit import hypergradient
from replications.methods.neumann import Neumann
from replications.methods.unrolled import unrolled_hypergradient
from replications.problems import data
from replications.problems.newton import minimize


@dataclass(frozen=True)
class Config:
    """Sizes; all ours."""

    log_decay: float = -5.0
    rate: float = 0.1
    products: tuple[int, ...] = (2, 4, 8, 16)
    stops: tuple[int, ...] = (10, 50, 200, 1000)
    """Steps after which training is stopped."""
    last: int = 10
    """Steps of them that are differentiated."""


@experiment(quick=Config())
def outside(config: Config) -> xr.Dataset:
    """Relative errors of what the table proposes, and of what it warns of."""
    tumours = data.breast_cancer()
    parts = data.split(len(tumours.inputs), (280, 289), 0)
    x, xv = (z.double() for z in data.standardize(*(tumours.inputs[part] for part in parts)))
    y, yv = (2 * tumours.targets[part].double() - 1 for part in parts)

    def train(w: torch.Tensor, l: torch.Tensor) -> torch.Tensor:
        return F.softplus(-y * (x @ w)).mean() + (l.exp() * w**2).sum() / 2

    def val(w: torch.Tensor, l: torch.Tensor) -> torch.Tensor:
        return F.softplus(-yv * (xv @ w)).mean()

    theta = torch.full((30,), config.log_decay, dtype=torch.float64)
    zero = torch.zeros(30, dtype=torch.float64)
    best = minimize(lambda w: train(w, theta), zero)
    truth = hypergradient(train, val, best, theta, Exact()).total

    def error(found: torch.Tensor, right: torch.Tensor) -> float:
        return float((found - right).norm() / right.norm())

    finished = [
        error(hypergradient(train, val, best, theta, ConjugateGradient(k)).total, truth)
        for k in config.products
    ]
    stopped = []
    for stop in config.stops:
        run = unrolled_hypergradient(train, val, zero, theta, stop, config.rate)
        early = stop - config.last
        middle = zero
        if early:
            middle = unrolled_hypergradient(train, val, zero, theta, early, config.rate).params
        tail = unrolled_hypergradient(train, val, middle, theta, config.last, config.rate)
        solvers = Exact(), Neumann(stop - 1, config.rate, 0)
        exact, series = (
            hypergradient(train, val, run.params, theta, solver, tolerance=torch.inf).total
            for solver in solvers
        )
        stopped.append([error(found, run.total) for found in (exact, series, tail.total)])
    return xr.Dataset(
        {
            "finished": (
                "products",
                finished,
                {"long_name": "relative error of conjugate gradients, finished training"},
            ),
            "stopped": (
                ("stop", "way"),
                np.array(stopped),
                {"long_name": "relative error against reverse mode, stopped training"},
            ),
        },
        coords={
            "products": list(config.products),
            "stop": list(config.stops),
            "way": ["implicit, exact", "series of as many terms", "last steps"],
        },
    )


@quantity
def stopped_error(result: xr.Dataset, way: str, stop: int) -> float:
    """Relative error of a way on training that is stopped."""
    return float(result["stopped"].sel(way=way, stop=stop))
