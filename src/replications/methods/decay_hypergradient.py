r"""The hypergradient of a perceptron's weight decays, one for each weight, in closed form.

:cite:t:`lorraine2020optimizing`, Algorithm 2, for the training loss of ``MLPHessian``, which holds
:math:`\sum_j c_j w_j^2 / 2`. There the mixed derivative is a diagonal matrix:

.. math::

    \frac{\partial^2 L_T}{\partial w\, \partial c^\top} = \operatorname{diag}(w) \qquad (1)

.. math::

    \frac{\mathrm{d} L_V}{\mathrm{d} c} = -w \odot H^{-1} \frac{\partial L_V}{\partial w}
    \qquad (2)

Implementation notes:
    - No graph is built: two forward and backward passes, and the solver's products by the R
      operator. It equals ``hypergradient`` on the same losses, in half the time or less.
    - For another parametrisation multiply by its derivative: decays :math:`\lambda` in
      :math:`\lambda w^2` are :math:`c = 2 \lambda`, their logarithms give c times (2).
    - Leading axes are independent problems, as in ``MLPHessian``.

The chapter ``implicit`` uses it for its long runs on Iris.
"""

from __future__ import annotations

import torch

from replications.methods.implicit import Hypergradient, check_stationary
from replications.methods.inverse_hessian import Solver
from replications.methods.mlp_hessian import MLPHessian
from replications.methods.neumann import Neumann
from replications.methods.refusals import refuse_perceptrons, refuse_solver


@torch.no_grad()
def decay_hypergradient(
    train: MLPHessian,
    val: MLPHessian,
    solver: Solver = Neumann(terms=20, step="auto"),  # noqa: B008 - frozen, so sharing it is safe
    *,
    tolerance: float = 0.1,
) -> Hypergradient:
    """Differentiate the validation loss with respect to the coefficients c: equation (2).

    Args:
        train: the training loss, with or without a penalty, at the trained weights.
        val: the validation loss at the same weights, without a penalty.
        solver: how to apply the inverse Hessian of the training loss.
        tolerance: warn where the training gradient's norm exceeds this fraction of the validation
            gradient's, as in ``hypergradient``.

    Returns:
        The hypergradient with respect to c, flat like ``train.weights``; its direct part is zero.

    Raises:
        ValueError: the two are not of the same weights, or ``val`` has a penalty.
    """
    refuse_perceptrons(train, val)
    refuse_solver(solver, tolerance)
    if val.penalty is not None:
        raise ValueError("val: must have no penalty, for the validation loss has none")
    if train.weights.shape != val.weights.shape or not torch.allclose(
        train.weights, val.weights, rtol=0, atol=0, equal_nan=True
    ):  # a diverged problem of a batch is no reason to refuse the others
        raise ValueError("val: must have the weights of train")
    v = val.gradient()
    stationarity = train.gradient().norm(dim=-1)
    check_stationary(stationarity, tolerance * v.norm(dim=-1))
    solution = solver.solve(train.product, v)
    total = -train.weights * solution.x
    return Hypergradient(
        total=total,
        direct=torch.zeros_like(total),
        indirect=total,
        stationarity=stationarity,
        curvature=solution.curvature,
        residual=solution.residual,
    )
