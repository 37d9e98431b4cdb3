"""Figure 3: how far 1000 steps come, among settings that end at the same risk; in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from replications.core.seeds import generator
from replications.problems.noisy_quadratic import NoisyQuadratic

if TYPE_CHECKING:
    from jaxtyping import Float, Int


@dataclass(frozen=True)
class Config:
    """One problem, and the risks at which the methods are compared."""

    dimensions: tuple[int, ...] = (1, 10, 100)
    """Number of curvatures a_i = 1 / i with noise 1 / a_i: our assumption about the paper's model.
    One curvature is the case in which a smaller learning rate can do all that Lookahead does."""
    alphas: int = 100
    """Evenly spaced in (0, 1], as in the paper."""
    k: int = 5
    """As in the paper."""
    risks: tuple[float, ...] = (0.005, 0.01, 0.02, 0.0341, 0.05, 0.1, 0.2, 0.5, 1.0)
    """Steady-state risks, below the risk at the start (2.6 with 100 curvatures): above it, a run
    that is still rising to its steady state looks good."""
    steps: int = 1000
    """Inner steps, as in the paper."""
    table: tuple[tuple[float, int], ...] = ((0.8, 5), (0.5, 5), (0.5, 10), (0.2, 10), (0.1, 20))
    """(alpha, k) of the table of gains, on the last of the dimensions."""
    check_steps: tuple[int, ...] = (10, 50, 200, 1000)
    """Where simulated chains are held against the closed form (alpha = 0.5, risk 0.05)."""
    chains: int = 400
    """Independent chains of that check."""
    seed: int = 0
    """Of the normals."""


@dataclass(frozen=True)
class Result:
    """Expected losses after the steps, paired by the risk at the end (nan: not reached)."""

    dimensions: Int[np.ndarray, " n"]
    risk: Float[np.ndarray, " r"]
    alpha: Float[np.ndarray, " a"]
    sgd: Float[np.ndarray, "n r"]
    lookahead: Float[np.ndarray, "n r a"]
    table_alpha: Float[np.ndarray, " t"]
    table_k: Int[np.ndarray, " t"]
    table: Float[np.ndarray, "t r"]
    """Loss of Lookahead over that of SGD."""
    check_steps: Int[np.ndarray, " s"]
    check_theory: Float[np.ndarray, " s"]
    check_losses: Float[np.ndarray, "s chains"]
    """Loss of each chain."""


QUICK = Config()


def decaying_spectrum(d: int) -> NoisyQuadratic:
    """Curvatures 1 / i, with the noise of their inverse."""
    curvature = 1 / torch.arange(1, d + 1, dtype=torch.float64)
    return NoisyQuadratic(curvature, 1 / curvature)


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


def run(config: Config) -> Result:
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
    table_alpha = torch.tensor([a for a, _ in config.table], dtype=torch.float64)
    table_k = torch.tensor([k for _, k in config.table])
    table = losses(last, risk, table_alpha[:, None], table_k[:, None], config.steps) / sgd[-1]

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
    return Result(
        dimensions=np.array(config.dimensions),
        risk=risk.numpy(),
        alpha=alpha.numpy(),
        sgd=torch.stack(sgd).numpy(),
        lookahead=torch.stack(lookahead).numpy(),
        table_alpha=table_alpha.numpy(),
        table_k=table_k.numpy(),
        table=table.numpy(),
        check_steps=np.array(config.check_steps),
        check_theory=last.expected_loss(
            lr, 0.5, k, steps=torch.tensor(config.check_steps), start_variance=1.0
        ).numpy(),
        check_losses=np.stack(check),
    )
