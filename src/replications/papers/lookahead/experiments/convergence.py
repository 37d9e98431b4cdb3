"""After figure 3: what 1000 steps reach, among settings of the same final risk; in closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from replications.core.experiment import experiment, quantity
from replications.core.seeds import generator
from replications.problems.noisy_quadratic import NoisyQuadratic, decaying_spectrum


@dataclass(frozen=True)
class Config:
    """One problem, and the risks at which the methods are compared."""

    dimensions: tuple[int, ...] = (1, 10, 100)
    """Number of curvatures a_i = 1 / i with noise 1 / a_i: our assumption about the paper's model.
    One curvature is the case in which a smaller learning rate can do all that Lookahead does."""
    alphas: int = 100
    """Evenly spaced in (0, 1], as we remember figure 3."""
    k: int = 5
    """As we remember figure 3."""
    risks: tuple[float, ...] = (0.005, 0.01, 0.02, 0.0341, 0.05, 0.1, 0.2, 0.5, 1.0)
    """Steady-state risks, below the risk at the start (2.6 with 100 curvatures): above it, a run
    that is still rising to its steady state looks good."""
    steps: int = 1000
    """Inner steps, as we remember figure 3."""
    check_steps: tuple[int, ...] = (10, 50, 200, 1000)
    """Where simulated chains are held against the closed form (alpha = 0.5, risk 0.05)."""
    chains: int = 400
    """Independent chains of that check."""
    seed: int = 0
    """Of the normals."""


def lr_of_risk(problem: NoisyQuadratic, risk: Tensor, alpha: Tensor, k: Tensor) -> Tensor:
    """The learning rate below 2 / L with a given steady-state risk, by bisection (it grows).

    nan where even 2 / L has less: odd k and a small alpha keep the variance finite up to there.
    """
    high = 2 / problem.curvature.max() * torch.ones_like(risk * alpha * k)
    low = torch.zeros_like(high)
    for _ in range(50):  # 2^-50: to rounding
        middle = (low + high) / 2
        above = problem.expected_loss(middle, alpha, k, steps=torch.inf) > risk
        low, high = torch.where(above, low, middle), torch.where(above, middle, high)
    reached = problem.expected_loss(high, alpha, k, steps=torch.inf)
    return torch.where((reached / risk - 1).abs() < 1e-6, high, torch.nan)


def losses(problem: NoisyQuadratic, risk: Tensor, alpha: Tensor, k: Tensor, steps: int) -> Tensor:
    """Expected loss after the steps, from E theta^2 = 1, at the learning rate of a given risk."""
    lr = lr_of_risk(problem, risk, alpha, k)
    loss = problem.expected_loss(lr.nan_to_num(1.0), alpha, k, steps=steps, start_variance=1.0)
    return torch.where(lr.isnan(), torch.nan, loss)


@experiment(quick=Config())
def convergence(config: Config) -> xr.Dataset:
    """Everything in closed form but the check."""
    risk = torch.tensor(config.risks, dtype=torch.float64)
    alpha = torch.arange(1, config.alphas + 1, dtype=torch.float64) / config.alphas
    one, k = torch.tensor(1.0).double(), torch.tensor(config.k)
    problems = [decaying_spectrum(d) for d in config.dimensions]
    sgd = [losses(p, risk, one, one, config.steps) for p in problems]
    lookahead = [  # risk by risk: small arrays stay in the cache, which is ten times faster
        torch.stack([losses(p, r, alpha, k, config.steps) for r in risk]) for p in problems
    ]

    last = problems[-1]
    half, middle = torch.tensor(0.5).double(), torch.tensor(0.05).double()
    lr = lr_of_risk(last, middle, half, k).item()
    gen = generator(config.seed, "convergence")
    weights = torch.randn(config.chains, last.curvature.numel(), generator=gen)
    check, done = [], 0
    for steps in config.check_steps:
        weights = last.simulate(
            lr,
            0.5,
            config.k,
            steps=steps - done,
            chains=config.chains,
            generator=gen,
            start=weights,
        )
        done = steps
        check.append(0.5 * (weights.double().square() * last.curvature).sum(1).numpy())
    check_theory = last.expected_loss(
        lr, 0.5, k, steps=torch.tensor(config.check_steps), start_variance=1.0
    )
    loss = {"long_name": "expected loss after the steps; nan: risk not reached"}
    return xr.Dataset(
        {
            "sgd": (("curvatures", "risk"), torch.stack(sgd).numpy(), loss),
            "lookahead": (("curvatures", "risk", "alpha"), torch.stack(lookahead).numpy(), loss),
            "check": (("step", "chain"), np.stack(check), {"long_name": "loss of each chain"}),
            "check_theory": ("step", check_theory.numpy(), {"long_name": "expected loss"}),
        },
        coords={
            "curvatures": list(config.dimensions),
            "risk": ("risk", risk.numpy(), {"long_name": "steady-state risk"}),
            "alpha": alpha.numpy(),
            "step": list(config.check_steps),
            "chain": np.arange(config.chains),
        },
    )


@quantity
def loss_ratio(result: xr.Dataset) -> xr.DataArray:
    """Loss of Lookahead over that of SGD at equal risk, for every alpha < 1."""
    return (result["lookahead"] / result["sgd"]).where(result["alpha"] < 1, drop=True)


@quantity
def check_scores(result: xr.Dataset) -> xr.DataArray:
    """Mean loss of the chains minus the expected one, in standard errors, by step."""
    error = result["check"].std("chain", ddof=1) / np.sqrt(result.sizes["chain"])
    return (result["check"].mean("chain") - result["check_theory"]) / error


@quantity
def below_sgd(result: xr.Dataset, bar: float) -> xr.DataArray:
    """Whether Lookahead ends below SGD by more than a share `bar` of its loss, by risk and alpha.

    With 100 curvatures; False where the risk was not reached.
    """
    return loss_ratio(result).sel(curvatures=100) < 1 - bar


@quantity
def broad(result: xr.Dataset, bar: float) -> int:
    """At how many risks half of all alphas do."""
    return int((below_sgd(result, bar).mean("alpha") >= 0.5).sum())
