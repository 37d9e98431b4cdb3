"""The first step, psi = 1/|Z|: how fast its moments diverge as small |Z| are let in.

With x = z^2, E[psi; |Z| > d] = (2 pi)^(-1/2) int_(d^2)^inf x^(-1) e^(-x/2) dx, a logarithm in d,
and E[psi^2; |Z| > d] = (2 pi)^(-1/2) int_(d^2)^inf x^(-3/2) e^(-x/2) dx, a power.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr

from replications.core.experiment import experiment, quantity


@dataclass(frozen=True)
class Config:
    """Where to cut."""

    decades: float = 6.0
    """The smallest cut is 10 to the minus this."""
    points_per_decade: int = 4
    eps: tuple[float, ...] = (1e-8, 1e-6, 1e-4, 1e-2, 0.1, 0.3, 1.0, 2.0, 5.0)
    """In units of sigma. Adam-eps is at about 2: the paper's 1e-4 is about twice the typical |g| in
    its Figure 2."""


@experiment(quick=Config())
def divergence(config: Config) -> xr.Dataset:
    """Truncated moments by quadrature and in closed form; the variance that eps leaves."""
    from scipy.special import erfc, exp1

    count = round(config.decades * config.points_per_decade) + 1
    cut = np.logspace(-config.decades, 0, count)
    first, second = ([_integral(d, power) for d in cut] for power in (1, 2))
    first_exact = exp1(cut**2 / 2) / math.sqrt(2 * math.pi)
    second_exact = math.sqrt(2 / math.pi) * np.exp(-(cut**2) / 2) / cut - erfc(cut / math.sqrt(2))
    eps = np.array(config.eps)
    variance = [_eps_variance(e) for e in config.eps]
    return xr.Dataset(
        {
            "first": ("cut", first, {"long_name": "E[psi; |Z| > cut], trapezoidal in ln z"}),
            "second": ("cut", second, {"long_name": "E[psi^2; |Z| > cut], trapezoidal in ln z"}),
            "first_exact": ("cut", first_exact, {"long_name": "E1(cut^2 / 2) / sqrt(2 pi)"}),
            "second_exact": ("cut", second_exact, {"long_name": "E[psi^2; |Z| > cut]"}),
            "variance": ("eps", variance, {"long_name": "Var[1 / (|Z| + eps)]"}),
            "uniform": ("eps", 1 / (12 * eps**2), {"long_name": "1 / (12 eps^2), the paper's"}),
        },
        coords={
            "cut": ("cut", cut, {"long_name": "smallest |Z| let in", "units": "sigma"}),
            "eps": ("eps", eps, {"units": "sigma"}),
        },
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


@quantity
def power(result: xr.Dataset) -> xr.DataArray:
    """The power of the cut with which the second moment grows, over the last decade of cuts."""
    return _slope(xr.apply_ufunc(np.log, result["second"]))


@quantity
def logarithm(result: xr.Dataset) -> xr.DataArray:
    """By how much the mean grows a factor e of the cut, over the last decade of cuts."""
    return -_slope(result["first"])


@quantity
def _slope(values: xr.DataArray) -> xr.DataArray:
    """Slope over ln cut, mean over the last decade of cuts."""
    cut = values["cut"]
    slope = values.assign_coords(cut=xr.apply_ufunc(np.log, cut)).differentiate("cut")
    return slope.assign_coords(cut=cut).sel(cut=slice(None, 9 * float(cut.min()))).mean("cut")


@quantity
def overestimate(result: xr.Dataset) -> xr.DataArray:
    """The paper's 1/(12 eps^2) over the true variance, by eps."""
    return result["uniform"] / result["variance"]
