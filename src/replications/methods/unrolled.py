r"""Hypergradients by differentiating through training itself.

The plain alternative to implicit differentiation (Maclaurin et al. 2015, Franceschi et al. 2017):
run :math:`T` steps of gradient descent, keep the graph, and differentiate
:math:`L_V(w_T, \lambda)`:

.. math::

    w_{t+1} = w_t - a \frac{\partial L_T}{\partial w}(w_t, \lambda)

It needs no stationary point, but memory for :math:`T` steps. At an exact optimum,
:math:`T = K + 1` steps with learning rate :math:`a` equal :math:`K` Neumann terms with step
:math:`a` (:cite:t:`lorraine2020optimizing`): the chapter ``implicit`` and the tests check it to
rounding. Leading axes are independent problems, as in ``methods.implicit``; hyperparameters that
the problems share get the sum of their derivatives.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from replications.methods.implicit import Loss, batch_of, gradients
from replications.methods.refusals import (
    refuse_counts,
    refuse_losses_of,
    refuse_numbers,
)
from replications.methods.trees import Layout, Tree, rebuild


@dataclass(frozen=True)
class Unrolled:
    """The derivative of the final validation loss, its two parts, and the trained parameters."""

    total: Tree
    direct: Tree
    indirect: Tree
    params: Tree


def unrolled_hypergradient(
    train_loss: Loss,
    val_loss: Loss,
    params: Tree,
    hyperparams: Tree,
    steps: int,
    learning_rate: float,
) -> Unrolled:
    """Differentiate the validation loss through ``steps`` steps of gradient descent.

    Args:
        train_loss: (params, hyperparams) to a scalar, or to ``[batch]`` for independent problems.
        val_loss: likewise.
        params: where training starts; held fixed, its own dependence on the hyperparameters is not
            counted.
        hyperparams: a tensor or a nested tuple, list or dict of tensors.
        steps: T >= 0.
        learning_rate: of plain gradient descent, > 0.

    Returns:
        The parts and their sum, structured like hyperparams, and the parameters after T steps.

    Raises:
        TypeError: params or hyperparams hold something other than floating-point tensors.
        ValueError: steps or learning_rate out of range, or a loss of the wrong shape.
    """
    refuse_counts(steps=steps)
    refuse_numbers(finite=True, learning_rate=learning_rate)
    if steps < 0:
        raise ValueError(f"steps: must be 0 or more, got {steps}")
    if not learning_rate > 0:
        raise ValueError(f"learning_rate: must be positive, got {learning_rate}")
    refuse_losses_of(train_loss, val_loss, params, hyperparams)
    w, h = Layout(params, "params"), Layout(hyperparams, "hyperparams")
    with torch.enable_grad():
        hyper, batch = rebuild(hyperparams, h.leaves), None
        trained = w.join(w.leaves).detach().requires_grad_()
        for _ in range(steps):
            train = train_loss(w.tree(trained), hyper)
            batch = batch_of(train, "train_loss")
            (g,) = gradients(train.sum(), [trained], create_graph=True)
            trained = trained - learning_rate * g
        end = trained.detach().requires_grad_()  # cut: `direct` skips the training
        val = val_loss(w.tree(end), hyper)
        if steps and batch_of(val, "val_loss") != batch:
            raise ValueError(f"val_loss: train_loss has batch {batch}, got {tuple(val.shape)}")
        v, *at_val = gradients(val.sum(), [end, *h.leaves])
        direct, indirect = h.join(at_val), h.join(gradients(trained, h.leaves, v))
    return Unrolled(
        total=h.tree(direct + indirect),
        direct=h.tree(direct),
        indirect=h.tree(indirect),
        params=w.tree(end.detach()),
    )
