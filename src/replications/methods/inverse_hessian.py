r"""Inverse-Hessian-vector products: truncated Neumann series, conjugate gradients, dense solve.

Lorraine, Vicol and Duvenaud, "Optimizing millions of hyperparameters by implicit differentiation"
(`lorraine2020optimizing`), Algorithm 3. With the Hessian H and a vector v, wanted: x = H^-1 v.

    Neumann: x_K = s * sum_{j=0..K} (I - s H)^j v                                            (1)
    residual: v - H x_K = (I - s H)^(K+1) v                                                  (2)

The series converges for every v if and only if all eigenvalues of H are in (0, 2/s). A direction
of negative curvature -m grows as (1 + s m)^K at any step; stopped early, the sum is then a damped
direction and no inverse.

Implementation notes:
    - The factor s in (1) and the plus sign of the sum are easily lost; both are missing in public
      code.
    - Vectors are `[..., P]`: leading axes are independent problems, each with its own step, dot
      products and verdict.
    - The paper sets s by hand. `step="auto"` takes s = 1 / L, with L from a short Lanczos run: a
      power iteration that uses all its iterates, and so sees the lowest curvature too.
    - Conjugate gradients stop at negative curvature as truncated Newton methods do: the iterate so
      far, or v itself where the first direction already bends downwards.

The chapter `implicit` explains and tries them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

import torch
from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Float

Product = Callable[[Tensor], Tensor]  # H times a vector, [..., P] -> [..., P]


class HypergradientWarning(UserWarning):
    """The number returned is finite, but a premise of the method does not hold."""


@dataclass(frozen=True)
class Curvature:
    """What a solver has seen of the Hessian's spectrum.

    Both are Rayleigh-Ritz values, so `largest` never exceeds the largest eigenvalue and `lowest`
    never falls below the lowest one. Shapes: the batch axes, `[]` without a batch.
    """

    largest: Tensor
    lowest: Tensor


@dataclass(frozen=True)
class Solution:
    """x with H x = v, roughly. `residual` is |v - H x| / |v| for each problem of the batch."""

    x: Tensor
    curvature: Curvature
    residual: Tensor


@runtime_checkable
class Solver(Protocol):
    """Anything that turns a Hessian-vector product and a vector into a `Solution`."""

    def solve(self, product: Product, v: Tensor) -> Solution:
        """Return x with H x = v."""
        ...


def dot(a: Float[Tensor, "*batch P"], b: Float[Tensor, "*batch P"]) -> Float[Tensor, "*batch"]:
    """Inner product of each problem of the batch."""
    return torch.linalg.vecdot(a, b)


def _relative(residual: Tensor, v: Tensor) -> Tensor:
    return residual.norm(dim=-1) / v.norm(dim=-1).clamp_min(torch.finfo(v.dtype).tiny)


def _ritz(diagonal: list[Tensor], off: list[Tensor]) -> Curvature:
    """Extreme eigenvalues of the tridiagonal matrices with these entries."""
    matrix = torch.diag_embed(torch.stack(diagonal, -1))
    if off:
        beside = torch.stack(off, -1)
        matrix = matrix + torch.diag_embed(beside, 1) + torch.diag_embed(beside, -1)
    values = torch.linalg.eigvalsh(matrix)
    return Curvature(values[..., -1], values[..., 0])


def lanczos(product: Product, like: Float[Tensor, "*batch P"], iterations: int = 12) -> Curvature:
    """Estimate both ends of the spectrum of H.

    Args:
        product: H times a vector.
        like: a vector with the shape, dtype and device of those that `product` takes.
        iterations: products spent; 12 find an isolated largest eigenvalue to about a percent.

    Returns:
        The extreme Ritz values. The start is random with a fixed seed, so that equal calls give
        equal numbers.
    """
    generator = torch.Generator(like.device).manual_seed(0)
    # One start for the whole batch: a problem's answer does not depend on its neighbours.
    start = torch.randn(like.shape[-1], generator=generator, dtype=like.dtype, device=like.device)
    q, before = (start / start.norm()).expand_as(like), torch.zeros_like(like)
    diagonal: list[Tensor] = []
    off: list[Tensor] = []
    small = 100 * torch.finfo(like.dtype).eps
    for _ in range(min(iterations, like.shape[-1])):
        w = product(q)
        if off:
            w = w - off[-1].unsqueeze(-1) * before
        a = dot(w, q)
        w = w - a.unsqueeze(-1) * q
        b = w.norm(dim=-1)
        scale = torch.stack([*diagonal, a], -1).abs().amax(-1)
        # where the Krylov space is exhausted, repeat a value that changes nothing
        done = b <= small * scale
        diagonal.append(a)
        off.append(torch.where(done, 0.0, b))
        if bool(done.all()):
            break
        before, q = (
            q,
            torch.where(done.unsqueeze(-1), q, w / torch.where(done, 1.0, b).unsqueeze(-1)),
        )
    return _ritz(diagonal, off[: len(diagonal) - 1])


@dataclass(frozen=True)
class Neumann:
    """The truncated Neumann series (1): a free first term and `terms` more, a product each.

    Args:
        terms: K >= 0; the sum has K + 1 terms, so that 0 gives step * v (the "identity"
            approximation, T1-T2). Default 20: ours, a few percent of error at condition numbers
            around ten.
        step: s > 0, or "auto" for 1 / L with L the largest curvature found by `probes` Lanczos
            steps.
        probes: products spent on that estimate, which also guards a step given by hand. With 0
            (only for a number as step) nothing is spent on checks: `curvature` is the last term's
            own quotient (nan for terms=0), which finds a divergence that has begun but not one yet
            to come, and `residual` is that of the sum without its last term.

    Raises:
        ValueError: terms < 0, step <= 0, or step "auto" without probes.
    """

    terms: int = 20
    step: float | Literal["auto"] = "auto"
    probes: int = 12

    def __post_init__(self) -> None:
        if self.terms < 0:
            raise ValueError(f"terms: must be 0 or more, got {self.terms}")
        if isinstance(self.step, str) and self.step != "auto":
            raise ValueError(f'step: must be a positive number or "auto", got {self.step!r}')
        if not isinstance(self.step, str) and not self.step > 0:
            raise ValueError(f"step: must be positive, got {self.step}")
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
            seen, residual = Curvature(quotient, quotient), _relative(term, v)
        else:
            residual = _relative(term - step * product(term), v)  # equation (2)
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


@dataclass(frozen=True)
class ConjugateGradient:
    """Conjugate gradients on (H + damping) x = v, for positive definite H.

    Args:
        iterations: at most so many products. Default 20, to compare with `Neumann`.
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
            The iterate, the Ritz values of the damped Hessian, and the recursively updated
            residual.
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
        return Solution(x, _ritz(diagonal or [torch.zeros_like(rr)], off), _relative(r, v))


@dataclass(frozen=True)
class Exact:
    """A dense Hessian and a direct solve: for checks, up to a few thousand parameters.

    Args:
        damping: added to the diagonal, >= 0.

    Raises:
        ValueError: damping < 0.
    """

    damping: float = 0.0

    def __post_init__(self) -> None:
        if self.damping < 0:
            raise ValueError(f"damping: must be 0 or more, got {self.damping}")

    def solve(self, product: Product, v: Float[Tensor, "*batch P"]) -> Solution:
        """Solve H x = v by elimination.

        Args:
            product: H times a vector.
            v: the right-hand side.

        Returns:
            The solution with the exact extreme eigenvalues.

        Raises:
            ValueError: H is singular.
        """
        eye = torch.eye(v.shape[-1], dtype=v.dtype, device=v.device)
        hessian = (
            torch.stack([product(row.expand_as(v)) for row in eye], dim=-2) + self.damping * eye
        )
        values = torch.linalg.eigvalsh(hessian)
        try:
            x = torch.linalg.solve(hessian, v.unsqueeze(-1)).squeeze(-1)
        except torch.linalg.LinAlgError as error:
            raise ValueError(
                "Exact: the Hessian is singular, so no best response exists; add damping or decay"
            ) from error
        residual = v - (hessian @ x.unsqueeze(-1)).squeeze(-1)
        return Solution(x, Curvature(values[..., -1], values[..., 0]), _relative(residual, v))
