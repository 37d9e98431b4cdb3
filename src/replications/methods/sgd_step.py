r"""One step of SGD with momentum, as in ``torch.optim.SGD``, for many models at once.

.. math::

    v      &\leftarrow \beta v + g \\
    \theta &\leftarrow \theta - \gamma v

Leading axes are independent models: a tensor of hyperparameters of shape [models] belongs to
weights of shape [models, ...].
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from replications.methods.leading import Setting, leading


@torch.no_grad()
def sgd_step_(
    params: Sequence[Tensor],
    grads: Sequence[Tensor],
    velocity: Sequence[Tensor],
    lr: Setting,
    momentum: Setting,
) -> None:
    """Move params and velocity in place by the step in the module's text.

    Args:
        params: weights theta, of any shapes.
        grads: their gradients g.
        velocity: v, zero at the start.
        lr: learning rate gamma, a number or a tensor [models].
        momentum: beta in [0, 1), a number or a tensor [models].
    """
    for p, g, v in zip(params, grads, velocity, strict=True):
        v.mul_(leading(momentum, v)).add_(g)
        rate = leading(lr, p)
        if isinstance(rate, Tensor):
            p.addcmul_(v, rate, value=-1)
        else:
            p.add_(v, alpha=-rate)
