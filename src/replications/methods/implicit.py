r"""Hypergradients by implicit differentiation: :cite:t:`lorraine2020optimizing`, Algorithm 2.

With the best response :math:`w^*(\lambda) = \arg\min_w L_T(w, \lambda)`, the derivative of the
validation loss has two parts:

.. math::

    \frac{\mathrm{d} L_V}{\mathrm{d}\lambda} = \text{direct} + \text{indirect} \qquad (1)

.. math::

    \text{direct} = \frac{\partial L_V}{\partial\lambda} \qquad (2)

.. math::

    \text{indirect} = -\frac{\partial L_V}{\partial w} H^{-1}
        \frac{\partial^2 L_T}{\partial w\, \partial\lambda^\top} \qquad (3)

(3) is read from the left: :math:`v = \partial L_V / \partial w`, then :math:`x = H^{-1} v` by a
solver, then the vector-Jacobian product of the training gradient :math:`g(w, \lambda)` with
:math:`x`. It is the implicit function theorem on :math:`g = 0`, so it needs a stationary :math:`w`
and an invertible :math:`H`.

Implementation notes:
    - The vector-Jacobian product differentiates g with respect to the hyperparameters. The other
      way round fits only where these have the shape of w, and is right only for a symmetric mixed
      derivative.
    - The graph of g is built once and serves every Hessian-vector product (reverse over reverse).
    - Leading axes are independent problems: with losses that return ``[batch]``, every tensor has
      that first axis. The sum of independent losses has each one's own gradients, so nothing is
      mixed.

The chapter ``implicit`` explains and tries it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from replications.methods.inverse_hessian import Curvature, HypergradientWarning, Solver
from replications.methods.neumann import Neumann
from replications.methods.refusals import refuse_losses_of, refuse_no_tensor, refuse_solver
from replications.methods.trees import Layout, Tree, rebuild

if TYPE_CHECKING:
    from jaxtyping import Float

Loss = Callable[[Any, Any], Tensor]
"""(params, hyperparams) to a scalar, or to ``[batch]`` for independent problems."""


@dataclass(frozen=True)
class Hypergradient:
    """A hypergradient and how far to trust it.

    Args:
        total: direct + indirect, structured like the hyperparameters.
        direct: equation (2), likewise.
        indirect: equation (3), likewise.
        stationarity: norm of the training gradient of each problem; the theorem assumes 0.
        curvature: largest and lowest curvature that the solver met.
        residual: norm of v - H x over that of v.
    """

    total: Tree
    direct: Tree
    indirect: Tree
    stationarity: Float[Tensor, "*batch"]
    curvature: Curvature
    residual: Float[Tensor, "*batch"]


def batch_of(loss: Tensor, name: str) -> int | None:
    """Number of problems in a loss, None for a scalar; ValueError for any other shape."""
    refuse_no_tensor(loss, name)
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
    tolerance: float = 0.1,
) -> Hypergradient:
    """Differentiate the trained parameters' validation loss with respect to hyperparameters.

    Args:
        train_loss: (params, hyperparams) to a scalar, twice differentiable; or to ``[batch]`` for
            independent problems.
        val_loss: likewise.
        params: trained parameters: a tensor or a nested tuple, list or dict of tensors; with a
            batch, every tensor has that first axis.
        hyperparams: likewise.
        solver: how to apply the inverse Hessian: ``Neumann``, ``ConjugateGradient`` or
            ``Exact``.
        tolerance: warn where the training gradient's norm exceeds this fraction, more than 0, of
            the validation gradient's. 0.1 is ours and promises little: what is left of the
            training gradient enters through the inverse Hessian, so the error grows with the
            conditioning and can exceed the hypergradient. Use math.inf for unfinished training.

    Returns:
        The hypergradient, all parts detached.

    Raises:
        TypeError: params or hyperparams hold something other than floating-point tensors.
        ValueError: a loss of the wrong shape, a batch that the tensors do not have, or a training
            loss whose gradient does not depend on the parameters.
    """
    refuse_losses_of(train_loss, val_loss, params, hyperparams)
    refuse_solver(solver, tolerance)
    w, h = Layout(params, "params"), Layout(hyperparams, "hyperparams")
    with torch.enable_grad():
        at = rebuild(params, w.leaves), rebuild(hyperparams, h.leaves)
        train = train_loss(*at)
        batch = batch_of(train, "train_loss")
        if batch is not None:
            w.set_batch(batch)
            h.set_batch(batch)
        val = val_loss(*at)
        if batch_of(val, "val_loss") != batch:
            raise ValueError(f"val_loss: train_loss has batch {batch}, got {tuple(val.shape)}")
        at_val = gradients(val.sum(), [*w.leaves, *h.leaves])
        g = w.join(gradients(train.sum(), w.leaves, create_graph=True))
    v, direct = w.join(at_val[: len(w.leaves)]), h.join(at_val[len(w.leaves) :])

    def product(vector: Tensor) -> Tensor:
        return w.join(gradients(g, w.leaves, vector, needed=True, retain_graph=True))

    with torch.no_grad():
        stationarity = g.norm(dim=-1)
        check_stationary(stationarity, tolerance * v.norm(dim=-1))
        solution = solver.solve(product, v)
        indirect = -h.join(gradients(g, h.leaves, solution.x))
    return Hypergradient(
        total=h.tree(direct + indirect),
        direct=h.tree(direct),
        indirect=h.tree(indirect),
        stationarity=stationarity,
        curvature=solution.curvature,
        residual=solution.residual,
    )


def gradients(
    output: Tensor,
    inputs: Sequence[Tensor],
    vector: Tensor | None = None,
    needed: bool = False,
    **keywords: bool,
) -> list[Tensor]:
    """Vector-Jacobian products, with zeros for inputs that play no part.

    Args:
        output: a scalar where there is no vector.
        inputs: tensors that require gradients.
        vector: shaped like the output.
        needed: whether it is an error that no input plays a part.
        keywords: ``create_graph`` or ``retain_graph``.

    Returns:
        One tensor for each input.

    Raises:
        ValueError: ``needed``, and the output does not depend on the inputs.
    """
    found: Sequence[Tensor | None] = [None] * len(inputs)
    if output.requires_grad:
        found = torch.autograd.grad(output, inputs, vector, allow_unused=True, **keywords)
    if needed and all(x is None for x in found):
        raise ValueError("train_loss: its gradient does not depend on params: no best response")
    return [torch.zeros_like(i) if x is None else x for i, x in zip(inputs, found, strict=True)]


def check_stationary(norms: Float[Tensor, "*batch"], limits: Float[Tensor, "*batch"]) -> None:
    """Warn where the norm of a training gradient exceeds its limit."""
    # limit 0: no validation gradient, so no indirect part to spoil
    far = (norms > limits) & (limits > 0)
    if bool(far.any()):
        warnings.warn(
            f"hypergradient: the training gradient is far from zero in {int(far.sum())} of "
            f"{far.numel()} problems (norm up to {float(norms.max()):.3g}), so the implicit "
            "function theorem does not apply; train longer, or set tolerance=math.inf to accept "
            "the error",
            HypergradientWarning,
            stacklevel=3,
        )
