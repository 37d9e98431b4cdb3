"""Influence balancing: who finds the optimum, who stands still, and who walks away.

Every method updates theta after every window; the reported loss is that of a fresh unroll of 500
steps under the current theta, in closed form.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from replications.core.seeds import generator
from replications.methods.backprop import TruncatedBPTT
from replications.methods.evolution import NRES, PES, TruncatedES
from replications.methods.rtrl import RTRL
from replications.methods.uoro import UORO
from replications.papers.pes.experiments.outer import descend
from replications.problems.influence_balancing import InfluenceBalancing

if TYPE_CHECKING:
    from jaxtyping import Float

ARMS: dict[str, tuple[Any, int, float]] = {
    # name: (estimator, steps of the system in one window, learning rate)
    "truncated BPTT, K=1": (TruncatedBPTT(1), 1, 1e-4),
    "truncated BPTT, K=10": (TruncatedBPTT(1), 10, 1e-4),
    "truncated BPTT, K=100": (TruncatedBPTT(1), 100, 1e-4),
    "RTRL": (RTRL(1), 1, 1e-4),
    "UORO": (UORO(1), 1, 1e-5),
    "truncated ES, N=1000": (TruncatedES(1, 0.1, 500), 1, 1e-4),
    "PES, N=1000": (PES(1, 0.1, 500), 1, 1e-4),
    "PES, N=100": (PES(1, 0.1, 50), 1, 1e-4),
    "PES, N=10": (PES(1, 0.1, 5), 1, 1e-4),
    "NRES, N=1000": (NRES(1, 0.1, 500), 1, 1e-4),
    "NRES, N=4": (NRES(1, 0.1, 2), 1, 1e-4),
}
"""Learning rates, K, N and sigma of the official influence_balancing.py; N below 1000 and NRES are
ours. NRES never redraws here, because the episode never ends."""
DETERMINISTIC = ("truncated BPTT", "RTRL")


@dataclass(frozen=True)
class Config:
    """Settings of the official code."""

    theta: float = 0.5
    """Official code."""
    iterations: int = 3000
    """Official code."""
    every: int = 50
    unroll: int = 500
    """Steps of the fresh unroll whose last loss is reported (official code)."""
    replicates: int = 8
    """Noise seeds; official code: one."""
    factors: int = 120
    """Windows K up to which c_K is tabulated."""
    checked: int = 500
    """Steps of the plain unroll against which the closed form is checked."""
    seed: int = 0


@dataclass(frozen=True)
class Result:
    """Losses on the way, one row an arm; inf where theta has overflowed."""

    loss: Float[np.ndarray, "arms points replicates"]
    """Deterministic arms repeat their one run."""
    iterations: Float[np.ndarray, " points"]
    factor: Float[np.ndarray, " factors"]
    """c_1, c_2, ...: positive where truncated backpropagation walks away."""
    limit: float
    """c at an endless window."""
    closed_form_error: float
    """Largest relative difference between the closed-form loss and a plain unroll."""


def run(config: Config) -> Result:
    """Run every arm, its replicates as one batch."""
    losses = []
    measure = InfluenceBalancing()
    for name, (estimator, window, rate) in ARMS.items():
        count = 1 if name.startswith(DETERMINISTIC) else config.replicates
        seeds = [generator(config.seed, name, i).initial_seed() for i in range(count)]
        theta = torch.full((count, 1), config.theta, dtype=torch.float64)
        path = descend(
            estimator,
            InfluenceBalancing(window),
            theta,
            seeds,
            config.iterations,
            partial(torch.optim.SGD, lr=rate, foreach=False),
            config.every,
        )
        loss = measure.loss(path[..., 0], config.unroll).numpy()
        losses.append(np.broadcast_to(loss, (len(loss), config.replicates)))
    points = np.arange(0, config.iterations + 1, config.every, dtype=np.float64)
    return Result(
        loss=np.stack(losses),
        iterations=points,
        factor=np.array([measure.factor(k) for k in range(1, config.factors + 1)]),
        limit=measure.limit()[0],
        closed_form_error=_closed_form_error(config, measure),
    )


def _closed_form_error(config: Config, problem: InfluenceBalancing) -> float:
    theta = torch.linspace(-1, 1, 9, dtype=torch.float64)
    state = problem.init(len(theta))
    for t in range(config.checked):
        state, loss = problem.step(state, theta[:, None], t)
    closed = problem.loss(theta, config.checked)
    return float(((closed - loss) / loss).abs().max())


QUICK = Config(replicates=4)
FULL = Config(replicates=16)
