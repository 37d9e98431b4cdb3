r"""How many squared gradients Adam has averaged, and what that does to its step.

:cite:t:`liu2020variance`, sections 3 and 4. If the gradients seen so far are independent
:math:`N(0, \sigma^2)`, the adaptive learning rate

.. math::

    \psi_t = \sqrt{\frac{1 - \beta_2^t}{(1 - \beta_2) \sum_{i=1}^t \beta_2^{t-i} g_i^2}}

has approximately the law of :math:`\sqrt{\rho_t / \chi^2(\rho_t)} / \sigma`, where :math:`\rho_t`,
the length of the simple average with the same centre of mass, counts how many gradients the
exponential average holds:

.. math::

    \rho_\infty &= \frac{2}{1 - \beta_2} - 1                                  & \text{below } (4) \\
    \rho_t      &= \rho_\infty - \frac{2 t \beta_2^t}{1 - \beta_2^t}          & (4) \\
    \mathrm{Var}[\psi] &= \frac{\rho}{\rho - 2} - \frac{\rho}{2}
        \left( \frac{\Gamma((\rho - 1) / 2)}{\Gamma(\rho / 2)} \right)^2      & (2),\ \sigma = 1 \\
    \mathrm{Var}[\psi] &\approx \frac{\rho}{2 (\rho - 2) (\rho - 4)}          & (5),\ \sigma = 1 \\
    r_t &= \sqrt{\mathrm{Var}[\psi_\infty] / \mathrm{Var}[\psi_t]}
        \quad \text{both by (5)}                                              & \text{section 4.2}

Arguments broadcast. Numbers give a float, arrays and lists an array, a tensor a tensor on its
device; all arithmetic is in float64.

Implementation notes:

- (2) is printed with the Beta function and :math:`2^{2 \rho - 5}`, which overflows float64 from
  :math:`\rho = 515` on. The Gamma form is the same number. Beyond :math:`\rho = 60` even that
  subtracts two nearly equal ones, so we use its expansion in :math:`1/\rho`, whose leading terms
  have been subtracted by hand.
- The paper states (2) for :math:`\rho > 4`. It holds for :math:`\rho > 2`; only (5) needs
  :math:`\rho > 4`.

References: :cite:t:`liu2020variance`. Explained in the chapter "RAdam".
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[Any] | np.floating[Any]  # NumPy turns arrays without axes into numbers
    Array = float | list[float] | Numbers | Tensor

THRESHOLD = 4.0
"""Rectify when rho_t exceeds this, as in the paper's Algorithm 2. Every public code we read takes
5."""

_EXPAND_ABOVE = 60.0  # here both forms of (2) agree to 1e-11 relative; see tests/methods


def rho_inf(beta2: Array) -> Any:
    """Length of the simple average that an endless exponential average with beta2 is worth.

    Args:
        beta2: decay of the second moment, in [0, 1); any shape.

    Returns:
        2 / (1 - beta2) - 1, the kind and shape of `beta2`; 1999 for Adam's default 0.999.

    Raises:
        ValueError: if a beta2 is outside [0, 1).
    """
    return _like((beta2,), 2 / (1 - _decay(beta2)) - 1)


def rho(step: Array, beta2: Array) -> Any:
    """Length of the simple average after `step` gradients, equation (4): 1 at the first step.

    Args:
        step: number of gradients seen, at least 1; any shape.
        beta2: decay of the second moment, in [0, 1); any shape that broadcasts with `step`.

    Returns:
        rho_t in [1, rho_inf], of the arguments' kind and common shape.

    Raises:
        ValueError: if a step is below 1 or a beta2 outside [0, 1).
    """
    t, decay = _steps(step), _decay(beta2)
    with np.errstate(divide="ignore"):
        log_power = t * np.log(decay)  # -inf for beta2 = 0
    # -expm1 keeps the digits that 1 - beta2^t loses while t is small against 1 / (1 - beta2).
    correction = 2 * t * np.exp(log_power) / -np.expm1(log_power)
    return _like((step, beta2), 2 / (1 - decay) - 1 - correction)


def rectification(step: Array, beta2: Array, threshold: float = THRESHOLD) -> Any:
    """The factor r_t by which RAdam shortens Adam's step.

    Args:
        step: number of gradients seen, at least 1; any shape.
        beta2: decay of the second moment, in [0, 1); any shape that broadcasts with `step`.
        threshold: rectify where rho_t > threshold; at least 4, the paper's value and our default.

    Returns:
        r_t in (0, 1], of the arguments' kind and common shape; nan where rho_t <= threshold, where
        RAdam does not adapt.

    Raises:
        ValueError: if an argument is out of its range.
    """
    if not threshold >= 4.0:
        raise ValueError(f"threshold must be at least 4, where (5) becomes finite, got {threshold}")
    length, limit = _float64(rho(step, beta2)), _float64(rho_inf(beta2))
    # Where rho_t > 4, so is rho_inf; elsewhere (5) is no variance and its values do not matter.
    with np.errstate(divide="ignore", invalid="ignore"):
        final = limit / ((limit - 2) * (limit - 4))
        r = np.sqrt(final * (length - 2) * (length - 4) / length)
    return _like((step, beta2), np.where(length > threshold, r, math.nan))


def adaptive_lr_variance(rho: Array) -> Any:
    """Exact Var[psi] for rho gradients of N(0, 1), equation (2); for N(0, s^2) divide by s^2.

    Args:
        rho: effective number of gradients, positive; any shape.

    Returns:
        The variance, the kind and shape of `rho`; inf for rho <= 2. Relative error below 1e-11.

    Raises:
        ValueError: if a rho is not positive.
    """
    r = _positive(rho)
    half = r.clip(min=2.0) / 2  # below 2 the answer is inf anyway
    small = half.clip(max=_EXPAND_ABOVE)
    log_mean = np.log(small) / 2 + _log_gamma(small - 0.5) - _log_gamma(small)
    with np.errstate(divide="ignore"):
        direct = small / (small - 1) - np.exp(2 * log_mean)

    # With x = rho/2: (Gamma(x + 1/2) / Gamma(x))^2 = x - 1/4 + 1/(32 x) + 1/(128 x^2) - ..., times
    # (x / (x - 1/2))^2 / x is E[psi]^2. Over the common denominator the terms of order x^3 and x^2
    # of the difference cancel exactly.
    large = half.clip(min=_EXPAND_ABOVE / 2)
    y = 1 / large
    tail = large / 4 - 1 / 32 + y * (3 / 128 + y * (21 / 2048 + y * (3 / 8192 - y * 237 / 65536)))
    expanded = large * tail / ((large - 1) * (large - 0.5) ** 2)

    variance = np.where(r <= _EXPAND_ABOVE, direct, expanded)
    return _like((rho,), np.where(r <= 2, math.inf, variance))


def adaptive_lr_variance_first_order(rho: Array) -> Any:
    """First-order Var[psi] for rho gradients of N(0, 1), equation (5), by the delta method.

    Args:
        rho: effective number of gradients, positive; any shape.

    Returns:
        rho / (2 (rho - 2) (rho - 4)), the kind and shape of `rho`; inf for rho <= 4.

    Raises:
        ValueError: if a rho is not positive.
    """
    r = _positive(rho)
    with np.errstate(divide="ignore"):
        return _like((rho,), np.where(r > 4, r / (2 * (r - 2) * (r - 4)), math.inf))


def _decay(beta2: Array) -> NDArray[Any]:
    decay = _float64(beta2)
    if not ((decay >= 0) & (decay < 1)).all():
        raise ValueError(f"beta2 must lie in [0, 1), got {beta2}")
    return decay


def _steps(step: Array) -> NDArray[Any]:
    t = _float64(step)
    if not (t >= 1).all():
        raise ValueError(f"step must be at least 1, got {step}")
    return t


def _positive(rho: Array) -> NDArray[Any]:
    r = _float64(rho)
    if not (r > 0).all():
        raise ValueError(f"rho must be positive, got {rho}")
    return r


def _log_gamma(x: Numbers) -> NDArray[Any]:
    return torch.lgamma(torch.as_tensor(x)).numpy()


def _float64(values: Array) -> NDArray[Any]:
    if isinstance(values, Tensor):
        values = values.detach().cpu().numpy()
    return np.asarray(values, dtype=np.float64)


def _like(arguments: tuple[Array, ...], values: Numbers) -> Any:
    """Tensor if an argument is one, on its device; else a float for numbers, or an array."""
    for argument in arguments:
        if isinstance(argument, Tensor):
            return torch.as_tensor(values, device=argument.device)
    return float(values) if values.ndim == 0 else values
