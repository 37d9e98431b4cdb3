r"""Warm-up schedules of Adam's learning rate that :math:`\beta_2` alone decides.

A schedule multiplies the learning rate of step :math:`t = 1, 2, \dots` by :math:`\omega_t`. The two
rules of thumb of :cite:t:`ma2021adequacy`, as the package pytorch_warmup documents them:

.. math::

    \omega_t^\text{linear}      &= \min\{1,\ (1 - \beta_2)\, t / 2\} \\
    \omega_t^\text{exponential} &= 1 - \exp(-(1 - \beta_2)\, t)

Both cost about as many full steps, their *effective period*:

.. math::

    T(\omega) = \sum_{t=1}^\infty (1 - \omega_t) \approx \frac{1}{1 - \beta_2}

The linear one is :func:`~replications.methods.adam_variants.linear_warmup` over
:func:`~replications.methods.adam_variants.untuned_warmup_steps`. Explained in the chapter
"Untuned warm-up".
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float


def exponential_warmup(step: int, beta2: float) -> float:
    """Factor of the learning rate at `step` (from 1); 0.63 at step 1 / (1 - beta2).

    Raises:
        ValueError: if `step` is below 1 or `beta2` outside [0, 1).
    """
    if step < 1 or not 0.0 <= beta2 < 1.0:
        raise ValueError(f"needs step >= 1 and beta2 in [0, 1), got {step} and {beta2}")
    return -math.expm1(-(1 - beta2) * step)


def effective_period(factors: Float[np.ndarray, " steps"]) -> float:
    """Full steps that a schedule costs, T above; `factors` holds it until it has reached 1."""
    return float(np.sum(1 - factors))
