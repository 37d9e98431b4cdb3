r"""How many squared gradients Adam has averaged, and what that does to its step.

Liu et al., "On the variance of the adaptive learning rate and beyond" (`liu2020variance`),
sections 3 and 4. If the gradients seen so far are i.i.d. N(0, sigma^2), the adaptive learning rate

    psi_t = sqrt((1 - beta2^t) / ((1 - beta2) sum_i beta2^(t-i) g_i^2))

has approximately the law of `sqrt(rho_t / chi2(rho_t)) / sigma`, where rho_t, the length of the
simple average with the same centre of mass, counts how many gradients the exponential average
holds:

    rho_inf = 2 / (1 - beta2) - 1                                               below (4)
    rho_t   = rho_inf - 2 t beta2^t / (1 - beta2^t)                             (4)
    Var[psi] = rho/(rho-2) - (rho/2) (Gamma((rho-1)/2) / Gamma(rho/2))^2        (2), sigma = 1
    Var[psi] ~ rho / (2 (rho-2) (rho-4))                                        (5), sigma = 1
    r_t     = sqrt(Var[psi_inf] / Var[psi_t]), both by (5)                      section 4.2

Implementation notes
--------------------
- (2) is printed with the Beta function and 2^(2 rho - 5), which overflows float64 from rho = 515
  on. The Gamma form is the same number. Beyond rho = 60 even that subtracts two nearly equal ones,
  so we use its expansion in 1/rho, whose leading terms have been subtracted by hand.
- The paper states (2) for rho > 4. It holds for rho > 2; only (5) needs rho > 4.
- Floats give a float, arrays an array, tensors a tensor; all arithmetic is in float64.

References: Liu et al., ICLR 2020, arXiv 1908.03265. Explained in the chapter "RAdam".
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = float | list[float] | NDArray[Any] | Tensor

THRESHOLD = 4.0
"""Rectify when rho_t exceeds this: the paper's Algorithm 2. Every public code takes 5."""

_EXPAND_ABOVE = 60.0  # here both forms of (2) agree to 1e-11 relative; see tests/methods


def rho_inf(beta2: float) -> float:
    """Length of the simple average that an endless exponential average with beta2 is worth.

    Args:
        beta2: decay of the second moment, in [0, 1).

    Returns:
        2 / (1 - beta2) - 1; 1999 for Adam's default 0.999.

    Raises:
        ValueError: if beta2 is outside [0, 1).
    """
    if not 0.0 <= beta2 < 1.0:
        raise ValueError(f"beta2 must lie in [0, 1), got {beta2}")
    return 2.0 / (1.0 - beta2) - 1.0


def rho(step: Array, beta2: float) -> Any:
    """Length of the simple average after `step` gradients, equation (4): 1 at the first step.

    Args:
        step: number of gradients seen, at least 1; any shape.
        beta2: decay of the second moment, in [0, 1).

    Returns:
        rho_t in [1, rho_inf), the kind and shape of `step`.

    Raises:
        ValueError: if a step is below 1 or beta2 outside [0, 1).
    """
    limit = rho_inf(beta2)
    t = _float64(step)
    if bool((t < 1).any()):
        raise ValueError(f"step must be at least 1, got {t.min().item()}")
    log_decay = t * (math.log(beta2) if beta2 > 0 else -math.inf)
    # -expm1 keeps the digits that 1 - beta2^t loses while t is small against 1 / (1 - beta2).
    return _like(step, limit - 2 * t * log_decay.exp() / -log_decay.expm1())


def rectification(step: Array, beta2: float, threshold: float = THRESHOLD) -> Any:
    """The factor r_t by which RAdam shortens Adam's step.

    Args:
        step: number of gradients seen, at least 1; any shape.
        beta2: decay of the second moment, in [0, 1).
        threshold: rectify where rho_t > threshold; at least 4, the paper's value and our default.

    Returns:
        r_t in (0, 1), the kind and shape of `step`; nan where rho_t <= threshold, where RAdam does
        not adapt.

    Raises:
        ValueError: if an argument is out of its range.
    """
    if not threshold >= 4.0:
        raise ValueError(f"threshold must be at least 4, where (5) becomes finite, got {threshold}")
    rho_t = _float64(rho(step, beta2))
    limit = rho_inf(beta2)
    final = limit / ((limit - 2) * (limit - 4)) if limit > 4 else math.nan
    r = (final * (rho_t - 2) * (rho_t - 4) / rho_t).sqrt()
    return _like(step, torch.where(rho_t > threshold, r, math.nan))


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
    half = r.clamp(min=2.0) / 2  # below 2 the answer is inf anyway
    small = half.clamp(max=_EXPAND_ABOVE)
    log_mean = small.log() / 2 + torch.lgamma(small - 0.5) - torch.lgamma(small)
    direct = small / (small - 1) - (2 * log_mean).exp()

    # With x = rho/2: (Gamma(x + 1/2) / Gamma(x))^2 = x - 1/4 + 1/(32 x) + 1/(128 x^2) - ..., times
    # (x / (x - 1/2))^2 / x is E[psi]^2. Over the common denominator the terms of order x^3 and x^2
    # of the difference cancel exactly.
    large = half.clamp(min=_EXPAND_ABOVE / 2)
    y = 1 / large
    tail = large / 4 - 1 / 32 + y * (3 / 128 + y * (21 / 2048 + y * (3 / 8192 - y * 237 / 65536)))
    expanded = large * tail / ((large - 1) * (large - 0.5) ** 2)

    variance = torch.where(r <= _EXPAND_ABOVE, direct, expanded)
    return _like(rho, torch.where(r <= 2, math.inf, variance))


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
    return _like(rho, torch.where(r > 4, r / (2 * (r - 2) * (r - 4)), math.inf))


def _float64(values: Array) -> Tensor:
    return torch.as_tensor(values, dtype=torch.float64)


def _positive(rho: Array) -> Tensor:
    r = _float64(rho)
    if not bool((r > 0).all()):
        raise ValueError("rho must be positive")
    return r


def _like(template: Array, values: Tensor) -> Any:
    """Float for a number, tensor for a tensor, array for everything else."""
    if isinstance(template, Tensor):
        return values
    return values.item() if values.ndim == 0 else values.numpy()
