"""Hypergradients by differentiating through training itself.

The plain alternative to implicit differentiation (Maclaurin et al. 2015, Franceschi et al. 2017):
run T steps of gradient descent w_{t+1} = w_t - a * dL_T/dw(w_t, lambda), keep the graph, and
differentiate L_V(w_T, lambda). It needs no stationary point, but memory for T steps.

At an exact optimum, T = K + 1 steps with learning rate a equal K Neumann terms with step a
(`lorraine2020optimizing`, section 3): the chapter `implicit` and the tests check it to rounding.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from replications.methods.implicit import Loss, _grad, batch_of
from replications.methods.trees import Tree, flatten, leaves


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
    """Differentiate the validation loss through `steps` steps of gradient descent.

    Args:
        train_loss: (params, hyperparams) -> scalar, or `[batch]` for independent problems.
        val_loss: likewise.
        params: where training starts; held fixed, its own dependence on the hyperparameters is not
            counted.
        hyperparams: a tensor or a nested tuple, list or dict of tensors.
        steps: T >= 0.
        learning_rate: of plain gradient descent, > 0.

    Returns:
        `total` = `direct` + `indirect`, structured like hyperparams, and the parameters after T
        steps.

    Raises:
        TypeError: params or hyperparams hold something other than floating-point tensors.
        ValueError: steps or learning_rate out of range, or a loss of the wrong shape.
    """
    if steps < 0:
        raise ValueError(f"steps: must be 0 or more, got {steps}")
    if not learning_rate > 0:
        raise ValueError(f"learning_rate: must be positive, got {learning_rate}")
    leaves(params, "params"), leaves(hyperparams, "hyperparams")
    with torch.enable_grad():
        batch = batch_of(train_loss(params, hyperparams).detach(), "train_loss")
        w, as_params = flatten(params, "params", batch)
        h, as_hyper = flatten(hyperparams, "hyperparams", batch)
        w.requires_grad_()
        h.requires_grad_()
        trained: Tensor = w
        for _ in range(steps):
            g = _grad(
                train_loss(as_params(trained), as_hyper(h)).sum(), [trained], create_graph=True
            )[0]
            trained = trained - learning_rate * g
        end = (
            trained.detach().requires_grad_()
        )  # cut here, so that `direct` does not run through training
        v, direct = _grad(val_loss(as_params(end), as_hyper(h)).sum(), [end, h])
        indirect = _grad(trained, [h], v)[0]
    return Unrolled(
        total=as_hyper(direct + indirect),
        direct=as_hyper(direct),
        indirect=as_hyper(indirect),
        params=as_params(end.detach()),
    )
