r"""What an inverse-Hessian-vector product is: the solvers' common interface.

With the Hessian :math:`H` and a vector :math:`v`, wanted is :math:`x = H^{-1} v`. A solver never
sees :math:`H`, only its products with vectors. Vectors are ``[..., P]``: leading axes are
independent problems, each with its own step, dot products and warnings.

Solvers: ``neumann.Neumann`` (the paper's), ``conjugate_gradient.ConjugateGradient``,
``dense_solve.Exact``.

The chapter ``implicit`` explains and tries them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import torch
from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Float

Product = Callable[[Tensor], Tensor]
"""H times a vector, ``[..., P]`` to ``[..., P]``."""


class HypergradientWarning(UserWarning):
    """The number returned is finite, but a premise of the method does not hold."""


@dataclass(frozen=True)
class Curvature:
    """What a solver has seen of the Hessian's spectrum.

    Both are Rayleigh-Ritz values, so ``largest`` never exceeds the largest eigenvalue and
    ``lowest`` never falls below the lowest one, of the Hessian as the solver takes it (with its
    damping, if it has one).
    """

    largest: Float[Tensor, "*batch"]
    lowest: Float[Tensor, "*batch"]


@dataclass(frozen=True)
class Solution:
    r"""x with H x = v, roughly."""

    x: Float[Tensor, "*batch P"]
    curvature: Curvature
    residual: Float[Tensor, "*batch"]
    """Norm of v - H x over that of v, for each problem; H with the solver's damping."""


@runtime_checkable
class Solver(Protocol):
    """Anything that turns a Hessian-vector product and a vector into a :class:`Solution`."""

    def solve(self, product: Product, v: Float[Tensor, "*batch P"]) -> Solution:
        """Return x with H x = v."""
        ...


def dot(a: Float[Tensor, "*batch P"], b: Float[Tensor, "*batch P"]) -> Float[Tensor, "*batch"]:
    """Inner product of each problem of the batch."""
    return torch.linalg.vecdot(a, b)


def relative_residual(
    residual: Float[Tensor, "*batch P"], v: Float[Tensor, "*batch P"]
) -> Float[Tensor, "*batch"]:
    """Norm of the residual over that of the right-hand side."""
    return residual.norm(dim=-1) / v.norm(dim=-1).clamp_min(torch.finfo(v.dtype).tiny)
