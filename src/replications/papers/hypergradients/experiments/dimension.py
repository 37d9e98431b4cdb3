"""How the price of a hypergradient grows with the number of hyperparameters.

Ridge regression with one log decay a weight and four examples a weight, so that the condition
number stays as the problem grows. Training is finished; the rate is fixed. The price asked for is
that of a relative error of 10 %: a stochastic way is repeated until its variance is low enough.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
import xarray as xr

from replications.core.experiment import experiment, quantity
from replications.core.seeds import generator
from replications.methods.conjugate_gradient import ConjugateGradient
from replications.methods.evolution import PES, FullES
from replications.methods.implicit import hypergradient
from replications.methods.uoro import UORO
from replications.papers.hypergradients.ways import Errors, Sizes, episode
from replications.problems.ridge import ridge
from replications.problems.ridge_training import RidgeTraining

State = tuple[torch.Tensor, torch.Tensor]
ARMS = ("implicit, CG", "reverse mode", "forward mode", "differences", "UORO", "full ES", "PES")
ERROR = 0.1
"""Relative error asked for."""


@dataclass(frozen=True)
class Config:
    """Sizes; all ours."""

    dims: tuple[int, ...] = (2, 8, 32)
    draws: int = 2
    replicates: int = 8
    pairs: int = 16
    sigma: float = 0.1
    horizon: int = 128
    windows: int = 4
    log_rate: float = -1.4
    """A rate of 0.25."""
    decay: tuple[float, float] = (-2.0, 0.0)
    """First and last log decay."""


QUICK = Config()
FULL = replace(QUICK, dims=(2, 4, 8, 16, 32, 64, 128), draws=6, replicates=16)


@experiment(quick=QUICK, full=FULL)
def dimension(config: Config) -> xr.Dataset:
    """The price of a relative error of 10 %, by number of hyperparameters."""
    price = np.empty((len(config.dims), len(ARMS), config.draws))
    for i, dim in enumerate(config.dims):
        sizes = Sizes(config.horizon, dim, dim)
        for draw in range(config.draws):
            problem = RidgeTraining(ridge(draw, n=4 * dim, d=dim), config.horizon, knots=1)
            decays = torch.linspace(*config.decay, dim).double()
            theta = torch.cat([decays, torch.tensor([config.log_rate]).double()])
            truth = problem.gradient(theta)[:dim]
            seeds = [generator(draw, "noise", k).initial_seed() for k in range(config.replicates)]
            window = config.horizon // config.windows
            noisy = {
                "UORO": (UORO(config.horizon), sizes.uoro()),
                "full ES": (FullES(config.sigma, config.pairs), sizes.perturbed(config.pairs)),
                "PES": (PES(window, config.sigma, config.pairs), sizes.perturbed(config.pairs)),
            }
            own = _Fixed(problem, config.log_rate)
            for j, arm in enumerate(ARMS):
                if arm in noisy:
                    estimator, one = noisy[arm]
                    rows, _ = episode(estimator, own, decays, seeds)
                    variance = Errors.of(rows, truth).variance
                    price[i, j, draw] = one.gradients * max(variance / ERROR**2, 1.0)
                elif arm == "implicit, CG":
                    price[i, j, draw] = _products(problem, decays, theta, truth, sizes)
                else:
                    price[i, j, draw] = {
                        "reverse mode": sizes.backwards(),
                        "forward mode": sizes.forwards(),
                        "differences": sizes.differences(),
                    }[arm].gradients
    return xr.Dataset(
        {
            "price": (
                ("dim", "arm", "draw"),
                price,
                {"long_name": "price of a relative error of 10 %", "units": "gradients"},
            )
        },
        coords={"dim": list(config.dims), "arm": list(ARMS), "draw": np.arange(config.draws)},
    )


class _Fixed:
    """The ridge run with its rate taken out of theta."""

    def __init__(self, problem: RidgeTraining, log_rate: float) -> None:
        self.problem, self.log_rate, self.horizon = problem, log_rate, problem.horizon
        self.init = problem.init

    def _whole(self, theta: torch.Tensor) -> torch.Tensor:
        return torch.cat([theta, torch.full_like(theta[:, :1], self.log_rate)], dim=1)

    def step(self, state: State, theta: torch.Tensor, t: int) -> tuple[State, torch.Tensor]:
        return self.problem.step(state, self._whole(theta), t)

    def unroll(
        self, state: State, theta: torch.Tensor, t: int, steps: int
    ) -> tuple[State, torch.Tensor]:
        return self.problem.unroll(state, self._whole(theta), t, steps)


def _products(
    problem: RidgeTraining,
    decays: torch.Tensor,
    theta: torch.Tensor,
    truth: torch.Tensor,
    sizes: Sizes,
) -> float:
    """Conjugate gradients until the error, measured against the truth, is low enough."""
    at, weights = problem.ridge, problem.weights(theta)
    for k in range(1, 10 * len(decays) + 1):
        solver = ConjugateGradient(k)
        found = hypergradient(
            at.train_loss, at.val_loss, weights, decays, solver, tolerance=torch.inf
        )
        if (found.total - truth).norm() <= ERROR * truth.norm():
            return sizes.implicit(k).gradients
    return float("nan")


@quantity
def slope(result: xr.Dataset, arm: str, smallest: int = 8) -> xr.DataArray:
    """Power of the number of hyperparameters with which the price grows, by draw."""
    own = result["price"].sel(arm=arm, dim=slice(smallest, None))
    x = np.log(own["dim"].values)
    fits = [np.polyfit(x, np.log(own.sel(draw=draw).values), 1)[0] for draw in own["draw"].values]
    return xr.DataArray(fits, dims="draw", coords={"draw": own["draw"]})
