r"""The truncated Neumann series for an inverse-Hessian-vector product.

:cite:t:`lorraine2020optimizing`, Algorithm 3, with a step :math:`s`:

.. math::

    x_K = s \sum_{j=0}^{K} (I - s H)^j v  \qquad (1)

.. math::

    v - H x_K = (I - s H)^{K+1} v  \qquad (2)

The series converges for every :math:`v` if and only if all eigenvalues of :math:`H` are in
:math:`(0, 2/s)`. A direction of negative curvature :math:`-m` grows as :math:`(1 + s m)^K` at any
step; stopped early, the sum is then a damped direction and no inverse.

Implementation notes:
    - The factor s in (1) and the plus sign of the sum are easily lost; both are missing in public
      code.
    - Leading axes are independent problems, each with its own step.
    - The paper sets s by hand. ``step="auto"`` takes :math:`s = 1 / L`, with the largest curvature
      :math:`L` from a short Lanczos run, which sees the lowest curvature too.

The chapter ``implicit`` explains and tries it.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from replications.methods.inverse_hessian import (
    Curvature,
    HypergradientWarning,
    Product,
    Solution,
    dot,
    relative_residual,
)
from replications.methods.lanczos import lanczos
from replications.methods.refusals import refuse_counts, refuse_step

if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True)
class Neumann:
    """The truncated Neumann series (1): a free first term and ``terms`` more, a product each.

    Args:
        terms: K >= 0; the sum has K + 1 terms, so that 0 gives step * v (the "identity"
            approximation, T1-T2). Default 20: ours, a few percent of error at condition numbers
            around ten.
        step: s > 0, or "auto" for 1 / L with L the largest curvature found by ``probes`` Lanczos
            steps.
        probes: products spent on that estimate, which also guards a step given by hand. With 0
            (only for a number as step) nothing is spent on checks: ``curvature`` is the last term's
            own quotient (nan for terms=0), which finds a divergence that has begun but not one yet
            to come, and ``residual`` is that of the sum without its last term.

    Raises:
        ValueError: terms < 0, step <= 0, or step "auto" without probes.
    """

    terms: int = 20
    step: float | Literal["auto"] = "auto"
    probes: int = 12

    def __post_init__(self) -> None:
        refuse_counts(terms=self.terms)
        refuse_step(self.step)
        if self.terms < 0:
            raise ValueError(f"terms: must be 0 or more, got {self.terms}")
        if isinstance(self.step, str) and self.step != "auto":
            raise ValueError(f'step: must be a positive number or "auto", got {self.step!r}')
        if not isinstance(self.step, str) and not self.step > 0:
            raise ValueError(f"step: must be positive, got {self.step}")
        refuse_counts(probes=self.probes)
        if self.probes < 0 or (self.probes == 0 and self.step == "auto"):
            raise ValueError('probes: must be 0 or more, and at least 1 for step="auto"')

    def solve(self, product: Product, v: Float[Tensor, "*batch P"]) -> Solution:
        """Sum the series; warn where the step is too long, and where negative curvature has made
        the sum worse than nothing: a residual above 1.

        Args:
            product: H times a vector.
            v: the right-hand side.

        Returns:
            The sum, the curvature seen, and the relative residual (2), which costs a product.
        """
        seen = lanczos(product, v, self.probes) if self.probes else None
        if self.step == "auto":
            assert seen is not None  # probes >= 1, checked above
            extent = torch.maximum(seen.largest.abs(), seen.lowest.abs())
            step = (1 / extent.clamp_min(torch.finfo(v.dtype).tiny)).unsqueeze(-1)
        else:
            step = torch.full_like(v[..., :1], self.step)
        term = v.clone()
        total = v.clone()
        quotient = torch.full_like(step.squeeze(-1), torch.nan)
        for k in range(1, self.terms + 1):
            bent = product(term)
            if seen is None and k == self.terms:
                quotient = dot(term, bent) / dot(term, term)
            term.addcmul_(bent, step, value=-1)  # (I - s H) applied once more
            total += term
        if seen is None:
            seen, residual = Curvature(quotient, quotient), relative_residual(term, v)
        else:
            residual = relative_residual(term - step * product(term), v)  # equation (2)
        rounding = 100 * torch.finfo(v.dtype).eps * seen.largest.abs()
        falls = (seen.lowest < -rounding) & ~(residual <= 1)  # also where it is nan
        beyond = (seen.largest > 2 / step.squeeze(-1)) | ~(falls | residual.isfinite())
        falls = falls & ~beyond
        if bool(falls.any()):
            warnings.warn(
                f"Neumann: negative curvature in {int(falls.sum())} of {falls.numel()} problems, "
                "so the series diverges at any step, and its sum is worse than nothing "
                f"(relative residual up to {float(residual[falls].max()):.3g}); take fewer terms, "
                "train closer to a minimum, or add decay",
                HypergradientWarning,
                stacklevel=3,
            )
        if bool(beyond.any()):
            warnings.warn(
                f"Neumann: step {float(step.max()):.3g} is beyond 2 / (largest curvature) = "
                f"{float((2 / seen.largest).min()):.3g} in {int(beyond.sum())} of "
                f"{beyond.numel()} problems, so the series diverges; take a smaller step or "
                'step="auto"',
                HypergradientWarning,
                stacklevel=3,
            )
        return Solution(step * total, seen, residual)
