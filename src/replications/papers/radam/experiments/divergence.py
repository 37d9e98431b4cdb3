"""The first step, psi = 1/|Z|: how fast its moments diverge as small |Z| are let in.

With x = z^2, E[psi; |Z| > d] = (2 pi)^(-1/2) int_(d^2)^inf x^(-1) e^(-x/2) dx, a logarithm in d,
and E[psi^2; |Z| > d] = (2 pi)^(-1/2) int_(d^2)^inf x^(-3/2) e^(-x/2) dx, a power.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True)
class Config:
    """Where to cut."""

    decades: float = 6.0
    """The smallest cut is 10 to the minus this."""
    points_per_decade: int = 4
    eps: tuple[float, ...] = (1e-8, 1e-6, 1e-4, 1e-2, 0.1, 0.3, 1.0, 2.0, 5.0)
    """In units of sigma. Adam-eps is at about 2: the paper's 1e-4 is about twice the typical |g| in
    its Figure 2."""


@dataclass(frozen=True)
class Result:
    """Truncated moments by quadrature and in closed form."""

    cut: Float[np.ndarray, " cuts"]
    mean: Float[np.ndarray, " cuts"]
    """E[psi; |Z| > cut], by the trapezoidal rule in ln z."""
    second: Float[np.ndarray, " cuts"]
    """E[psi^2; |Z| > cut], likewise."""
    mean_exact: Float[np.ndarray, " cuts"]
    """E1(cut^2 / 2) / sqrt(2 pi)."""
    second_exact: Float[np.ndarray, " cuts"]
    """sqrt(2 / pi) exp(-cut^2 / 2) / cut - erfc(cut / sqrt 2)."""
    eps: Float[np.ndarray, " eps"]
    eps_variance: Float[np.ndarray, " eps"]
    """Var[1 / (|Z| + eps)], which is finite; about sqrt(2 / pi) / eps where eps is small."""
    eps_uniform: Float[np.ndarray, " eps"]
    """1 / (12 eps^2): the paper's estimate, by a uniform law on [0, 1 / eps]."""


def run(config: Config) -> Result:
    """Integrate."""
    from scipy.special import erfc, exp1

    count = round(config.decades * config.points_per_decade) + 1
    cut = np.logspace(-config.decades, 0, count)
    integrals = np.array([[_integral(d, power) for d in cut] for power in (1, 2)])
    return Result(
        cut=cut,
        mean=integrals[0],
        second=integrals[1],
        mean_exact=exp1(cut**2 / 2) / math.sqrt(2 * math.pi),
        second_exact=math.sqrt(2 / math.pi) * np.exp(-(cut**2) / 2) / cut
        - erfc(cut / math.sqrt(2)),
        eps=np.array(config.eps),
        eps_variance=np.array([_eps_variance(eps) for eps in config.eps]),
        eps_uniform=1 / (12 * np.array(config.eps) ** 2),
    )


def _integral(cut: float, power: int) -> float:
    """E[|Z|^-power; |Z| > cut]."""
    return _expectation(lambda z: z**-power, cut)


def _eps_variance(eps: float) -> float:
    cut = 1e-6 * eps  # below lies a share of 1e-6 eps, times at most 1 / eps^2
    first = _expectation(lambda z: 1 / (z + eps), cut)
    return _expectation(lambda z: (z + eps) ** -2, cut) - first**2


def _expectation(of: Callable[[np.ndarray], np.ndarray], cut: float) -> float:
    """E[of(|Z|); |Z| > cut], trapezoidal in ln z; beyond |Z| = 10 lies less than 1e-22."""
    log_z = np.linspace(math.log(cut), math.log(10.0), 20_001)
    z = np.exp(log_z)
    density = math.sqrt(2 / math.pi) * np.exp(-(z**2) / 2)
    return float(np.trapezoid(of(z) * density * z, log_z))


QUICK = Config()
