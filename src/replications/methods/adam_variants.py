r"""Adam, and the variants that :cite:t:`liu2020variance` try it against, or might have.

.. math::

    m_t &\leftarrow \beta_1 m_{t-1} + (1 - \beta_1)\, g_t \\
    v_t &\leftarrow \beta_2 v_{t-1} + (1 - \beta_2)\, g_t^2 \\
    \theta_t &\leftarrow \theta_{t-1} - \text{lr}\, \frac{m_t}{1 - \beta_1^a}
        \frac{\sqrt{1 - \beta_2^t}}{\sqrt{v_t} + \varepsilon}

- *Adam*: :math:`a = t`.
- *Adam-eps* (section 3): Adam with a large :math:`\varepsilon`, 1e-4 in the paper.
- *Adam-2k* (section 3): the first 2000 gradients only enter :math:`v`; weights and :math:`m` stay
  where they are. The paper does not say what becomes of :math:`a`. In the authors' code the step
  counter runs on (:math:`a = t`): at the first update :math:`a = 2001`, the bias of :math:`m` is
  not corrected, and :math:`m` grows from nothing over some ten updates: a warm-up by the back door.
  With the counter restarted (:math:`a = t - 2000`) the first update has Adam's full size.
- *uncorrected*: :math:`a = \infty`, that is, :math:`m` as it is; a flag of the authors' code.
- *linear warm-up* over :math:`T` steps: lr :math:`\min(t, T) / T`, by :func:`linear_warmup`.
  Ma & Yarats (arXiv 1910.04209) propose :math:`T = 2 / (1 - \beta_2)`, which needs no tuning.

References: :cite:t:`liu2020variance`. Explained in the chapter "RAdam".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

import torch
from torch.optim import Optimizer

from replications.methods.adam_step import (
    adam_coefficients,
    adam_step_,
    check,
    parts,
)
from replications.methods.refusals import refuse_adam_groups, refuse_betas, refuse_counts

FirstMoment = Literal["running", "restarted", "uncorrected"]


class AdamVariant(Optimizer):
    """Adam with a frozen beginning and a choice of bias correction.

    Args:
        params: parameters or groups of them, dense and real.
        lr: learning rate, in [0, inf).
        betas: decays of the two moments, each in [0, 1); Adam's defaults.
        eps: added to sqrt(v), in [0, inf); 1e-4 is the paper's Adam-eps.
        weight_decay: decoupled; multiplied by lr, in [0, inf). None while frozen.
        freeze: so many first gradients enter v only; 2000 is the paper's Adam-2k.
        first_moment: how the bias of m is corrected: by the count of all gradients ("running", the
            authors' code), by the count of those that entered m ("restarted"), or not at all
            ("uncorrected").

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
        freeze: int = 0,
        first_moment: FirstMoment = "running",
    ) -> None:
        refuse_betas(lr, betas, eps, weight_decay)
        refuse_counts(freeze=freeze)
        check(lr, betas, eps, weight_decay)
        if freeze < 0:
            raise ValueError(f"freeze must be at least 0, got {freeze}")
        if first_moment not in ("running", "restarted", "uncorrected"):
            raise ValueError(
                'first_moment must be "running", "restarted" or "uncorrected", '
                f"got {first_moment!r}"
            )
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "freeze": freeze,
            "first_moment": first_moment,
        }
        super().__init__(params, defaults)
        refuse_adam_groups(self.param_groups)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step; returns what the closure returned, or None."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group, step, params, grads, m, v in parts(self):
            updates = step - group["freeze"]
            if updates < 1:
                torch._foreach_mul_(v, group["betas"][1])
                torch._foreach_addcmul_(v, grads, grads, value=1 - group["betas"][1])
                continue
            seen = {"running": step, "restarted": updates, "uncorrected": math.inf}
            settings = {key: group[key] for key in ("lr", "betas", "eps", "weight_decay")}
            coefficients = adam_coefficients(
                **settings, seen_m=seen[group["first_moment"]], seen_v=step
            )
            adam_step_(params, grads, m, v, group["betas"], coefficients)
        return loss


def linear_warmup(step: int, steps: int) -> float:
    """Factor of the learning rate at `step` (from 1): rises linearly to 1 at step `steps`.

    Raises:
        ValueError: if `step` or `steps` is below 1.
    """
    if step < 1 or steps < 1:
        raise ValueError(f"step and steps must be at least 1, got {step} and {steps}")
    return min(step, steps) / steps


def untuned_warmup_steps(beta2: float) -> int:
    """Length of the warm-up of Ma & Yarats: 2 / (1 - beta2), which is 2000 for 0.999.

    Raises:
        ValueError: if `beta2` lies outside [0, 1).
    """
    if not 0.0 <= beta2 < 1.0:
        raise ValueError(f"beta2 must lie in [0, 1), got {beta2}")
    return round(2 / (1 - beta2))
