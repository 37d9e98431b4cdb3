"""What each slip in the algorithm does, on ridge problems with a hypergradient in closed form.

The decays are shared out by a cyclic shift: weight j has decay l_{j+1}. So there are as many decays
as weights, and still the mixed derivative is no symmetric matrix: a transposition shows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from replications.core.experiment import experiment, quantity
from replications.problems.ridge import Ridge, ridge

VARIANTS = ("correct", "p -= v", "no factor", "transposed", "no loss in H")


@dataclass(frozen=True)
class Config:
    """Problems and orders."""

    problems: int = 40
    """Our choice: independent draws."""
    weights: int = 12
    """Our choice."""
    terms: tuple[int, ...] = (0, 1, 2, 5, 10, 20, 50, 100)
    """Orders K of the series; the paper's are up to 50."""


@experiment(quick=Config())
def algorithms(config: Config) -> xr.Dataset:
    """Transcribe the algorithm with dense matrices, one slip at a time, against the closed form."""
    shape = (len(VARIANTS), len(config.terms), config.problems)
    error, cosine = np.empty(shape), np.empty(shape)
    for k in range(config.problems):
        problem = replace(
            ridge(k, d=config.weights), groups=(torch.arange(config.weights) + 1) % config.weights
        )
        decays = torch.linspace(-2, 1, config.weights, dtype=torch.float64)
        exact = problem.hypergradient(decays)
        for i, variant in enumerate(VARIANTS):
            for j, terms in enumerate(config.terms):
                found = _transcribed(problem, decays, terms, variant)
                error[i, j, k] = (found - exact).norm() / exact.norm()
                cosine[i, j, k] = torch.cosine_similarity(found, exact, dim=0)
    dims = ("variant", "order", "problem")
    return xr.Dataset(
        {
            "error": (dims, error, {"long_name": "relative error of the hypergradient"}),
            "cosine": (dims, cosine, {"long_name": "cosine with the hypergradient"}),
        },
        coords={
            "variant": list(VARIANTS),
            "order": list(config.terms),
            "problem": np.arange(config.problems),
        },
    )


def _transcribed(problem: Ridge, decays: Tensor, terms: int, variant: str) -> Tensor:
    w, each = problem.best_response(decays), decays.exp()[problem.groups]
    data_hessian = problem.inputs.T @ problem.inputs / len(problem.inputs)
    hessian = torch.diag(each) + (0 if variant == "no loss in H" else data_hessian)
    step = 1 / float(torch.linalg.eigvalsh(problem.hessian(decays))[-1])
    v = problem.val_inputs.T @ (problem.val_inputs @ w - problem.val_targets)
    v = v / len(problem.val_inputs)
    p = v
    for _ in range(terms):
        v = v - step * hessian @ v
        p = p - v if variant == "p -= v" else p + v
    if variant != "no factor":
        p = step * p
    mixed = torch.zeros_like(hessian)  # d2 L_T / dw_j dl_g = exp(l_g) w_j where g = g(j)
    mixed[torch.arange(len(w)), problem.groups] = each * w
    return -(mixed @ p if variant == "transposed" else p @ mixed)


@quantity
def typical(result: xr.Dataset, variable: str, order: int = 20) -> xr.DataArray:
    """Median over the problems, by variant."""
    return result[variable].sel(order=order).median("problem")
