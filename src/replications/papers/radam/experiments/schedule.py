"""rho_t and r_t for three beta2: when RAdam starts to adapt, and how long it holds back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from replications.methods.rectification import (
    adaptive_lr_variance,
    rectification,
    rho,
    rho_inf,
)
from replications.problems.gaussian_gradients import exponential_average_moments

if TYPE_CHECKING:
    from jaxtyping import Float, Int


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


@dataclass(frozen=True)
class Result:
    """Curves over the steps 1, 2, ..., and the first rectified steps."""

    betas: Float[np.ndarray, " betas"]
    rho: Float[np.ndarray, "betas steps"]
    """Equation (4)."""
    kish: Float[np.ndarray, "betas steps"]
    """Effective sample size (sum w)^2 / sum w^2 of the exponential weights."""
    rectification: Float[np.ndarray, "betas steps"]
    """r_t by the first-order variance, as in Algorithm 2; nan where rho <= 4."""
    rectification_exact: Float[np.ndarray, "betas steps"]
    """r_t by the exact variance, equation (2); nan where rho <= 2."""
    checked: Int[np.ndarray, " checked"]
    exponential: Float[np.ndarray, " checked"]
    """Exact Var[psi] of the exponential average, for the last beta2."""
    by_rho: Float[np.ndarray, " checked"]
    """Equation (2) at rho_t."""
    by_kish: Float[np.ndarray, " checked"]
    """Equation (2) at the effective sample size."""
    first_paper: Int[np.ndarray, " switch_betas"]
    """First step with rho > 4."""
    first_code: Int[np.ndarray, " switch_betas"]
    """First step with rho > 5."""


def run(config: Config) -> Result:
    """Evaluate the closed forms."""
    t = np.arange(1, config.steps + 1)
    betas = np.array(config.betas)
    rhos = np.stack([rho(t, b) for b in betas])
    limits = np.array([rho_inf(b) for b in betas])
    decay = betas[:, None] ** t
    kish = limits[:, None] * (1 - decay) / (1 + decay)
    with np.errstate(invalid="ignore"):  # inf / inf where the variance is infinite
        exact = np.sqrt(adaptive_lr_variance(limits)[:, None] / adaptive_lr_variance(rhos))
    at = np.array(config.checked) - 1
    _, exponential = exponential_average_moments(config.checked, float(betas[-1]), (0.0,))
    switch = np.stack([rho(t[:20], b) for b in config.switch_betas])
    return Result(
        betas=betas,
        rho=rhos,
        kish=kish,
        rectification=np.stack([rectification(t, b) for b in betas]),
        rectification_exact=np.where(rhos > 2, exact, np.nan),
        checked=np.array(config.checked),
        exponential=exponential[:, 0],
        by_rho=adaptive_lr_variance(rhos[-1, at]),
        by_kish=adaptive_lr_variance(kish[-1, at]),
        first_paper=(switch > 4).argmax(axis=1) + 1,
        first_code=(switch > 5).argmax(axis=1) + 1,
    )


QUICK = Config()
