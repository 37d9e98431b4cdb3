r"""The best slow step of Lookahead on a quadratic, with and without noise.

Leading axes are independent problems.

On :math:`L(\theta) = \tfrac12 (\theta - \theta^*)^\top A (\theta - \theta^*)` the loss along the
line from :math:`\theta_0` to :math:`\theta_k` is a parabola, and the step that reaches its lowest
point is (Proposition 1)

.. math::

    \alpha^* = \frac{(\theta_0 - \theta^*)^\top A (\theta_0 - \theta_k)}
                    {(\theta_0 - \theta_k)^\top A (\theta_0 - \theta_k)}.

References:
    Section 3.1 and Proposition 1 of :cite:t:`zhang2019lookahead`. Chapter: lookahead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from replications.problems.noisy_quadratic import NoisyQuadratic

if TYPE_CHECKING:
    from jaxtyping import Float


def optimal_alpha(
    hessian: Float[Tensor, "*s d d"],
    start: Float[Tensor, "*s d"],
    end: Float[Tensor, "*s d"],
    optimum: Float[Tensor, "*s d"],
) -> Float[Tensor, "*s"]:
    """The slow step that minimises a quadratic between two points (Proposition 1).

    Args:
        hessian: symmetric and positive definite.
        start: slow weights, theta_0.
        end: fast weights after the inner loop, theta_k; nan comes out where it equals start.
        optimum: minimiser of the quadratic.
    """
    way = start - end
    pulled = torch.einsum("...ij,...j->...i", hessian, way)
    return ((start - optimum) * pulled).sum(-1) / (way * pulled).sum(-1)


def optimal_alpha_noisy(
    problem: NoisyQuadratic, lr: float, k: int, moment: Float[Tensor, "*s d"]
) -> Float[Tensor, "*s"]:
    """The slow step of least expected loss after one loop of SGD under noise.

    The loop leaves the second moment of `noisy_quadratic.pulled_moment`; weighted by the curvature
    this is a parabola in alpha. Without noise it is `optimal_alpha` in expectation.

    Args:
        problem: the noisy quadratic; lr must keep SGD stable on it.
        lr: inner learning rate, positive and below 2 / L.
        k: inner steps in the loop.
        moment: second moment of each coordinate of the slow weights before the loop.
    """
    variance = problem.sgd_variance(lr)
    if variance.isinf().any():
        raise ValueError(f"lr must lie below 2 / L = {2 / problem.curvature.max():g}, got {lr}")
    q = (1 - lr * problem.curvature) ** k
    gain = (problem.curvature * moment * (1 - q)).sum(-1)
    cost = (problem.curvature * (moment * (1 - q) ** 2 + (1 - q**2) * variance)).sum(-1)
    return gain / cost
