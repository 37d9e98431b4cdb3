"""The paper's Figure 9: the adaptive learning rate when gradients have a non-zero mean.

The paper labels the curves Var[1/v]; only 1/sqrt(v) fits its axes, and that is what we take.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from replications.core.seeds import generator
from replications.methods.rectification import adaptive_lr_variance, rectification, rho
from replications.problems.gaussian_gradients import exponential_average_moments

if TYPE_CHECKING:
    from jaxtyping import Float, Int


@dataclass(frozen=True)
class Config:
    """The size of the simulation."""

    means: tuple[float, ...] = (0.0, 0.001, 0.01, 0.1, 1.0, 10.0)
    """Of the gradients, whose standard deviation is 1; the paper's."""
    beta2: float = 0.999
    """The paper's."""
    trajectories: int = 5000
    """The paper's."""
    steps: int = 6000
    """The paper's."""
    shown: tuple[int, ...] = (
        *(5, 6, 7, 8, 10, 12, 15, 20, 25, 32, 40, 50, 65, 80, 100, 130, 170, 220, 300),
        *(400, 550, 750, 1000, 1400, 2000, 2800, 4000, 5000, 6000),
    )
    """Steps at which the variance over the trajectories is taken; like the paper's, from 5 on.
    Before, the sample variance has itself no finite variance."""
    seed: int = 0


@dataclass(frozen=True)
class Result:
    """Variances over the trajectories. All means share their noise."""

    means: Float[np.ndarray, " means"]
    steps: Int[np.ndarray, " shown"]
    sampled: Float[np.ndarray, "shown means"]
    """Sample variance of psi_t."""
    exact: Float[np.ndarray, "shown means"]
    """Exact variance of psi_t."""
    formula: Float[np.ndarray, " shown"]
    """Equation (2) at rho_t: what the paper's theory says for mean 0."""
    factor: Float[np.ndarray, " shown"]
    """r_t of Algorithm 2."""


def run(config: Config) -> Result:
    """Simulate; one stream of noise z serves all means: (mean + z)^2 needs averages of z and
    z^2.
    """
    keep, take = config.beta2, 1 - config.beta2
    random = generator(config.seed, "noise")
    noise = torch.empty(config.trajectories)
    first = torch.zeros(config.trajectories)
    second = torch.zeros(config.trajectories)
    means = torch.tensor(config.means, dtype=torch.float64)[:, None]
    sampled = []
    for t in range(1, config.steps + 1):
        noise.normal_(generator=random)
        first.mul_(keep).add_(noise, alpha=take)
        second.mul_(keep).addcmul_(noise, noise, value=take)
        if t in config.shown:
            weight = 1 - keep**t
            average = means**2 + (2 * means * first.double() + second.double()) / weight
            sampled.append(average.rsqrt().var(dim=1))

    steps = np.array([t for t in config.shown if t <= config.steps])
    _, exact = exponential_average_moments(steps.tolist(), keep, config.means)
    formula = adaptive_lr_variance(rho(steps, keep))
    return Result(
        means=np.array(config.means),
        steps=steps,
        sampled=torch.stack(sampled).numpy(),
        exact=exact,
        formula=formula,
        factor=rectification(steps, keep),
    )


QUICK = Config()
