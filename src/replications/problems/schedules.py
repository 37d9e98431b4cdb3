r"""What one would try before Lookahead, on the same noisy quadratic: decay, and averaging.

Second moments of SGD with a learning rate that changes, alone or inside Lookahead, and of the
exponential moving average (EMA) of its iterates. There is no short closed form, but each step is
linear with independent noise, so the recursion of the moments is exact: with
:math:`r = 1 - \gamma_t a`,

.. math::

    E\theta'^2 = r^2 E\theta^2 + \gamma_t^2 a^2 \sigma^2, \qquad
    \bar\theta' = b \bar\theta + (1 - b) \theta',

and a loop keeps q, the product of its r, and gathers the variance G of
:func:`~replications.problems.noisy_quadratic.pulled_moment`. Leading axes, after that of the steps,
are independent settings.

References:
    The controls of the chapter lookahead; the model is that of section 3.2 of
    :cite:t:`zhang2019lookahead`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from replications.problems.noisy_quadratic import NoisyQuadratic, pulled_moment

if TYPE_CHECKING:
    from jaxtyping import Float


def scheduled_loss(
    problem: NoisyQuadratic,
    lr: Float[Tensor, "steps ..."],
    start_moment: float | Tensor,
    alpha: float | Tensor = 1.0,
    k: int = 1,
) -> Float[Tensor, "*s"]:
    """Expected excess loss after a schedule of learning rates: of SGD, or of Lookahead around it.

    Args:
        problem: the noisy quadratic.
        lr: one learning rate for each step and setting, non-negative.
        start_moment: second moment of each coordinate at the start, a number or [d].
        alpha: slow step size in (0, 1]; broadcasts with the settings. With the defaults it is SGD.
        k: inner steps in a loop; divides the steps.

    Raises:
        ValueError: if k does not divide the steps.
    """
    if k < 1 or len(lr) % k:
        raise ValueError(f"k must divide the {len(lr)} steps, got {k}")
    alpha = torch.as_tensor(alpha, dtype=torch.float64)[..., None]
    moment = torch.as_tensor(start_moment, dtype=torch.float64)
    for loop in lr.double().split(k):
        kept, gathered = torch.ones(()).double(), torch.zeros(()).double()
        for rate in loop:
            x = rate[..., None] * problem.curvature
            kept = (1 - x) * kept
            gathered = (1 - x).square() * gathered + x.square() * problem.noise_variance
        moment = pulled_moment(moment, kept, gathered, alpha)
    return 0.5 * (problem.curvature * moment).sum(-1)


def averaged_loss(
    problem: NoisyQuadratic,
    lr: float | Tensor,
    decay: float | Tensor,
    steps: int,
    start_moment: float | Tensor,
) -> Float[Tensor, "*s"]:
    """Expected excess loss of the EMA of SGD's iterates, which starts at the first iterate.

    Args:
        problem: the noisy quadratic.
        lr: constant learning rate, positive.
        decay: weight b of the old average in [0, 1); 0 is SGD itself. Broadcasts with lr.
        steps: number of steps.
        start_moment: second moment of each coordinate at the start, a number or [d].
    """
    lr, b = (torch.as_tensor(v, dtype=torch.float64)[..., None] for v in (lr, decay))
    if not ((b >= 0) & (b < 1)).all():
        raise ValueError(f"decay must lie in [0, 1), got {b.min():g}..{b.max():g}")
    x, b = torch.broadcast_tensors(lr * problem.curvature, b)
    r, noise = 1 - x, x.square() * problem.noise_variance
    moment = torch.as_tensor(start_moment, dtype=torch.float64).expand(x.shape)
    cross = average = moment  # E[theta mean], E[mean^2]
    for _ in range(steps):
        moment, cross = r.square() * moment + noise, r * cross
        average = b.square() * average + 2 * b * (1 - b) * cross + (1 - b).square() * moment
        cross = b * cross + (1 - b) * moment
    return 0.5 * (problem.curvature * average).sum(-1)
