r"""RAdam: Adam whose step is shortened while its second moment knows few gradients.

:cite:t:`liu2020variance`, Algorithm 2:

.. math::

    m_t &\leftarrow \beta_1 m_{t-1} + (1 - \beta_1)\, g_t \\
    v_t &\leftarrow \beta_2 v_{t-1} + (1 - \beta_2)\, g_t^2 \\
    \hat m_t &\leftarrow m_t / (1 - \beta_1^t) \\
    \theta_t &\leftarrow \theta_{t-1} - \text{lr} \cdot
        \begin{cases}
            r_t\, \hat m_t \sqrt{(1 - \beta_2^t) / v_t} & \text{if } \rho_t > 4 \\
            \hat m_t                                    & \text{otherwise}
        \end{cases}

with :math:`\rho_t` and :math:`r_t` as in :mod:`replications.methods.rectification`. Where it
adapts, RAdam therefore *is* Adam with learning rate lr :math:`r_t`: an automatic warm-up schedule.
So it runs in torch's fused kernel.

Implementation notes:

- The paper rectifies from :math:`\rho_t > 4` on (step 5 for the usual :math:`\beta_2`). Every
  public implementation that we read waits for 5 (step 6): ``threshold=5.0`` equals
  ``torch.optim.RAdam(decoupled_weight_decay=True)``.
- Until then the paper takes a momentum step. The default of the authors' general-purpose class, and
  of ``pytorch_optimizer``, is to take none: ``below="skip"``.
- With :math:`\beta_2 \le 0.6`, :math:`\rho_\infty \le 4`: the paper's rule never rectifies and
  RAdam is momentum for ever.
- :math:`\varepsilon` is added to :math:`\sqrt{v}`, before its bias correction, and weight decay is
  decoupled: both as in the authors' code.
- The momentum steps are not divided by :math:`\sqrt{v}`, so RAdam, unlike Adam, feels the scale of
  the loss.

References: :cite:t:`liu2020variance`. Explained in the chapter "RAdam".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

import torch
from torch.optim import Optimizer

from replications.methods.adam_step import (
    Coefficients,
    adam_coefficients,
    adam_step_,
    check,
    parts,
)
from replications.methods.leading import Setting
from replications.methods.rectification import THRESHOLD, rectification
from replications.methods.refusals import refuse_adam_groups, refuse_betas, refuse_numbers

Below = Literal["momentum", "skip"]


class RAdam(Optimizer):
    """Rectified Adam, Algorithm 2.

    Args:
        params: parameters or groups of them, dense and real.
        lr: learning rate, in [0, inf); 1e-3 is the usual default of Adam.
        betas: decays of the two moments, each in [0, 1); Adam's defaults.
        eps: added to sqrt(v), in [0, inf).
        weight_decay: decoupled: each step first multiplies the weights by 1 - lr * weight_decay.
        threshold: rectify while rho_t > threshold, at least 4 (the paper's); 5 gives the public
            codes' rule.
        below: what to do while rho_t <= threshold: a "momentum" step (the paper), or "skip" it.

    Raises:
        ValueError: naming the argument and its range.
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        threshold: float = THRESHOLD,
        below: Below = "momentum",
    ) -> None:
        refuse_betas(lr, betas, eps, weight_decay)
        refuse_numbers(threshold=threshold)
        check(lr, betas, eps, weight_decay)
        if not 4.0 <= threshold < math.inf:
            raise ValueError(f"threshold must lie in [4, inf), got {threshold}")
        if below not in ("momentum", "skip"):
            raise ValueError(f'below must be "momentum" or "skip", got {below!r}')
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "threshold": threshold,
            "below": below,
        }
        super().__init__(params, defaults)
        refuse_adam_groups(self.param_groups)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step.

        Args:
            closure: reevaluates the model and returns the loss; optional.

        Returns:
            What the closure returned, or None.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group, step, params, grads, m, v in parts(self):
            coefficients = radam_coefficients(
                step,
                *(
                    group[key]
                    for key in ("lr", "betas", "eps", "weight_decay", "threshold", "below")
                ),
            )
            adam_step_(params, grads, m, v, group["betas"], coefficients)
        return loss


def radam_coefficients(
    step: int,
    lr: Setting,
    betas: tuple[Setting, float],
    eps: Setting,
    weight_decay: Setting,
    threshold: float = THRESHOLD,
    below: Below = "momentum",
) -> Coefficients:
    """Algorithm 2's step as coefficients of Adam's.

    Args:
        step: gradients seen, this one included; from 1.
        lr: learning rate, a number or a tensor [models], like all of type Setting.
        betas: decays of the two moments; the second, which decides when to rectify, is a number.
        eps: added to sqrt(v).
        weight_decay: decoupled; multiplied by lr.
        threshold: rectify while rho_t > threshold.
        below: "momentum" or "skip", what to do until then.

    Returns:
        rate, root, floor and decay for :func:`replications.methods.adam_step.adam_step_`.
    """
    r = rectification(float(step), betas[1], threshold)
    if not math.isnan(r):
        adam = adam_coefficients(lr, betas, eps, weight_decay, seen_m=step, seen_v=step)
        return adam._replace(rate=adam.rate * r)
    if below == "skip":
        return Coefficients(rate=0.0, root=0.0, floor=1.0, decay=0.0)
    return Coefficients(
        rate=lr / (1 - betas[0] ** step), root=0.0, floor=1.0, decay=lr * weight_decay
    )
