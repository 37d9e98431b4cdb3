r"""One step of any member of Adam's family, in one pass over the memory where it adapts.

Every optimizer of :cite:t:`liu2020variance` moves its weights by

.. math::

    m      &\leftarrow \beta_1 m + (1 - \beta_1)\, g \\
    v      &\leftarrow \beta_2 v + (1 - \beta_2)\, g^2 \\
    \theta &\leftarrow (1 - \text{decay})\, \theta
             - \text{rate}\, \frac{m}{\text{root}\, \sqrt{v} + \text{floor}}

and differs from the others only in how the four numbers depend on the step. Adam has

.. math::

    \text{rate} = \frac{\text{lr}}{1 - \beta_1^t}, \qquad
    \text{root} = \frac{1}{\sqrt{1 - \beta_2^t}}, \qquad
    \text{floor} = \frac{\varepsilon}{\sqrt{1 - \beta_2^t}};

momentum has root = 0 and floor = 1. Leading axes are independent models: a tensor of
hyperparameters of shape [models] belongs to weights of shape [models, ...].

Implementation notes:

- ``torch._fused_adamw_`` is the kernel behind ``torch.optim.AdamW(fused=True)``. Told that
  infinitely many steps lie behind it, it corrects no bias, and lr = rate / root with
  eps = floor / root is the line above. It takes numbers only: where a hyperparameter is a tensor,
  the line is computed as it stands.
- Like the authors' code and ``torch.optim.RAdam``, our optimizers add :math:`\varepsilon` to
  :math:`\sqrt v` before its bias is corrected. ``torch.optim.Adam`` adds it afterwards, which is
  floor = :math:`\varepsilon`.

References: :cite:t:`liu2020variance`. Explained in the chapter "RAdam".
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor
from torch.optim import Optimizer

from replications.methods.leading import Setting, leading


class Coefficients(NamedTuple):
    """The four numbers of a step, or four tensors [models]; see the module's text."""

    rate: Setting
    root: Setting
    floor: Setting
    decay: Setting


def adam_coefficients(
    lr: Setting,
    betas: tuple[Setting, Setting],
    eps: Setting,
    weight_decay: Setting,
    seen_m: Setting,
    seen_v: Setting,
) -> Coefficients:
    """Adam's step when m has averaged `seen_m` gradients and v has averaged `seen_v`.

    Each argument is a number, or a tensor [models].

    Args:
        lr: step size.
        betas: decays of m and v.
        eps: added to sqrt(v).
        weight_decay: decoupled; multiplied by lr.
        seen_m: gradients in m, at least 1; inf leaves its bias uncorrected.
        seen_v: gradients in v, at least 1.

    Returns:
        rate, root, floor and decay of Adam's step, as in the module's text.
    """
    bias = 1 - betas[1] ** seen_v
    root = 1 / (bias.sqrt() if isinstance(bias, Tensor) else math.sqrt(bias))
    return Coefficients(lr / (1 - betas[0] ** seen_m), root, eps * root, lr * weight_decay)


@torch.no_grad()
def adam_step_(
    params: list[Tensor],
    grads: list[Tensor],
    m: list[Tensor],
    v: list[Tensor],
    betas: tuple[Setting, Setting],
    coefficients: Coefficients,
) -> None:
    """Move params, m and v in place by the step in the module's text.

    Args:
        params: weights, of any shapes, one dtype and one device.
        grads: their gradients.
        m: averages of the gradients.
        v: averages of their squares.
        betas: decays of m and v, numbers or tensors [models].
        coefficients: the step's four numbers, or tensors [models]; rate = 0 moves m and v only
            (a tensor's 0 wants floor > 0). If one of them or of `betas` is a tensor, all params
            have the leading axes [models].
    """
    settings = (*betas, *coefficients)
    if any(isinstance(value, Tensor) for value in settings):
        _step_of_each_model_(params, grads, m, v, settings)
        return
    beta1, beta2, rate, root, floor, decay = cast("tuple[float, ...]", settings)
    # The kernel walks through raw memory and checks no strides. The buffers are contiguous by
    # construction.
    in_order = all(map(Tensor.is_contiguous, params)) and all(map(Tensor.is_contiguous, grads))
    if root > 0 and rate > 0 and in_order:
        endless = torch.full((), math.inf, device=params[0].device)
        lr = rate / root
        torch._fused_adamw_(
            params, grads, m, v, [], [endless] * len(params),
            lr=lr, beta1=beta1, beta2=beta2, weight_decay=decay / lr, eps=floor / root,
            amsgrad=False, maximize=False,
        )  # fmt: skip
        return
    for p, g, first, second in zip(params, grads, m, v, strict=True):
        first.lerp_(g, 1 - beta1)
        second.mul_(beta2).addcmul_(g, g, value=1 - beta2)
        if rate > 0:
            p.mul_(1 - decay)
            if root > 0:
                p.addcdiv_(first, second.sqrt().mul_(root).add_(floor), value=-rate)
            else:
                p.add_(first, alpha=-rate / floor)


def _step_of_each_model_(
    params: list[Tensor],
    grads: list[Tensor],
    m: list[Tensor],
    v: list[Tensor],
    settings: tuple[Setting, ...],
) -> None:
    """:func:`adam_step_` where hyperparameters are tensors."""
    for p, g, first, second in zip(params, grads, m, v, strict=True):
        beta1, beta2, rate, root, floor, decay = (leading(value, p) for value in settings)
        first.lerp_(g, 1 - beta1)
        second.mul_(beta2).add_((1 - beta2) * g.square())
        p.mul_(1 - decay).addcdiv_(first * rate, second.sqrt().mul_(root).add_(floor), value=-1)


def check(lr: float, betas: tuple[float, float], eps: float, weight_decay: float) -> None:
    """Raise ValueError, naming argument and range, unless all are usable."""
    for name, value in {"lr": lr, "eps": eps, "weight_decay": weight_decay}.items():
        if not 0.0 <= value < math.inf:
            raise ValueError(f"{name} must lie in [0, inf), got {value}")
    for i, beta in enumerate(betas):
        if not 0.0 <= beta < 1.0:
            raise ValueError(f"betas[{i}] must lie in [0, 1), got {beta}")


def parts(
    optimizer: Optimizer,
) -> Iterator[tuple[dict[str, Any], int, list[Tensor], list[Tensor], list[Tensor], list[Tensor]]]:
    """Count a step of every parameter that has a gradient, and hand them out with their buffers.

    Args:
        optimizer: its state holds step, exp_avg and exp_avg_sq of each parameter from its first
            step on.

    Yields:
        (group, step, params, grads, m, v) for each parameter group, step count, dtype and device:
        lists that may be stepped together.

    Raises:
        TypeError: if a gradient is sparse or complex; nothing has moved then.
    """
    gradients = [[p.grad for p in group["params"]] for group in optimizer.param_groups]
    if any(g.is_sparse or g.is_complex() for grads in gradients for g in grads if g is not None):
        raise TypeError("gradients must be dense and real")
    for group, found in zip(optimizer.param_groups, gradients, strict=True):
        alike: dict[Any, tuple[list[Tensor], ...]] = {}
        last = None
        for p, grad in zip(group["params"], found, strict=True):
            if grad is None:
                continue
            buffers = optimizer.state[p]
            if not buffers:
                buffers["step"] = 0
                buffers["exp_avg"] = torch.zeros_like(p, memory_format=torch.contiguous_format)
                buffers["exp_avg_sq"] = torch.zeros_like(p, memory_format=torch.contiguous_format)
            buffers["step"] += 1
            key = (buffers["step"], p.dtype, p.device)
            if key != last:  # in most groups all parameters are alike
                params, grads, m, v = alike.setdefault(key, ([], [], [], []))
                last = key
            params.append(p)
            grads.append(grad)
            m.append(buffers["exp_avg"])
            v.append(buffers["exp_avg_sq"])
        for (step, _, _), lists in alike.items():
            params, grads, m, v = lists
            yield group, step, params, grads, m, v
