"""rho_t and r_t for three beta2: when RAdam starts to adapt, and how long it holds back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from replications.core.experiment import experiment, quantity
from replications.methods.rectification import adaptive_lr_variance, rectification, rho, rho_inf
from replications.problems.gaussian_gradients import exponential_average_moments


@dataclass(frozen=True)
class Config:
    """Steps and decays."""

    steps: int = 6000
    """As many as in the paper's Figure 9."""
    betas: tuple[float, ...] = (0.9, 0.99, 0.999)
    """0.999 is Adam's default; the paper's tables use 0.9995 as well."""
    checked: tuple[int, ...] = (3, 4, 5, 6, 10, 20, 50, 100, 200, 500, 1000, 1500, 2000, 3000, 6000)
    """Steps at which the exact variance of the exponential average is evaluated, for the last
    beta2."""
    switch_betas: tuple[float, ...] = (0.9, 0.95, 0.98, 0.99, 0.999, 0.9995)
    """Where the first rectified step is looked up."""


@experiment(quick=Config())
def schedule(config: Config) -> xr.Dataset:
    """Evaluate the closed forms."""
    t = np.arange(1, config.steps + 1)
    betas = np.array(config.betas)[:, None]
    rhos, limits, decay = rho(t, betas), rho_inf(betas), betas**t
    kish = limits * (1 - decay) / (1 + decay)
    with np.errstate(invalid="ignore"):  # inf / inf where the variance is infinite
        exact = np.sqrt(adaptive_lr_variance(limits) / adaptive_lr_variance(rhos))
    at = np.array(config.checked) - 1
    _, exponential = exponential_average_moments(config.checked, config.betas[-1], (0.0,))
    switch = rho(t[:20], np.array(config.switch_betas)[:, None])
    curve = ("beta2", "step")
    return xr.Dataset(
        {
            "rho": (curve, rhos, {"long_name": "rho_t, equation (4)"}),
            "kish": (curve, kish, {"long_name": "Kish's (sum w)^2 / sum w^2"}),
            "r": (
                curve,
                rectification(t, betas),
                {"long_name": "r_t of Algorithm 2; nan where rho <= 4"},
            ),
            "r_exact": (
                curve,
                np.where(rhos > 2, exact, np.nan),
                {"long_name": "r_t by equation (2); nan where rho <= 2"},
            ),
            "exponential": (
                "checked",
                exponential[:, 0],
                {"long_name": "exact Var[psi] of the exponential average, last beta2"},
            ),
            "by_rho": (
                "checked",
                adaptive_lr_variance(rhos[-1, at]),
                {"long_name": "equation (2) at rho_t"},
            ),
            "by_kish": (
                "checked",
                adaptive_lr_variance(kish[-1, at]),
                {"long_name": "equation (2) at Kish's sample size"},
            ),
            "first_paper": (
                "switch_beta2",
                (switch > 4).argmax(axis=1) + 1,
                {"long_name": "first step with rho > 4"},
            ),
            "first_code": (
                "switch_beta2",
                (switch > 5).argmax(axis=1) + 1,
                {"long_name": "first step with rho > 5"},
            ),
        },
        coords={
            "beta2": list(config.betas),
            "step": t,
            "checked": list(config.checked),
            "switch_beta2": list(config.switch_betas),
        },
    )


@quantity
def factor(result: xr.Dataset, beta2: float = 0.999) -> xr.DataArray:
    """r_t over the steps."""
    return result["r"].sel(beta2=beta2)


@quantity
def reached(result: xr.Dataset, share: float, beta2: float = 0.999) -> xr.DataArray:
    """The first step at which r_t is at least a share of 1."""
    return result["step"].where(factor(result, beta2) >= share).min()


@quantity
def error(result: xr.Dataset, length: str) -> xr.DataArray:
    """Relative error of the variance predicted "by_rho" or "by_kish", by step."""
    return result[length] / result["exponential"] - 1


@quantity
def over_simple(result: xr.Dataset, step: int) -> xr.DataArray:
    """Variance of psi under exponential weights over that under equal ones, after `step`."""
    return result["exponential"].sel(checked=step) / adaptive_lr_variance(step)
