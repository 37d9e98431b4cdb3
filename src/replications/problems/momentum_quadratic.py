r"""How fast heavy-ball momentum, alone and inside Lookahead, contracts a quadratic without noise.

On a coordinate of curvature a, with :math:`x = \gamma a` and momentum :math:`\beta`, a step of SGD
maps the state (theta, v), v the last displacement, by

.. math::

    S = \begin{pmatrix} 1 - x & \beta \\ -x & \beta \end{pmatrix}.

A loop of Lookahead maps it by a matrix M made from :math:`S^k`; what becomes of v at the
synchronisation is the choice of `inner_state`. The coordinate contracts by the spectral radius of M
in k steps. A problem contracts as slowly as its worst eigenvalue, which need not be an extreme one.
Leading axes are independent coordinates.

References:
    Section 3.3 of :cite:t:`zhang2019lookahead`. Chapter: lookahead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from replications.methods.lookahead import INNER_STATES

if TYPE_CHECKING:
    from jaxtyping import Float


def momentum_rate(x: float | Tensor, beta: float | Tensor) -> Float[Tensor, "*s"]:
    """Contraction of SGD with momentum per step, the spectral radius of S.

    Args:
        x: learning rate times curvature, positive.
        beta: momentum in [0, 1).

    Returns:
        A rate for each pair, float64; the method converges where it is below 1. It is sqrt(beta)
        for (1 - sqrt(beta))^2 <= x <= (1 + sqrt(beta))^2, where the path oscillates.
    """
    x, beta = _checked(x, beta)
    return _radius(1 - x + beta, beta)


def lookahead_rate(
    x: float | Tensor,
    beta: float | Tensor,
    alpha: float,
    k: int,
    inner_state: str = "maintain",
) -> Float[Tensor, "*s"]:
    """Contraction of Lookahead over SGD with momentum, per inner step: rho(M)^(1/k).

    Args:
        x: learning rate times curvature, positive.
        beta: momentum in [0, 1).
        alpha: slow step size in (0, 1].
        k: inner steps in a loop, at least 1.
        inner_state: what becomes of v at the synchronisation: kept ("maintain"), set to zero
            ("reset"), or interpolated like the weights ("pullback").

    Returns:
        A rate for each pair, float64.
    """
    x, beta = _checked(x, beta)
    if not 0 < alpha <= 1:
        raise ValueError(f"alpha must lie in (0, 1], got {alpha}")
    if k < 1:
        raise ValueError(f"k must be a whole number >= 1, got {k}")
    if inner_state not in INNER_STATES:
        raise ValueError(f"inner_state must be one of {INNER_STATES}, got {inner_state!r}")
    # Cayley-Hamilton: S^k = u S - beta w I, (u, w) two successive terms of one recursion.
    u, w = torch.ones_like(x * beta), torch.zeros_like(x * beta)
    for _ in range(k - 1):
        u, w = (1 - x + beta) * u - beta * w, u
    top = alpha * ((1 - x) * u - beta * w) + 1 - alpha  # theta from theta
    bottom = beta * (u - w)  # v from v
    if inner_state == "reset":
        radius = top.abs()
    elif inner_state == "maintain":
        radius = _radius(top + bottom, top * bottom + alpha * beta * x * u * u)
    else:
        bottom = alpha * bottom + 1 - alpha
        radius = _radius(top + bottom, top * bottom + alpha**2 * beta * x * u * u)
    return radius ** (1 / k)


def _checked(x: float | Tensor, beta: float | Tensor) -> tuple[Tensor, Tensor]:
    x, beta = (torch.as_tensor(v, dtype=torch.float64) for v in (x, beta))
    if not (x > 0).all():
        raise ValueError(f"x must be positive, got {x.min():g}")
    if not ((beta >= 0) & (beta < 1)).all():
        raise ValueError(f"beta must lie in [0, 1), got {beta.min():g}..{beta.max():g}")
    return x, beta


def _radius(trace: Tensor, determinant: Tensor) -> Tensor:
    """Largest modulus of the eigenvalues of a real 2x2 matrix."""
    half = trace / 2
    gap = half.square() - determinant
    real = half.abs() + gap.clamp(min=0).sqrt()
    return torch.where(gap < 0, determinant.clamp(min=0).sqrt(), real)
