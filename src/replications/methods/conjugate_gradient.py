r"""Conjugate gradients for an inverse-Hessian-vector product.

For positive definite :math:`H + d I` with a damping :math:`d`. Leading axes are independent
problems: each stops by itself.

Implementation notes:
    - At negative curvature a problem stops as truncated Newton methods do: with the iterate so far,
      or with v itself where the first direction already bends downwards.
    - The Ritz values come from the iteration's own coefficients, without another product.

The chapter ``implicit`` compares it with the series.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from replications.methods.inverse_hessian import (
    HypergradientWarning,
    Product,
    Solution,
    dot,
    relative_residual,
)
from replications.methods.lanczos import ritz_values
from replications.methods.refusals import refuse_counts, refuse_numbers

if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True)
class ConjugateGradient:
    """Conjugate gradients on (H + damping) x = v, for positive definite H.

    Args:
        iterations: at most so many products. Default 20, to compare with ``Neumann``.
        tolerance: a problem rests once its relative residual is below this. Default 0: all
            iterations, or until the residual is exactly what rounding leaves.
        damping: added to the diagonal, >= 0.

    Raises:
        ValueError: a negative argument, or no iteration.
    """

    iterations: int = 20
    tolerance: float = 0.0
    damping: float = 0.0

    def __post_init__(self) -> None:
        refuse_counts(iterations=self.iterations)
        refuse_numbers(finite=True, tolerance=self.tolerance, damping=self.damping)
        if self.iterations < 1:
            raise ValueError(f"iterations: must be 1 or more, got {self.iterations}")
        if self.tolerance < 0 or self.damping < 0:
            raise ValueError("tolerance and damping: must be 0 or more")

    def solve(self, product: Product, v: Float[Tensor, "*batch P"]) -> Solution:
        """Iterate; stop a problem at its tolerance or, with a warning, at negative curvature.

        Args:
            product: H times a vector.
            v: the right-hand side.

        Returns:
            The iterate, and the Ritz values and the residual of the damped Hessian, the latter
            updated recursively. Where the first direction already has negative curvature the
            iterate is v itself and the residual stays 1: nothing was solved.
        """
        x, r, p = torch.zeros_like(v), v.clone(), v.clone()
        rr = dot(r, r)
        floor = rr * max(self.tolerance, torch.finfo(v.dtype).eps) ** 2
        running = rr > floor
        negative = torch.zeros_like(running)
        beta = previous = torch.ones_like(rr)
        diagonal: list[Tensor] = []
        off: list[Tensor] = []
        for k in range(self.iterations):
            if not bool(running.any()):
                break
            bent = product(p)
            if self.damping:
                bent = bent + self.damping * p
            pp, bend = dot(p, p), dot(p, bent)
            falls = running & ~(bend > 0)
            negative |= falls
            if k == 0:
                x = torch.where(falls.unsqueeze(-1), v, x)
            running = running & ~falls
            alpha = torch.where(running, rr / bend, 0.0)
            # A problem that rests adds entries that lie inside what it has seen.
            curve = torch.where(bend != 0, bend / pp.clamp_min(torch.finfo(v.dtype).tiny), 0.0)
            if k == 0:
                diagonal.append(curve)
            else:
                inner = torch.where(running, 1 / alpha + beta / previous, diagonal[0])
                inner = torch.where(falls, curve, inner)
                diagonal.append(inner)
                off.append(torch.where(running, beta.sqrt() / previous, 0.0))
            x.addcmul_(p, alpha.unsqueeze(-1))  # alpha is 0 for a problem that rests
            r.addcmul_(bent, alpha.unsqueeze(-1), value=-1)
            new = dot(r, r)
            beta, previous = new / rr.clamp_min(torch.finfo(v.dtype).tiny), alpha
            p.mul_(beta.unsqueeze(-1)).add_(r)
            rr = torch.where(running, new, rr)
            running = running & (rr > floor)
        if bool(negative.any()):
            warnings.warn(
                f"ConjugateGradient: negative curvature in {int(negative.sum())} of "
                f"{negative.numel()} problems, so the Hessian is not positive definite and the "
                "iteration stopped early; train closer to a minimum, add damping, or use Neumann",
                HypergradientWarning,
                stacklevel=3,
            )
        return Solution(
            x, ritz_values(diagonal or [torch.zeros_like(rr)], off), relative_residual(r, v)
        )
