r"""Hypergradients by implicit differentiation.

Lorraine, Vicol and Duvenaud, "Optimizing millions of hyperparameters by implicit differentiation"
(`lorraine2020optimizing`), sections 2 and 3, Algorithm 2. With the best response w*(lambda) =
argmin_w L_T(w, lambda):

    dL_V/dlambda = direct + indirect                                                         (1)
    direct   = partial L_V / partial lambda                                                  (2)
    indirect = - (partial L_V / partial w) H^-1 (partial^2 L_T / partial w partial lambda^T)  (3)

read from the left: v = dL_V/dw, then x = H^-1 v by a solver, then the vector-Jacobian product of
the training gradient g(w, lambda) = dL_T/dw with x. (3) is the implicit function theorem on g = 0,
so it needs a stationary w and an invertible H.

Implementation notes:
    - The vector-Jacobian product differentiates dL_T/dw with respect to lambda. The arXiv text
      prints it the other way round, which fits only where lambda has the shape of w.
    - The graph of g is built once and serves every Hessian-vector product (reverse over reverse).
    - A batch of independent problems is one call: losses that return `[batch]`, tensors with that
      first axis. The sum of independent losses has each one's own gradients, so nothing is mixed.

The chapter `implicit` explains and tries it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from replications.methods.inverse_hessian import (
    Curvature,
    HypergradientWarning,
    Neumann,
    Product,
    Solver,
)
from replications.methods.trees import Tree, flatten, leaves

Loss = Callable[[Any, Any], Tensor]


@dataclass(frozen=True)
class Hypergradient:
    """A hypergradient and how far to trust it.

    Args:
        total: direct + indirect, structured like the hyperparameters.
        direct: equation (2), likewise.
        indirect: equation (3), likewise.
        stationarity: norm of the training gradient, `[]` or `[batch]`; the theorem assumes 0.
        curvature: largest and lowest curvature that the solver met.
        residual: |v - H x| / |v| of the solve.
    """

    total: Tree
    direct: Tree
    indirect: Tree
    stationarity: Tensor
    curvature: Curvature
    residual: Tensor


def batch_of(loss: Tensor, name: str) -> int | None:
    """Number of problems in a loss, None for a scalar; ValueError for any other shape."""
    if loss.dim() > 1:
        raise ValueError(
            f"{name}: must return a scalar, or one value a problem; got shape {tuple(loss.shape)}"
        )
    return None if loss.dim() == 0 else loss.shape[0]


def hypergradient(
    train_loss: Loss,
    val_loss: Loss,
    params: Tree,
    hyperparams: Tree,
    solver: Solver = Neumann(terms=20, step="auto"),  # noqa: B008 - frozen, so sharing it is safe
    *,
    product: Product | None = None,
    tolerance: float = 0.1,
) -> Hypergradient:
    """Differentiate the trained parameters' validation loss with respect to hyperparameters.

    Args:
        train_loss: (params, hyperparams) -> scalar, twice differentiable; or `[batch]` for
            independent problems.
        val_loss: likewise.
        params: trained parameters: a tensor or a nested tuple, list or dict of tensors; with a
            batch, every tensor has that first axis.
        hyperparams: likewise.
        solver: how to apply the inverse Hessian: `Neumann`, `ConjugateGradient` or `Exact`.
        product: Hessian-vector product of the training loss on flat vectors `[P]` or `[batch, P]`
            (params' tensors, flattened and joined in order), where a faster one than automatic
            differentiation is at hand, such as `MLPHessian.product`.
        tolerance: warn where the training gradient's norm exceeds this fraction of the validation
            gradient's; 0.1 is
            ours: below it the first-order error of the theorem is a few percent. Use math.inf for
                unfinished training.

    Returns:
        The hypergradient, all parts detached.

    Raises:
        TypeError: params or hyperparams hold something other than floating-point tensors.
        ValueError: a loss of the wrong shape, a batch that the tensors do not have, or a training
            loss whose gradient does not depend on the parameters.
    """
    leaves(params, "params"), leaves(hyperparams, "hyperparams")  # before the losses meet them
    with torch.enable_grad():
        batch = batch_of(train_loss(params, hyperparams).detach(), "train_loss")
        w, as_params = flatten(params, "params", batch)
        h, as_hyper = flatten(hyperparams, "hyperparams", batch)
        w.requires_grad_()
        h.requires_grad_()

        loss = val_loss(as_params(w), as_hyper(h))
        if batch_of(loss, "val_loss") != batch:
            raise ValueError(
                f"val_loss: must return the shape of train_loss, got {tuple(loss.shape)}"
            )
        v, direct = _grad(loss.sum(), [w, h])

        loss = train_loss(as_params(w), as_hyper(h))
        g = _grad(loss.sum(), [w], create_graph=True)[0]
        stationarity = g.detach().norm(dim=-1)
        _check_stationary(stationarity, tolerance * v.norm(dim=-1))

        if product is None:

            def product(vector: Tensor) -> Tensor:
                bent = None
                if g.requires_grad:
                    bent = torch.autograd.grad(g, w, vector, retain_graph=True, allow_unused=True)[
                        0
                    ]
                if bent is None:
                    raise ValueError(
                        "train_loss: its gradient does not depend on params: no best response"
                    )
                return bent

        solution = solver.solve(product, v)
        mixed = _grad(g, [h], solution.x)[0]
    indirect = -mixed
    return Hypergradient(
        total=as_hyper(direct + indirect),
        direct=as_hyper(direct),
        indirect=as_hyper(indirect),
        stationarity=stationarity,
        curvature=solution.curvature,
        residual=solution.residual,
    )


def _grad(
    output: Tensor, inputs: list[Tensor], vector: Tensor | None = None, **keywords: bool
) -> tuple[Tensor, ...]:
    """Vector-Jacobian products, with zeros for inputs that play no part."""
    if not output.requires_grad:
        return tuple(torch.zeros_like(i) for i in inputs)
    return torch.autograd.grad(
        output, inputs, vector, allow_unused=True, materialize_grads=True, **keywords
    )


def _check_stationary(norms: Tensor, limits: Tensor) -> None:
    far = (norms > limits) & (
        limits > 0
    )  # limit 0: no validation gradient, so no indirect part to spoil
    if bool(far.any()):
        warnings.warn(
            f"hypergradient: the training gradient is far from zero in {int(far.sum())} of "
            f"{far.numel()} problems (norm up to {float(norms.max()):.3g}), so the implicit "
            "function theorem does not apply; train longer, or set tolerance=math.inf to accept "
            "the error",
            HypergradientWarning,
            stacklevel=3,
        )
