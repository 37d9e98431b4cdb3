r"""Hypergradients by implicit differentiation.

Lorraine, Vicol and Duvenaud, "Optimizing millions of hyperparameters by implicit differentiation"
(`lorraine2020optimizing`), Algorithm 2. With the best response w*(lambda) = argmin_w L_T:

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
from collections.abc import Callable, Sequence
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
from replications.methods.trees import Layout, Tree

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
    w, h = Layout(params, "params"), Layout(hyperparams, "hyperparams")
    with torch.enable_grad():
        ws, hs = [[x.requires_grad_() for x in part.leaves] for part in (w, h)]
        train = train_loss(w.tree(ws), h.tree(hs))
        batch = batch_of(train, "train_loss")
        if batch is not None:
            w, h = Layout(params, "params", batch), Layout(hyperparams, "hyperparams", batch)
        val = val_loss(w.tree(ws), h.tree(hs))
        if batch_of(val, "val_loss") != batch:
            raise ValueError(f"val_loss: train_loss has batch {batch}, got {tuple(val.shape)}")
        both = gradients([val.sum()], [*ws, *hs])
        v, direct = w.join(both[: len(ws)]), h.join(both[len(ws) :])

        g = gradients([train.sum()], ws, create_graph=True)
        stationarity = w.join([x.detach() for x in g]).norm(dim=-1)
        _check_stationary(stationarity, tolerance * v.norm(dim=-1))

        def automatic(vector: Tensor) -> Tensor:
            return w.join(gradients(g, ws, w.split(vector), needed=True, retain_graph=True))

        solution = solver.solve(automatic if product is None else product, v)
        indirect = -h.join(gradients(g, hs, w.split(solution.x)))
    return Hypergradient(
        total=h.tree(h.split(direct + indirect)),
        direct=h.tree(h.split(direct)),
        indirect=h.tree(h.split(indirect)),
        stationarity=stationarity,
        curvature=solution.curvature,
        residual=solution.residual,
    )


def gradients(
    outputs: Sequence[Tensor],
    inputs: Sequence[Tensor],
    vectors: Sequence[Tensor] | None = None,
    needed: bool = False,
    **keywords: bool,
) -> list[Tensor]:
    """Vector-Jacobian products, with zeros for inputs that play no part.

    Args:
        outputs: tensors; scalars where there are no vectors.
        inputs: tensors that require gradients.
        vectors: one for each output.
        needed: whether it is an error that no input plays a part.
        keywords: `create_graph` or `retain_graph`.

    Returns:
        One tensor for each input.

    Raises:
        ValueError: `needed`, and the outputs do not depend on the inputs.
    """
    live = [i for i, output in enumerate(outputs) if output.requires_grad]
    found: Sequence[Tensor | None] = [None] * len(inputs)
    if live:
        found = torch.autograd.grad(
            [outputs[i] for i in live],
            inputs,
            [vectors[i] for i in live] if vectors is not None else None,
            allow_unused=True,
            **keywords,
        )
    if needed and all(x is None for x in found):
        raise ValueError("train_loss: its gradient does not depend on params: no best response")
    return [torch.zeros_like(i) if x is None else x for i, x in zip(inputs, found, strict=True)]


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
