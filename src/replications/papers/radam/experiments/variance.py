"""Variance of the adaptive learning rate: exact, to first order, and sampled (the paper's Figure
8).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from replications.core.experiment import experiment, quantity
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


@experiment(quick=Config())
def variance(config: Config) -> xr.Dataset:
    """Sample psi = sqrt(rho / chi2(rho)) and evaluate the formulas, for sigma = 1."""
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
    drawn = ("rho", "batch")
    return xr.Dataset(
        {
            "exact": (
                "rho",
                adaptive_lr_variance(rhos),
                {"long_name": "Var[psi], equation (2); inf for rho <= 2"},
            ),
            "first_order": (
                "rho",
                adaptive_lr_variance_first_order(rhos),
                {"long_name": "Var[psi], equation (5); inf for rho <= 4"},
            ),
            "last_printed": (
                (),
                int(whole[np.isfinite(_as_printed(whole))].max()),
                {"long_name": "last whole rho at which equation (2) as printed does not overflow"},
            ),
            "sampled": (
                drawn,
                [samples[rho].var(axis=1, ddof=1) for rho in rhos],
                {"long_name": "sampled Var[psi]; without a variance of its own for rho <= 4"},
            ),
            "log_exact": (
                "rho",
                polygamma(1, rhos / 2) / 4,
                {"long_name": "Var[ln psi] = trigamma(rho / 2) / 4, finite for every rho"},
            ),
            "log_sampled": (
                drawn,
                [np.log(samples[rho]).var(axis=1, ddof=1) for rho in rhos],
                {"long_name": "sampled Var[ln psi]"},
            ),
        },
        coords={"rho": rhos, "batch": np.arange(config.batches)},
    )


def _as_printed(rhos: Float[np.ndarray, " rho"]) -> Float[np.ndarray, " rho"]:
    """Equation (2) typed as printed, in float64; nan where it overflows."""
    from scipy.special import beta

    with np.errstate(all="ignore"):  # that it overflows is what we want to see
        half = (rhos - 1) / 2
        product = 2 ** (2 * rhos - 5) * beta(half, half) ** 2  # the last to overflow of all orders
        value = rhos / (rhos - 2) - product * rhos / np.pi
    return np.where((rhos > 2) & np.isfinite(value), value, np.nan)


@quantity
def over_exact(result: xr.Dataset) -> xr.DataArray:
    """The first-order variance over the exact one, where both are finite."""
    safe = result.sel(rho=result["rho"] > 4)
    return safe["first_order"] / safe["exact"]


@quantity
def fall(result: xr.Dataset) -> xr.DataArray:
    """The exact variance at rho = 5 over that at 500."""
    exact = result["exact"]
    return exact.sel(rho=5) / exact.sel(rho=500)
