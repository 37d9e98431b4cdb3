"""Variance of the adaptive learning rate: exact, to first order, and sampled (the paper's Figure
8).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from replications.core.seeds import generator, rng
from replications.methods.rectification import (
    adaptive_lr_variance,
    adaptive_lr_variance_first_order,
)
from replications.problems.gaussian_gradients import simple_average_rates

if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True)
class Config:
    """Which rho, and how many draws."""

    small: tuple[float, ...] = (1, 2, 2.1, 2.5, 3, 4, 5, 6)
    """Where the tails are heavy: drawn one by one, with many draws."""
    large: tuple[int, ...] = (
        *(7, 8, 10, 12, 15, 20, 27, 35, 50, 70, 100, 140, 200, 300, 500, 700, 1000, 1400, 1999),
    )
    """The paper's figure goes from 5 to 500; 1999 is rho_inf for beta2 = 0.999."""
    batches: int = 40
    """Independent groups of draws, whose spread gives the interval."""
    small_draws: int = 25_000
    """In a group; a million in all."""
    large_draws: int = 1000
    seed: int = 0


@dataclass(frozen=True)
class Result:
    """Variances of psi (sigma = 1) and of ln psi at each rho, in rising order."""

    rho: Float[np.ndarray, " rho"]
    exact: Float[np.ndarray, " rho"]
    """Equation (2); inf for rho <= 2."""
    first_order: Float[np.ndarray, " rho"]
    """Equation (5); inf for rho <= 4."""
    printed: Float[np.ndarray, " rho"]
    """Equation (2) typed as printed, in float64; nan where it overflows."""
    last_printed: int
    """The last whole rho at which that does not overflow."""
    tail_index: Float[np.ndarray, " rho"]
    """Power with which P(psi^2 > y) falls at large y; nan where that underflows. psi^2 has a finite
    variance where it exceeds 2, psi where it exceeds 1."""
    sampled: Float[np.ndarray, "rho batches"]
    """Sample variance of psi in each group. For rho <= 4 it has no finite variance itself."""
    log_exact: Float[np.ndarray, " rho"]
    """Var[ln psi] = trigamma(rho / 2) / 4, finite for every rho."""
    log_sampled: Float[np.ndarray, "rho batches"]


def run(config: Config) -> Result:
    """Sample psi = sqrt(rho / chi2(rho)) and evaluate the formulas."""
    from scipy.special import polygamma

    samples: dict[float, np.ndarray] = {}
    random = rng(config.seed, "small")
    for rho in config.small:
        chi2 = 2 * random.standard_gamma(rho / 2, (config.batches, config.small_draws))
        samples[rho] = np.sqrt(rho / chi2)
    shape = (config.batches, config.large_draws)
    rates = simple_average_rates(config.large, shape, generator(config.seed, "large"))
    for rho, psi in zip(config.large, rates, strict=True):
        samples[rho] = psi.double().numpy()

    rhos = np.array(sorted(samples), dtype=float)
    whole = np.arange(3.0, 2000.0)
    return Result(
        rho=rhos,
        exact=adaptive_lr_variance(rhos),
        first_order=adaptive_lr_variance_first_order(rhos),
        printed=_as_printed(rhos),
        last_printed=int(whole[np.isfinite(_as_printed(whole))].max()),
        tail_index=_tail_index(rhos),
        sampled=np.stack([samples[rho].var(axis=1, ddof=1) for rho in rhos]),
        log_exact=polygamma(1, rhos / 2) / 4,
        log_sampled=np.stack([np.log(samples[rho]).var(axis=1, ddof=1) for rho in rhos]),
    )


def _as_printed(rhos: Float[np.ndarray, " rho"]) -> Float[np.ndarray, " rho"]:
    from scipy.special import beta

    with np.errstate(all="ignore"):  # that it overflows is what we want to see
        half = (rhos - 1) / 2
        product = 2 ** (2 * rhos - 5) * beta(half, half) ** 2  # the last to overflow of all orders
        value = rhos / (rhos - 2) - product * rhos / np.pi
    return np.where((rhos > 2) & np.isfinite(value), value, np.nan)


def _tail_index(rhos: Float[np.ndarray, " rho"]) -> Float[np.ndarray, " rho"]:
    from scipy.special import gammainc

    y = 1e8 * np.array([[1.0], [2.0]])
    with np.errstate(divide="ignore", invalid="ignore"):
        near, far = np.log(gammainc(rhos / 2, rhos / 2 / y))  # P(chi2 < rho / y)
        index: np.ndarray = (near - far) / math.log(2)
    return index


QUICK = Config()
