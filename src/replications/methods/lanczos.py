r"""Both ends of a Hessian's spectrum, by a short Lanczos run.

A power iteration that uses all its iterates: the extreme eigenvalues of the tridiagonal matrix of
its coefficients (Ritz values) approach those of :math:`H` from inside. Leading axes are independent
problems.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from replications.methods.inverse_hessian import Curvature, Product, dot

if TYPE_CHECKING:
    from jaxtyping import Float


def ritz_values(diagonal: list[Tensor], off: list[Tensor]) -> Curvature:
    """Extreme eigenvalues of tridiagonal matrices.

    Args:
        diagonal: its entries, ``[*batch]`` each, at least one.
        off: the entries beside them, one fewer.
    """
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
        like: a vector with the shape, dtype and device of those that ``product`` takes.
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
    return ritz_values(diagonal, off[: len(diagonal) - 1])
