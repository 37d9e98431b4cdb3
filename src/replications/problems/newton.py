"""Damped Newton: minima of small smooth losses to the last digit.

The implicit function theorem holds at stationary points only. Gradient descent stops at a training
gradient of 1e-3 or so; the checks of the hypergradient need 1e-12.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Float


def minimize(
    loss: Callable[[Tensor], Tensor],
    start: Float[Tensor, " P"],
    iterations: int = 200,
    tolerance: float = 1e-13,
) -> Float[Tensor, " P"]:
    """Find a local minimum by Levenberg's damping of Newton steps.

    Args:
        loss: of a flat vector ``[P]``, twice differentiable; the Hessian is built densely.
        start: ``[P]``, double precision.
        iterations: at most so many steps.
        tolerance: on the gradient's norm; the default is what rounding allows for losses of order
            one.

    Returns:
        The minimum.

    Raises:
        RuntimeError: no point with a gradient below 1e-9 was found.
    """
    w, damping = start.detach().clone(), 1.0
    gradient = torch.func.grad(loss)
    # torch.func.hessian would compile torch.jit scripts, which warn
    curvature = torch.func.jacrev(gradient)
    g, value = gradient(w), loss(w)
    for _ in range(iterations):
        if g.norm() < tolerance:
            break
        hessian = curvature(w)
        lowest = torch.linalg.eigvalsh(hessian)[0]
        while damping < 1e12:
            # positive definite, so that the step descends
            shift = damping + max(0.0, -2 * float(lowest))
            step = torch.linalg.solve(hessian + shift * torch.eye(len(w), dtype=w.dtype), -g)
            new, new_g = loss(w + step), gradient(w + step)
            # near the minimum the loss no longer resolves progress, the gradient does
            if new < value or (lowest > 0 and new_g.norm() < g.norm()):
                w, value, g = w + step, new, new_g
                damping = 0.0 if damping < 1e-10 else damping / 10
                break
            damping = max(10 * damping, 1e-10)
        else:
            break
    if not g.norm() < 1e-9:
        raise RuntimeError(
            f"minimize: the gradient is still {float(g.norm()):.2e}; allow more iterations"
        )
    return w
